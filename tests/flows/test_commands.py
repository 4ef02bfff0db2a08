"""Every file of `flows/commands`: what the folder asks of it, how it ends, and how little its help loads."""

import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup

import flows.cli
from components.core.code import ROOT
from flows import commands
from flows.commands import functions, load, names


def each(name: str) -> Iterator[tuple[list[str], TyperCommand]]:
    """(words after `ninefold`, the command) of each command in the file `name`."""
    loaded = load(name)
    if isinstance(loaded, TyperGroup):
        yield from (([name, word], command) for word, command in loaded.commands.items())
    else:
        yield [name], loaded


def check(name: str) -> None:
    """Raise AssertionError where the file `name` is not what the folder asks for; says which command, and what it lacks."""
    group, defined = functions(name)
    assert group is None or group.strip(), f"flows/commands/{name}.py: HELP is empty"
    for words, command in each(name):
        where = f"flows/commands/{name}.py, `ninefold {' '.join(words)}`"
        assert (command.help or "").strip(), f"{where}: the function has no docstring, which is its help text"
        for parameter in command.params:
            if parameter.name != "help":
                assert getattr(parameter, "help", None), f"{where}: parameter '{parameter.name}' has no help text"
    for function in defined.values():
        source = inspect.getsource(importlib.import_module(function.__module__)).splitlines()
        early = [line for line in source if line.startswith(("from flows", "from components", "import flows"))]
        assert not early, f"flows/commands/{name}.py: {early[0]!r} belongs inside the function: `--help` would load it"


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of `ninefold` with these words."""
    monkeypatch.setattr(sys, "argv", ["ninefold", *words])
    with pytest.raises(SystemExit) as end:
        flows.cli.main()
    return end.value.code or 0


def required(command: TyperCommand, value: str) -> list[str]:
    """The words that `command` cannot do without, each with `value`."""
    given: list[str] = []
    for parameter in command.params:
        if parameter.required:
            given += [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]
    return given


@pytest.mark.parametrize("name", names())
def test_a_command_has_help_texts_and_stable_exit_codes(name, tmp_path, monkeypatch, capsys):
    check(name)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "file"))
    for words, command in each(name):
        assert ended(monkeypatch, *words, "--help") == 0
        assert (command.help or "").split()[0] in capsys.readouterr().out
        assert ended(monkeypatch, *words, "--no-such-option") == 2
        capsys.readouterr()
        assert ended(monkeypatch, *words, *required(command, "nowhere")) == 2
        assert capsys.readouterr().err.startswith(("ninefold: ", "Usage: ")), words


def test_the_help_of_a_command_loads_its_own_file_alone():
    probe = """
import contextlib, io, json, sys
import flows.cli
from flows.commands import names
started, loaded = set(sys.modules), {}
for name in names():
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        flows.cli.app([name, "--help"])
    loaded[name] = [one for one in set(sys.modules) - started if one.startswith(("flows", "components"))]
    started = set(sys.modules)
print(json.dumps([loaded, sorted(one for one in started if one.startswith(("flows.", "components.")))]))
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    loaded, all_loaded = json.loads(done.stdout)
    assert loaded == {name: [f"flows.commands.{name}"] for name in names()}
    always = ["flows.cli", "flows.commands", "flows.environment", "flows.interrupt"]
    assert all_loaded == sorted([*always, *(f"flows.commands.{name}" for name in names())])


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files are commands too."""
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    yield tmp_path
    sys.modules.pop("flows.commands.planted", None)


BOTH = "def command() -> None:\n    '''Help.'''\n"
BAD = {
    "": "must define either the function command, or HELP and SUBCOMMANDS",
    BOTH + "HELP = 'Help.'\nSUBCOMMANDS = {'one': command}\n": "must define either",
    "SUBCOMMANDS = {'one': print}\n": "must define either",
    "def command() -> None:\n    return None\n": "`ninefold planted`: the function has no docstring",
    "HELP = 'Help.'\ndef one() -> None: ...\nSUBCOMMANDS = {'one': one}\n": "`ninefold planted one`: the function has no",
    "def command(count: int = 1) -> None:\n    '''Help.'''\n": "parameter 'count' has no help text",
    "from flows.plan import plan\n" + BOTH: "'from flows.plan import plan' belongs inside the function",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_file_that_is_no_command_is_named_with_what_it_lacks(planted, text):
    (planted / "planted.py").write_text(text)
    assert "planted" in names()
    with pytest.raises(AssertionError, match=BAD[text]) as refused:
        check("planted")
    assert str(refused.value).startswith("flows/commands/planted.py")


def test_a_new_file_is_a_new_command(planted, monkeypatch, capsys):
    text = "import typer\ndef command() -> None:\n    '''Say no.'''\n    raise typer.Exit(1)\n"
    (planted / "planted.py").write_text(text)
    assert ended(monkeypatch, "--help") == 0
    assert "planted    Say no." in capsys.readouterr().out
    assert ended(monkeypatch, "planted") == 1
    assert ended(monkeypatch, "plented") == 2
    assert "Did you mean 'planted'" in capsys.readouterr().err


def test_a_group_of_one_command_is_a_group(planted, monkeypatch, capsys):
    (planted / "planted.py").write_text(BOTH.replace("command", "one") + "HELP = 'Some.'\nSUBCOMMANDS = {'one': one}\n")
    assert ended(monkeypatch, "planted", "one") == 0
    assert ended(monkeypatch, "planted", "two") == 2
    assert "No such command 'two'" in capsys.readouterr().err
