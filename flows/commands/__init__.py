"""The commands of `ninefold`: one file each, found by listing this folder; the file's name is the command's. A file defines

    command(…) -> None            what `ninefold <name>` does; its docstring is the help text

or, for a group of commands,

    HELP                          the help text of the group
    SUBCOMMANDS                   {word: function}: what `ninefold <name> <word>` does

Every parameter is annotated with a `typer.Argument` or `typer.Option` that has a help text; those that several commands
share stand here. A function reads its arguments, calls one function of a flow (`flows/*.py`), and prints what that returned.
It ends with `typer.Exit(code)` where the code is not 0 (1 a gate said no, 2 bad input, 3 the machine failed); errors are
turned into a message and a code by `flows/cli.py`. Flows are imported inside the functions: `ninefold <name> --help` loads
Typer and that one file.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from flows.environment import json_text

UseCasePath = Annotated[Path, typer.Argument(help="The use case's YAML file, or a shipped one by name", metavar="USE_CASE")]
ProfileName = Annotated[str, typer.Option("--profile", help="smoke, cpu, ladder, gpu, or the path of a profile's YAML")]
ModelName = Annotated[str, typer.Argument(help="Registered model's name")]
Person = Annotated[str, typer.Option("--by", envvar="USER", show_envvar=False, help="Who decides; $USER where not given")]
Role = Annotated[str, typer.Option("--role", help="In which role of the contract; the one they have where not given")]
FirstPort = Annotated[int, typer.Option("--port", help="First of two ports: MLflow, then Prefect")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text")]
Report = TypeVar("Report")


def names() -> list[str]:
    """The commands that there are."""
    return sorted(path.stem for place in __path__ for path in Path(place).glob("*.py") if path.stem != "__init__")


def functions(name: str) -> tuple[str | None, dict[str, Callable[..., None]]]:
    """What the file `name` defines: (None, {name: its function}), or of a group (help text, {word: function}).

    Raises AssertionError where the file does not define what this folder asks for."""
    module = import_module(f".{name}", __package__)
    command: Callable[..., None] | None = getattr(module, "command", None)
    group: str | None = getattr(module, "HELP", None)
    words: dict[str, Callable[..., None]] | None = getattr(module, "SUBCOMMANDS", None)
    what = f"flows/commands/{name}.py must define either the function command, or HELP and SUBCOMMANDS"
    assert callable(command) != bool(group and words), f"{what} (see flows/commands/__init__.py)"
    return (None, {name: command}) if command and not words else (group, dict(words or {}))


def load(name: str) -> TyperCommand | TyperGroup:
    """The command or group `name`, as Typer runs it."""
    group, defined = functions(name)
    app = typer.Typer(help=group, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    for word, function in defined.items():
        app.command(word)(function)
    if group:
        app.callback()(lambda: None)  # a group of one subcommand is a group too
    return cast(TyperCommand | TyperGroup, typer.main.get_command(app))


class Listed(TyperGroup):
    """`ninefold`: its commands are the files of this folder, each imported when it is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": _Files()})


class _Files(Mapping[str, TyperCommand | TyperGroup]):
    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        if name not in names():
            raise KeyError(name)
        return load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


def print_report(report: Report, as_json: bool, show: Callable[[Report], None]) -> None:
    """Print what a flow returned: as JSON, or by the flow's own `show`."""
    if as_json:
        typer.echo(json_text(report))
    else:
        show(report)
