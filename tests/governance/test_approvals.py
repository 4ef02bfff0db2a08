"""The record as a chain: whatever is done to the file behind its back is found, and nothing is believed then."""

import re
import shutil
import sqlite3

import pytest

from components.core import GateRefused, MachineFault, canonical, publish_json
from components.core.keys import Retired, key_id, keys_folder, make_keys, revoke_key, rotate_keys, sign
from components.governance import Approvals, approvals, approve, correct_clock, promote, registered, reject, standing
from flows.keys import revoke, rotate
from tests.governance.test_approve import later


@pytest.fixture
def record(workspace) -> Approvals:
    """Four lines: approved, approved, rejected, approved."""
    approve(workspace, "desk", 1, "Ada", "one")
    approve(workspace, "desk", 2, "Ada", "two")
    reject(workspace, "desk", 2, "Grace", "three")
    approve(workspace, "desk", 1, "Grace", "four")
    return Approvals(workspace)


def keys_of(record: Approvals) -> list[str]:
    """The name of the key that signed each line."""
    with sqlite3.connect(record.path) as database:
        return [key for (key,) in database.execute("select key from lines order by number")]


def edit(record: Approvals, *statements: str, given: tuple[object, ...] = ()) -> None:
    """What somebody with the file in hand can do: the triggers do not hold them back."""
    with sqlite3.connect(record.path) as database:
        for name in ("lines_are_kept", "lines_do_not_change"):
            database.execute(f"drop trigger {name}")
        for statement in statements:
            database.execute(statement, given)


def test_a_whole_record_has_no_fault(record) -> None:
    lines, faults = record.verify()
    assert [(line.number, line.event) for line in lines] == [(1, "approve"), (2, "approve"), (3, "reject"), (4, "approve")]
    assert faults == []


def test_a_slip_of_the_hand_changes_nothing(record) -> None:
    with sqlite3.connect(record.path) as database:
        for statement in ("delete from lines", "update lines set line = ''"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                database.execute(statement)


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["update lines set line = replace(line, 'Ada', 'Eve') where number = 2"], "line 2 was changed after"),
        (["update lines set line = 'x' where number = 2"], "line 2 was changed after"),
        (["delete from lines where number = 2"], "line 2 is missing"),
        (
            ["delete from lines where number = 2", "update lines set number = number - 1 where number > 2"],
            "line 2 was moved",
        ),
        (["delete from lines where number >= 3"], "line 3 is missing: the ledger knows it"),
        (["delete from lines"], "line 1 is missing: the ledger knows it"),
        (
            [
                "update lines set number = 9 where number = 1",
                "update lines set number = 1 where number = 2",
                "update lines set number = 2 where number = 9",
            ],
            "line 1 was moved",
        ),
        (["update lines set key = 'other' where number = 3"], r"line 3 is signed with another key \(other\)"),
        (["update lines set signature = 'AAAA' where number = 4"], "line 4 was changed after"),
    ],
)
def test_what_was_done_to_a_line_is_named_and_nothing_is_promoted(record, workspace, statements, fault) -> None:
    edit(record, *statements)
    _, faults = record.verify()
    assert any(re.search(fault, found) for found in faults), faults
    version = registered(workspace, "desk", 1)
    for what in (
        lambda: promote(workspace, version),
        lambda: standing(workspace, version),
        lambda: approve(workspace, "desk", 2, "Ada", "x"),
    ):
        with pytest.raises(GateRefused, match="the record of approvals is broken"):
            what()


def test_a_line_signed_anew_with_the_own_key_is_found_by_the_chain_and_the_ledger(record) -> None:
    line = canonical(record.entries()[2].model_copy(update={"event": "approve"}))
    edit(record, "update lines set line = ?, signature = ? where number = 3", given=(line, sign(line.encode())))
    _, faults = record.verify()
    assert faults[0].startswith("line 4 does not follow the line before it")
    assert faults[1].startswith("line 3 is not the one that was written")


def test_another_key_verifies_nothing(record, monkeypatch, tmp_path) -> None:
    first = key_id()
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "other"))
    make_keys()
    _, faults = record.verify()
    assert len(faults) == 4
    assert all(first in fault and key_id() in fault for fault in faults)


@pytest.fixture
def own_keys(workspace, monkeypatch, tmp_path) -> None:
    """A pair of this test alone, which it may replace."""
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "own"))
    make_keys()


def test_lines_of_a_retired_key_hold_and_the_next_is_signed_by_the_new_one(own_keys, workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "x")
    old = rotate_keys()
    approve(workspace, "desk", 2, "Ada", "x")
    record = Approvals(workspace)
    assert record.verify()[1] == []
    assert keys_of(record) == [old, key_id()]
    promote(workspace, registered(workspace, "desk", 1))
    revoke_key(old)
    assert record.verify()[1] == [], "what it signed before it was put aside is known by its place in the chain"


def test_a_line_that_a_retired_key_signs_later_breaks_the_record(own_keys, workspace, tmp_path) -> None:
    """A thief kept the private key: the line follows the chain, and is anchored in the ledger."""
    approve(workspace, "desk", 1, "Ada", "x")
    shutil.copytree(keys_folder(), tmp_path / "stolen")
    old = rotate_keys()
    with pytest.MonkeyPatch.context() as theft:
        theft.setenv("NINEFOLD_KEYS", str(tmp_path / "stolen"))
        approve(workspace, "desk", 2, "Ada", "a forged line")
    _, faults = Approvals(workspace).verify()
    assert [old in fault and "was put aside" in fault for fault in faults] == [True]
    with pytest.raises(GateRefused, match="the record of approvals is broken"):
        promote(workspace, registered(workspace, "desk", 2))


def test_lines_that_a_wrong_clock_dated_ahead_hold_once_it_was_corrected_and_their_key_put_aside(
    own_keys, workspace, monkeypatch
) -> None:
    monkeypatch.setenv("NINEFOLD_HOME", str(workspace.root))
    later(monkeypatch, 2)
    approve(workspace, "desk", 1, "Ada", "two days ahead")
    later(monkeypatch, 0)
    mine = key_id()
    for what in (rotate, lambda: revoke(mine)):
        with pytest.raises(MachineFault, match=r"line 1 of the record .* --correct-clock"):
            what()
    assert key_id() == mine
    correct_clock(workspace, "Ada", "the battery was flat")
    assert rotate()["retired"] == mine
    assert Approvals(workspace).verify()[1] == []
    later(monkeypatch, 1)
    approve(workspace, "desk", 2, "Ada", "x")
    revoke(mine)
    assert Approvals(workspace).verify()[1] == []


def test_a_retired_key_cannot_follow_a_newer_one_by_a_word_on_the_clock(own_keys, workspace, monkeypatch, tmp_path) -> None:
    """A thief of the old key dates a correction of the clock back to when that key still signed."""
    approve(workspace, "desk", 1, "Ada", "x")
    mine, theirs, old = keys_folder(), tmp_path / "stolen", key_id()
    shutil.copytree(mine, theirs)
    rotate_keys()
    later(monkeypatch, 1)
    approve(workspace, "desk", 2, "Ada", "x")
    (theirs / "retired").mkdir()  # the thief's tools must believe today's key to read the record
    shutil.copy(mine / "signing.pub.pem", theirs / "retired" / f"{key_id()}.pub.pem")
    publish_json(theirs / "retired" / f"{key_id()}.json", Retired(at="2999-01-01T00:00:00.000+00:00"))
    later(monkeypatch, -1)
    monkeypatch.setenv("NINEFOLD_KEYS", str(theirs))
    correct_clock(workspace, "Eve", "forged")
    monkeypatch.setenv("NINEFOLD_KEYS", str(mine))
    _, faults = Approvals(workspace).verify()
    assert [f"line 3 is signed with key {old}, which another had followed" in fault for fault in faults] == [True]


def test_a_key_that_is_replaced_while_a_line_is_signed_writes_no_line(own_keys, workspace, monkeypatch) -> None:
    """Such a line would be signed with one key and bear the name of the other, and nothing could mend it."""
    record = Approvals(workspace)
    monkeypatch.setattr(approvals, "sign", lambda data: (sign(data), rotate_keys())[0])
    with pytest.raises(MachineFault, match=r"the signing key is being replaced\. Nothing was recorded"):
        approve(workspace, "desk", 1, "Ada", "x")
    assert record.verify() == ([], [])


def test_a_kill_between_a_line_and_its_anchor_is_mended(workspace, monkeypatch) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(Approvals, "_anchor", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            approve(workspace, "desk", 1, "Ada", "x")
    record = Approvals(workspace)
    assert record.verify()[1] == []
    edit(record, "delete from lines")
    assert record.verify()[1] != [], "the look at the record wrote its anchor"
