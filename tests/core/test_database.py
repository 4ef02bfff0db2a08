"""Databases of a workspace: their owner's alone, and one message for a torn one."""

import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from components.core import FeedbackStore, Ledger, MachineFault, Workspace
from components.core.database import durable
from components.core.errors import Damaged
from components.core.tracking import Tracking, follow_move
from components.governance import Approvals
from components.text.suppression import Suppressed


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_workspace_and_databases_are_their_owners_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    Ledger(workspace.ledger)
    FeedbackStore(workspace.feedback)
    Tracking(workspace, "desk")
    with durable(workspace.ledger) as database:
        database.execute("delete from effects")
        modes = {path.name: mode(path) for path in workspace.root.iterdir() if path.is_file()}
    assert mode(workspace.root) == 0o700
    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "feedback.db", "mlflow.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_databases_of_an_earlier_workspace_are_closed_to_others(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table earlier (name)")
        database.commit()
        with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other:
            other.execute("create table earlier (name)")
        for path in tmp_path.iterdir():
            path.chmod(0o644)
        tmp_path.chmod(0o755)
        workspace = Workspace(tmp_path)
        Ledger(workspace.ledger)
        follow_move(workspace)
        assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
            "ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600, "mlflow.db": 0o600
        }  # fmt: skip
    assert mode(tmp_path) == 0o755, "a folder that somebody made, and may share, stays as it is"


def tear_head(path: Path) -> None:
    path.write_bytes(b"torn" * 300)


def tear_end(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\xff" * (len(data) - len(data) // 2))


@pytest.mark.parametrize("tear", [tear_head, tear_end])
def test_a_torn_database_is_named_and_left_as_it_is(tmp_path: Path, tear: Callable[[Path], None]) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    for number in range(200):
        ledger.once("alert", f"alert:{number}", find=lambda: None, do=lambda: "x" * 200)
    tear(ledger.path)
    torn = ledger.path.read_bytes()
    with pytest.raises(MachineFault, match=f"^{ledger.path}: damaged .*nothing can make again .*from a backup"):
        Ledger(ledger.path).effects()
    assert ledger.path.read_bytes() == torn


def test_a_torn_mlflow_database_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    tear_head(workspace.root / "mlflow.db")
    with pytest.raises(MachineFault, match=f"^{tmp_path}/mlflow.db: damaged .*from a backup"):
        Tracking(workspace, "desk")


OPENED: dict[str, Callable[[Workspace], object]] = {
    "ledger.db": lambda workspace: Ledger(workspace.ledger),
    "approvals.db": Approvals,
    "feedback.db": lambda workspace: FeedbackStore(workspace.feedback),
    "mlflow.db": follow_move,
}


@pytest.mark.parametrize(("name", "opened"), OPENED.items(), ids=OPENED)
def test_a_database_cut_to_nothing_is_named_and_not_taken_for_a_new_one(
    tmp_path: Path, name: str, opened: Callable[[Workspace], object]
) -> None:
    workspace, path = Workspace(tmp_path), tmp_path / name
    opened(workspace)
    assert path.stat().st_size, "it has a header before anybody sees it, so that an empty one has lost it"
    os.truncate(path, 0)
    for _ in range(2):
        with pytest.raises(Damaged, match=rf"^{path}: damaged \(it is empty\); nothing can make again .*move it away"):
            opened(workspace)
    path.unlink()
    opened(workspace)
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"


def test_databases_begun_by_many_at_once_are_one(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"

    def begin(number: int) -> str:
        return Ledger(ledger).once("alert", f"alert:{number}", find=lambda: None, do=lambda: "done")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, range(8)))
    assert len(Ledger(ledger).effects()) == 8


@pytest.mark.parametrize("torn", ["", '{"salt": "', '{"salt": 1}', '{"salt": "a", "entries": [], "digest": "0"}'])
def test_a_torn_list_of_what_was_forgotten_stops_with_its_name(tmp_path: Path, torn: str) -> None:
    (tmp_path / "forgotten.json").write_text(torn)
    with pytest.raises(MachineFault, match=r"forgotten\.json: damaged .*backup"):
        Suppressed.read(tmp_path / "forgotten.json")
