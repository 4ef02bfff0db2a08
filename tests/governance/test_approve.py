"""Approvals on a real registry: a real MLflow on SQLite, a model version that holds a real bundle."""

import importlib
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.core import ApprovalRules, BadInput, GateRefused, Ledger, MachineFault, Workspace, ledger
from components.core.keys import key_id
from components.core.signature import sign_bundle
from components.governance import (
    Approvals,
    Registry,
    approvals,
    approve,
    approved_by_policy,
    champion,
    correct_clock,
    covered,
    promote,
    registered,
    reject,
    rollback,
    standing,
    state,
)
from components.governance.rules import person
from tests.deployment import cases
from tests.governance.conftest import plain_card

approve_module = importlib.import_module("components.governance.approve")  # the package has a function of that name
ROLES = ApprovalRules(roles={"reviewer": ("Ada", "Grace"), "risk": ("Lin",)})


def holder(workspace: Workspace, alias: str) -> int | None:
    """The version that MLflow itself shows for an alias."""
    aliases = Registry(workspace).client.get_registered_model("desk").aliases
    return int(aliases[alias]) if alias in aliases else None


def change(workspace: Workspace, number: int = 1, **what: object) -> None:
    """Describe a version anew, as another run of the deployment stage would."""
    Registry(workspace).describe(registered(workspace, "desk", number).model_copy(update=what))


def later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Set the clock of the record and of the ledger."""
    at = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")
    for clock in (approvals, ledger):
        monkeypatch.setattr(clock, "now", lambda: at)


def test_nothing_is_champion_before_an_approval(workspace) -> None:
    assert holder(workspace, "candidate") == 2
    assert holder(workspace, "champion") is None
    assert champion(workspace, "desk") is None
    with pytest.raises(GateRefused, match="nobody has approved it"):
        promote(workspace, registered(workspace, "desk", 1))


def test_an_approval_moves_the_alias_once_and_is_on_the_record(workspace) -> None:
    first = approve(workspace, "desk", 1, "Ada", "reads well")
    assert approve(workspace, "desk", 1, " ADA ", "reads well") == first
    what = covered(workspace, registered(workspace, "desk", 1))
    assert (first.by, first.role, first.policy) == ("Ada", "role not stated", False)
    assert (first.candidate, first.evidence) == (what.candidate, "evidence-1")
    assert (first.config, first.card) == ("config-1", what.card)
    assert holder(workspace, "champion") == 1
    moves = [e for e in Ledger(workspace.ledger).effects("alias") if "@champion:" in e["key"]]
    assert len(moves) == 1
    assert champion(workspace, "desk").baseline.abstain_below == 0.1


def test_the_next_champion_keeps_the_former_as_previous_and_rollback_goes_back(workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    approve(workspace, "desk", 2, "Ada", "better")
    assert (holder(workspace, "champion"), holder(workspace, "previous")) == (2, 1)
    assert rollback(workspace, "desk", "Grace", "it is slow").version == 1
    assert (holder(workspace, "champion"), holder(workspace, "previous")) == (1, 2)
    assert [(e.event, e.version, e.by) for e in Approvals(workspace).entries("desk")][-1] == ("rollback", 1, "Grace")


def test_no_rollback_to_what_was_rejected_or_is_not_there(workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    with pytest.raises(BadInput, match="no previous version"):
        rollback(workspace, "desk", "Ada", "x")
    approve(workspace, "desk", 2, "Ada", "better")
    reject(workspace, "desk", 1, "Grace", "it leaks")
    with pytest.raises(GateRefused, match="rejected by Grace: it leaks"):
        rollback(workspace, "desk", "Ada", "x")
    assert holder(workspace, "champion") == 2


@pytest.mark.parametrize("alias", ["previous", "champion"])
@pytest.mark.parametrize(
    "what", [lambda w: approve(w, "desk", 1, "Ada", "again"), lambda w: rollback(w, "desk", "Ada", "x")]
)
def test_a_kill_between_record_and_alias_is_finished_by_the_repeat(workspace, monkeypatch, what, alias) -> None:
    approve(workspace, "desk", 1, "Ada", "start")
    approve(workspace, "desk", 2, "Ada", "start")
    move = Registry.move

    def power_cut(self: Registry, model: str, name: str, version: int) -> None:
        if name == alias:
            raise KeyboardInterrupt
        move(self, model, name, version)

    with monkeypatch.context() as cut:
        cut.setattr(Registry, "move", power_cut)
        with pytest.raises(KeyboardInterrupt):
            what(workspace)
    assert holder(workspace, "champion") == 2
    what(workspace)
    assert (holder(workspace, "champion"), holder(workspace, "previous")) == (1, 2)


@pytest.mark.parametrize("what", [{"evidence": "other"}, {"config": "other"}, {"risk_tier": "high"}])
def test_an_approval_ends_when_what_it_covers_changes(workspace, what) -> None:
    approve(workspace, "desk", 1, "Ada", "stands")
    assert standing(workspace, registered(workspace, "desk", 1)) is not None
    change(workspace, **what)
    version = registered(workspace, "desk", 1)
    assert standing(workspace, version) is None
    with pytest.raises(GateRefused, match=r"has changed since|second person"):
        promote(workspace, version)


def test_an_approval_ends_when_the_card_changes_or_goes(workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "stands")
    version = registered(workspace, "desk", 1)
    card = plain_card(workspace, version, "another figure")
    assert standing(workspace, version) is None
    approve(workspace, "desk", 1, "Ada", "read again")
    card.unlink()
    assert standing(workspace, version) is None
    with pytest.raises(BadInput, match=r"has no card at model_cards/desk_case/v1\.md"):
        approve(workspace, "desk", 1, "Ada", "unseen")


def test_a_version_described_as_before_is_what_it_was_before(workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "stands")
    change(workspace, evidence="other")
    change(workspace, evidence="evidence-1")
    assert standing(workspace, registered(workspace, "desk", 1)) is not None


def test_what_changed_since_it_was_read_is_not_approved(workspace) -> None:
    read = covered(workspace, registered(workspace, "desk", 1)).digest
    change(workspace, evidence="other")
    with pytest.raises(GateRefused, match="no longer what was read"):
        approve(workspace, "desk", 1, "Ada", "x", seen=read)
    assert Approvals(workspace).entries() == []


def test_what_changes_while_it_is_being_approved_is_not_covered(workspace, monkeypatch) -> None:
    """Another process describes the version anew after what was read was compared, and before the line is written."""
    seen = covered(workspace, registered(workspace, "desk", 1))
    asked = approve_module._asked

    def and_then_it_changes(*given: Any) -> Any:
        found = asked(*given)
        change(workspace, evidence="forged")
        return found

    monkeypatch.setattr(approve_module, "_asked", and_then_it_changes)
    assert approve(workspace, "desk", 1, "Ada", "x", seen=seen.digest).evidence == seen.evidence
    assert "has changed since" in state(workspace, registered(workspace, "desk", 1)).lacks
    assert holder(workspace, "champion") is None


def test_a_rejection_waits_for_the_promotion_that_has_begun(workspace, monkeypatch) -> None:
    """No alias moves on an approval that somebody took back between the check and the move."""
    said: list[str] = []
    rejecting = threading.Thread(target=lambda: (reject(workspace, "desk", 1, "Grace", "no"), said.append("rejected")))
    move = Registry.move

    def slow(self: Registry, *given: Any) -> None:
        if not rejecting.ident:
            rejecting.start()
            rejecting.join(1)
        move(self, *given)
        said.append("moved")

    monkeypatch.setattr(Registry, "move", slow)
    approve(workspace, "desk", 1, "Ada", "x")
    rejecting.join(60)
    assert said == ["moved", "rejected"]


def test_a_decision_that_never_ends_is_a_clear_error(workspace, monkeypatch) -> None:
    monkeypatch.setattr(approve_module, "WAIT_SECONDS", 0.1)
    with approve_module._alone(workspace), pytest.raises(MachineFault, match="another decision is under way"):
        approve(workspace, "desk", 1, "Ada", "x")
    assert approve(workspace, "desk", 1, "Ada", "x").by == "Ada"


def test_no_policy_overrules_a_persons_rejection(workspace) -> None:
    contract = cases.contract("low")
    change(workspace, risk_tier="low")
    assert "without the card" in approved_by_policy(workspace, contract, 1).reason
    reject(workspace, "desk", 1, "Ada", "it insults callers")
    assert approved_by_policy(workspace, contract, 1) is None
    assert state(workspace, registered(workspace, "desk", 1)).lacks == "it was rejected by Ada: it insults callers"
    change(workspace, risk_tier="low", evidence="measured anew")
    assert approved_by_policy(workspace, contract, 1).evidence == "measured anew"


def test_an_expired_approval_blocks_a_promotion_and_no_restart(workspace, monkeypatch) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    approve(workspace, "desk", 2, "Ada", "better")
    later(monkeypatch, 91)
    version = registered(workspace, "desk", 1)
    assert standing(workspace, version) is not None
    with pytest.raises(GateRefused, match="has expired"):
        rollback(workspace, "desk", "Ada", "back")
    approve(workspace, "desk", 1, "Grace", "read again")
    assert holder(workspace, "champion") == 1


def test_high_risk_takes_two_people(workspace) -> None:
    change(workspace, risk_tier="high")
    approve(workspace, "desk", 1, "Ada", "first")
    assert approve(workspace, "desk", 1, "ada", "and again").reason == "first"
    version = registered(workspace, "desk", 1)
    assert state(workspace, version).lacks == "risk tier high: it waits for a second person beside Ada"
    assert holder(workspace, "champion") is None
    approve(workspace, "desk", 1, "Grace", "second")
    assert holder(workspace, "champion") == 1
    reject(workspace, "desk", 1, "Lin", "no")
    approve(workspace, "desk", 1, "Grace", "still")
    assert standing(workspace, version) is None


def test_roles_of_the_contract_are_asked(workspace) -> None:
    change(workspace, rules=ROLES.model_copy(update={"needs": ("reviewer", "risk")}))
    for by, role in (("Mallory", ""), ("Lin", "reviewer"), ("Ada", "king")):
        with pytest.raises(BadInput, match=r"does not have|no such role"):
            approve(workspace, "desk", 1, by, "x", role=role)
        with pytest.raises(BadInput, match=r"does not have|no such role"):
            reject(workspace, "desk", 1, by, "x", role=role)
    assert Approvals(workspace).entries() == []
    assert approve(workspace, "desk", 1, "grace", "figures hold").role == "reviewer"
    assert state(workspace, registered(workspace, "desk", 1)).lacks == "it waits for an approval by risk"
    assert holder(workspace, "champion") is None
    approve(workspace, "desk", 1, "Lin", "risk is borne")
    assert holder(workspace, "champion") == 1


def test_an_approval_can_be_taken_back_on_the_record(workspace) -> None:
    approve(workspace, "desk", 1, "Ada", "stands")
    reject(workspace, "desk", 1, "Grace", "wrong passage cited")
    assert standing(workspace, registered(workspace, "desk", 1)) is None
    assert [e.event for e in Approvals(workspace).entries("desk", 1)] == ["approve", "reject"]


def test_without_a_key_nothing_is_approved(workspace, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "none"))
    with pytest.raises(BadInput, match="ninefold keys init"):
        approve(workspace, "desk", 1, "Ada", "x")
    assert holder(workspace, "champion") is None
    assert Approvals(workspace).entries() == []


def test_a_clock_that_went_back_records_and_promotes_nothing(workspace, monkeypatch) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    later(monkeypatch, -1)
    for what in (lambda: approve(workspace, "desk", 2, "Ada", "x"), lambda: approve(workspace, "desk", 1, "Ada", "x")):
        with pytest.raises(MachineFault, match="the clock went back"):
            what()
    assert len(Approvals(workspace).entries()) == 1
    assert holder(workspace, "champion") == 1


def test_an_expired_approval_is_not_revived_by_a_clock_that_is_set_back(workspace, monkeypatch) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    approve(workspace, "desk", 2, "Ada", "better")
    later(monkeypatch, 100)
    with pytest.raises(GateRefused, match="has expired"):
        rollback(workspace, "desk", "Ada", "back")
    later(monkeypatch, 50)
    with pytest.raises(MachineFault, match="the clock went back"):
        rollback(workspace, "desk", "Ada", "back")
    assert holder(workspace, "champion") == 2


def test_the_clock_is_compared_with_the_ledgers_last_effect_too(workspace, monkeypatch) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    later(monkeypatch, 100)
    change(workspace, 2, evidence="measured anew")
    later(monkeypatch, 50)
    with pytest.raises(MachineFault, match="the clock went back"):
        approve(workspace, "desk", 1, "Ada", "x")


def test_after_a_clock_that_ran_ahead_a_line_of_its_own_opens_the_record_and_revives_nothing(workspace, monkeypatch) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    with pytest.raises(BadInput, match="nothing to correct"):
        correct_clock(workspace, "Ada", "it looked odd")
    later(monkeypatch, 365)
    approve(workspace, "desk", 2, "Ada", "a year ahead")
    later(monkeypatch, 1)
    for what in (approve, reject):
        with pytest.raises(MachineFault, match=r"went back.*--correct-clock"):
            what(workspace, "desk", 2, "Ada", "x")
    line = correct_clock(workspace, "Ada", "the battery was flat")
    assert line.ahead[:4] > line.at[:4]
    assert Approvals(workspace).verify()[1] == []
    assert standing(workspace, registered(workspace, "desk", 2)) is not None, "a champion is served as before"
    with pytest.raises(GateRefused, match="from before the clock was corrected"):
        rollback(workspace, "desk", "Ada", "back")
    later(monkeypatch, 2)
    approve(workspace, "desk", 1, "Ada", "read again")
    assert holder(workspace, "champion") == 1
    later(monkeypatch, 1.5)
    with pytest.raises(MachineFault, match="the clock went back"):
        approve(workspace, "desk", 2, "Ada", "x")


def test_a_folder_that_is_not_what_was_signed_is_not_promoted_in_any_way(workspace) -> None:
    """One byte of a file that no digest of the Candidate covers."""
    version = registered(workspace, "desk", 1)
    served = version.bundle(workspace) / "reference.json"
    sign_bundle(served.parent)
    change(workspace, signer=key_id(), risk_tier="low")
    approve(workspace, "desk", 1, "Ada", "stands")
    approve(workspace, "desk", 2, "Ada", "better")
    served.write_text("[ ]")
    for what in (
        lambda: approve(workspace, "desk", 1, "Grace", "x"),
        lambda: approved_by_policy(workspace, cases.contract("low"), 1),
        lambda: rollback(workspace, "desk", "Ada", "back"),
        lambda: promote(workspace, registered(workspace, "desk", 1)),
    ):
        with pytest.raises(GateRefused, match=r"does not hold: Hash mismatch for 'reference\.json'\. Bring"):
            what()
    assert len(Approvals(workspace).entries()) == 2
    assert holder(workspace, "champion") == 2
    assert reject(workspace, "desk", 1, "Grace", "its folder was changed").by == "Grace"


@pytest.mark.parametrize("what", [{"risk_tier": "medium"}, {"rules": ApprovalRules(roles={"reviewer": ("Ada",)})}])
def test_an_approval_covers_the_risk_tier_and_who_may_approve(workspace, what) -> None:
    """Two people were asked for and one has spoken, when somebody edits the ledger."""
    rules = ApprovalRules(roles={"reviewer": ("Ada", "Grace"), "risk": ("Lin",)}, needs=("reviewer", "risk"))
    change(workspace, risk_tier="high", rules=rules)
    approve(workspace, "desk", 1, "Ada", "first")
    change(workspace, **what)
    with pytest.raises(GateRefused, match="has changed since"):
        promote(workspace, registered(workspace, "desk", 1))


@pytest.mark.parametrize("by", ["ada\u200b", "a\u00add\u2060a", "\uff21da", "ADA", " ada\u00a0", "ada\ufe0f", "\u3164ada"])
def test_a_name_written_otherwise_is_no_second_person(workspace, by) -> None:
    change(workspace, risk_tier="high")
    approve(workspace, "desk", 1, "Ada", "first")
    with suppress(BadInput):
        approve(workspace, "desk", 1, by, "and again")
    assert holder(workspace, "champion") is None
    assert person(by) == "ada", "nor in a record from before"


@pytest.mark.parametrize(
    ("by", "reason", "said"),
    [
        ("Ada", "ok\x1b[1A\x1b[2K", r"--reason: character 3 \(U\+001B\)"),
        ("Ada", "ok\u202e", r"U\+202E"),
        ("A\u200bda", "ok", r"--by: character 2 \(U\+200B\)"),
        ("A" * 500_000, "ok", "--by: at most 200 characters, found 500000"),
    ],
)
def test_what_could_forge_a_line_of_the_record_is_refused(workspace, by, reason, said) -> None:
    for what in (approve, reject):
        with pytest.raises(BadInput, match=said):
            what(workspace, "desk", 1, by, reason)
    assert Approvals(workspace).entries() == []


def test_a_reason_of_several_lines_is_one_line_of_the_record(workspace) -> None:
    said = approve(workspace, "desk", 1, "Ada", "it holds\n   2  2026-01-01T00:00:00  approve  desk version 2")
    assert said.reason == "it holds 2 2026-01-01T00:00:00 approve desk version 2"


@pytest.mark.parametrize(
    ("version", "by", "reason"), [(9, "Ada", "x"), (1, " ", "x"), (1, "Ada", ""), (1, "Ada", "x" * 3000)]
)
def test_bad_approvals_are_refused(workspace, version: int, by: str, reason: str) -> None:
    with pytest.raises(BadInput):
        approve(workspace, "desk", version, by, reason)


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'ghost' is not registered"):
        approve(Workspace(tmp_path), "ghost", 1, "Ada", "x")
