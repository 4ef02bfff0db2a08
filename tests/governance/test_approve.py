"""Approvals on a real registry: a real MLflow on SQLite, a model version that holds a real bundle."""

import sqlite3
from pathlib import Path

import pytest

from components.core import BadInput, Ledger, Workspace
from components.deployment.bundle import export
from components.deployment.register import register
from components.governance import Registered, Registry, approve, champion, registered, standing, void
from tests.serving.bundles import candidate


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two versions of the model `desk`: abstaining below 0.1 and below 0.2."""
    home = tmp_path_factory.mktemp("approve")
    workspace = Workspace(home / "home")
    for number, below in enumerate((0.1, 0.2), 1):
        folder = home / str(number)
        folder.mkdir()
        chosen = candidate(workspace.store, folder, below)
        bundle = export(chosen, workspace.store, workspace.serving / "bundles" / chosen.digest, [])
        described = Registered(
            model="desk", version=0, use_case="desk_case", candidate=chosen.digest, evidence=f"evidence-{number}"
        )
        assert register(Registry(workspace), described, chosen, bundle, folder).version == number
    return workspace


def holder(workspace: Workspace, alias: str) -> int | None:
    """The version that MLflow itself shows for an alias."""
    aliases = Registry(workspace).client.get_registered_model("desk").aliases
    return int(aliases[alias]) if alias in aliases else None


def test_nothing_is_champion_before_an_approval(workspace) -> None:
    assert holder(workspace, "candidate") == 2
    assert holder(workspace, "champion") is None
    assert champion(workspace, "desk") is None


def test_an_approval_moves_the_alias_once_and_is_on_the_record(workspace) -> None:
    first = approve(workspace, "desk", 1, "Ada", "reads well")
    assert approve(workspace, "desk", 1, "Ada", "reads well") == first
    assert (first.by, first.policy, first.evidence) == ("Ada", False, "evidence-1")
    assert holder(workspace, "champion") == 1
    moves = [e for e in Ledger(workspace.ledger).effects("alias") if "@champion:" in e["key"]]
    assert len(moves) == 1
    assert champion(workspace, "desk").baseline.abstain_below == 0.1


def test_the_next_champion_keeps_the_former_as_previous_and_the_way_back_is_open(workspace) -> None:
    approve(workspace, "desk", 2, "Ada", "better")
    assert (holder(workspace, "champion"), holder(workspace, "previous")) == (2, 1)
    approve(workspace, "desk", 1, "Ada", "back")
    assert (holder(workspace, "champion"), holder(workspace, "previous")) == (1, 2)
    approve(workspace, "desk", 2, "Ada", "and forth")
    assert holder(workspace, "champion") == 2


def test_a_kill_between_record_and_alias_is_finished_by_the_repeat(workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(workspace, "desk", 2, "Ada", "start")

    def power_cut(self: Registry, *given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(Registry, "move", power_cut)
        with pytest.raises(KeyboardInterrupt):
            approve(workspace, "desk", 1, "Ada", "again")
    assert holder(workspace, "champion") == 2
    approve(workspace, "desk", 1, "Ada", "again")
    assert holder(workspace, "champion") == 1


def test_an_approval_does_not_stand_for_another_candidate_or_other_evidence(workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "stands")
    version = registered(workspace, "desk", 1)
    assert standing(workspace, version) is not None
    assert standing(workspace, version.model_copy(update={"candidate": "other"})) is None
    assert standing(workspace, version.model_copy(update={"evidence": "other"})) is None


def test_an_approval_can_be_taken_back_on_the_record(workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "stands")
    void(workspace, "desk", 1, "Grace", "wrong passage cited")
    assert standing(workspace, registered(workspace, "desk", 1)) is None
    with pytest.raises(BadInput, match="no standing approval"):
        void(workspace, "desk", 1, "Grace", "twice")


def test_the_record_can_be_neither_changed_nor_deleted(workspace) -> None:
    with sqlite3.connect(workspace.root / "approvals.db") as database:
        for statement in ("delete from approvals", "update approvals set by = 'nobody'"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                database.execute(statement)


@pytest.mark.parametrize(("version", "by", "reason"), [(9, "Ada", "x"), (1, " ", "x"), (1, "Ada", "")])
def test_bad_approvals_are_refused(workspace, version: int, by: str, reason: str) -> None:
    with pytest.raises(BadInput):
        approve(workspace, "desk", version, by, reason)


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'ghost' is not registered"):
        approve(Workspace(tmp_path), "ghost", 1, "Ada", "x")
