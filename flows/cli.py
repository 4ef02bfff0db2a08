"""The `ninefold` command: finds the commands in `flows/commands/`, and turns errors into one message and an exit code.

The exit codes stand in components/core/errors.py.
"""

import sys
from typing import Annotated

import typer

from flows.commands import Listed
from flows.environment import mend
from flows.interrupt import interruptible

app = typer.Typer(
    cls=Listed,
    help="One YAML file states a business use case; nine stages make it a measured, governed, deployed application.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ninefold {version('ninefold')}")
        raise typer.Exit


@app.callback()
def ninefold(
    version: Annotated[bool, typer.Option("--version", help="Print the version", callback=_version, is_eager=True)] = False,
) -> None:
    """A callback makes Typer build a group, although no command is registered before it is asked for."""


def main() -> None:
    """Entry point: an error becomes one message and an exit code; the traceback of one that we did not foresee is logged."""
    mend()
    with interruptible() as signals:
        try:
            app()
        except Exception as error:  # noqa: BLE001 the outermost place: nothing may reach the user as a traceback
            if signals.came:  # a library made it an error of its own
                sys.exit(signals.tell())
            code, message = _explained(error)
            typer.echo(f"ninefold: {message}", err=True)
            sys.exit(code)
        except BaseException as end:
            # of a KeyboardInterrupt Typer makes an exit with its code
            if signals.came or isinstance(end, KeyboardInterrupt) or getattr(end, "code", None) == 130:
                sys.exit(signals.tell())
            raise


def _explained(error: Exception) -> tuple[int, str]:
    if (code := getattr(error, "exit_code", None)) is not None:
        return code, str(error)
    from flows.crash import explain

    message, code = explain(error)
    return code, message


if __name__ == "__main__":
    main()
