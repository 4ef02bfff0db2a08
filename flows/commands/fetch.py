"""`ninefold fetch`: what it does is in flows/fetch.py."""

from . import Json, ProfileName, UseCasePath, print_report


def command(use_case: UseCasePath, profile: ProfileName = "cpu", as_json: Json = False) -> None:
    """Fetch the assets and benchmarks that a use case needs, hash-checked, and say where they lie."""
    from flows.fetch import fetch_assets, show

    print_report(fetch_assets(use_case, profile), as_json, show)
