"""`ninefold plan`: what it does is in flows/plan.py."""

from . import Json, ProfileName, UseCasePath, print_report


def command(use_case: UseCasePath, profile: ProfileName = "cpu", as_json: Json = False) -> None:
    """Say what would run, what is sealed, and how long it takes. Changes nothing."""
    from flows.plan import plan, show

    print_report(plan(use_case, profile), as_json, show)
