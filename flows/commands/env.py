"""`ninefold env`: what it does is in flows/ui.py."""

from . import FirstPort, Json, print_report


def command(port: FirstPort = 5000, as_json: Json = False) -> None:
    """Print what `prefect`, `mlflow` and notebooks need for `ninefold ui`: eval "$(ninefold env)" also logs them in."""
    from flows.ui import env, show_env

    print_report(env(port), as_json, show_env)
