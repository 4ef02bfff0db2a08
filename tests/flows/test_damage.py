"""What is damaged in a finished workspace: every command that reads it names it, until a run has made it again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from components.core import BadInput, Workspace
from components.core.errors import Damaged
from flows.card import verify
from flows.dropped import dropped
from flows.lineage import lineage, trace
from flows.run import Run
from flows.runs import UNTOLD, runs
from tests.conftest import USE_CASE, ninefold
from tests.core.test_damage import flip

ASKED: dict[str, Callable[[Workspace], object]] = {
    "lineage": lambda workspace: lineage("voice_helpdesk", workspace),
    "lineage --row": lambda workspace: trace("disfl_qa:1", workspace),
    "dropped": lambda workspace: dropped("voice_helpdesk", workspace=workspace),
    "card verify": lambda workspace: verify("voice_helpdesk@1", True, workspace),
}


def seal_of(workspace: Workspace, step: str) -> Path:
    return next(
        workspace.store.root / f"steps/{seal.key}.json"
        for seal in workspace.store.seals()
        if seal.name == f"components.{step}"
    )


def test_a_damaged_seal_is_named_by_every_command_until_it_is_made_again(copied):
    """The release was made of the data step's rows: without its seal its lineage would begin nowhere, and not say so."""
    for asked in ASKED.values():
        asked(copied.workspace)
    seal = seal_of(copied.workspace, "data.prepare")
    whole = seal.read_bytes()
    flip(seal)
    planned = ninefold(copied.home, "plan", str(USE_CASE), "--profile", "smoke")
    assert (planned.returncode, planned.stderr.count("\n")) == (0, 1), planned.stderr
    assert f"{seal}: damaged (" in planned.stderr
    assert "a run starts at data (its seal was damaged)" in planned.stdout
    for asked in ASKED.values():
        with pytest.raises(Damaged, match=f"scratch/damaged-{seal.stem}: damaged .*run again its use case"):
            asked(copied.workspace)
    said = ninefold(copied.home, "lineage", "voice_helpdesk")
    assert (said.returncode, said.stderr.count("\n"), said.stdout) == (3, 1, ""), said.stderr
    seal.write_bytes(whole)  # as a run makes it again
    for asked in ASKED.values():
        asked(copied.workspace)


def test_a_digit_in_a_summary_is_noticed_by_whoever_reads_it(copied):
    (path,) = copied.workspace.runs.glob("*/summary.json")
    whole, version = path.read_text(), '"version": 1'
    assert version in whole
    path.write_text(whole.replace(version, '"version": 7'))
    assert Run.read(USE_CASE, "smoke", copied.workspace).finished() is None, "a run goes on, and writes it again"
    assert path.with_name("summary.json.damaged").is_file()
    for _ in range(2):
        assert [(run["state"], run["seconds"]) for run in runs(copied.workspace)] == [(UNTOLD, None)]
        with pytest.raises(BadInput, match=r"voice_helpdesk-smoke-\w+': it left no summary, or that was damaged"):
            dropped("voice_helpdesk", workspace=copied.workspace)
    path.write_text(whole)
    assert [run["state"] for run in runs(copied.workspace)] == ["released"]
