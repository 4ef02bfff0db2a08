"""The `ninefold` command: finds the commands in `flows/commands/`, and turns errors into one message and an exit code.

Exit codes: 0 done, 1 a gate said no, 2 bad input, 3 the machine failed.
"""

import sys

import typer

from flows.commands import Listed

app = typer.Typer(
    cls=Listed,
    help="One YAML file states a business use case; nine stages make it a measured, governed, deployed application.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
INTERRUPTED = 130
"""The code that Typer ends with on Ctrl-C: the KeyboardInterrupt itself does not pass it."""


@app.callback()
def ninefold() -> None:
    """A callback makes Typer build a group, although no command is registered before it is asked for."""


def main() -> None:
    """Entry point: an error becomes one message and an exit code; the traceback of one that we did not foresee is logged."""
    try:
        app()
    except (KeyboardInterrupt, SystemExit) as end:
        if getattr(end, "code", INTERRUPTED) != INTERRUPTED:
            raise
        typer.echo("ninefold: interrupted; sealed steps are kept, run again to go on", err=True)
        sys.exit(3)
    except Exception as error:  # noqa: BLE001 the outermost place: nothing may reach the user as a traceback
        if (code := getattr(error, "exit_code", None)) is not None:
            typer.echo(f"ninefold: {error}", err=True)
            sys.exit(code)
        from flows.crash import explain

        message, code = explain(error)
        typer.echo(f"ninefold: {message}", err=True)
        sys.exit(code)


if __name__ == "__main__":
    main()
