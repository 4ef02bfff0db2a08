"""Approval: the only way to `champion`.

A person approves a version (`ninefold approve`), two of them where the contract's risk tier is high, or the policy
`low_risk` does where it is low; the record says which. An approval covers the digests of the Candidate, of the evidence, of
the contract with the profile, and of the card, and with them the risk tier and who may approve: it stands for nothing else,
and ends when one of them changes. The folder that is served must be what was signed. The record is written first, then the
aliases move (`previous`, then `champion`), so that a run killed in between finishes the move when it is repeated, and no
version is champion without a line that says why. One decision is made at a time: what was checked is still so when the
aliases move. Not covered: whether the card says what its record gives, which whoever asks for a decision has checked
(`flows/approve.py`).
"""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from components.core import Approval, BadInput, Candidate, GateRefused, MachineFault, OtherVersion, Store, UseCase, Workspace
from components.core.files import disk_faults
from components.core.keys import private_key
from components.core.signature import check_signature

from . import approvals
from .approvals import Approvals, Entry, Event, in_order
from .evidence import evidence_in, unchanged
from .registry import Covered, Registered, Registry, candidate_in, covered, registered
from .rules import NO_ROLE, Standing, name_of, person, reason_of, refused, role_of, standing_in
from .tampering import deleted

logger = logging.getLogger(__name__)
LOW_RISK = "policy low_risk"
WAIT_SECONDS = 60
"""How long a decision waits for another one on the same workspace."""


def approve(
    workspace: Workspace, model: str, version: int | None, by: str, reason: str, *, role: str = "", seen: str = ""
) -> Approval:
    """Record that `by` lets version `version` of `model` (None: the one with the alias `candidate`) become champion, and
    make it so unless another person or role is still needed (`state` says which).

    seen: digest of what was read (`Covered.digest`); where it is not what is there now, nothing is recorded
    Approving again what stands by the same person changes nothing. Raises BadInput when the version is not registered, has
    no card, `by` lacks the role, or `by` or `reason` is empty, too long or not plain text; GateRefused when what was read
    has changed, or the served folder is not what was signed; MachineFault when the evidence on disk is no longer what was
    measured, or the clock went back.
    """
    with _alone(workspace):
        by, reason, chosen, role, what = _asked(workspace, model, version, by, reason, role, seen)
        if evidence := evidence_in(workspace.store, chosen.evidence):
            unchanged(workspace.store, evidence)
        return _approve(workspace, chosen, what, by, reason, role)


def reject(
    workspace: Workspace, model: str, version: int | None, by: str, reason: str, *, role: str = "", seen: str = ""
) -> Approval:
    """Record that `by` refuses a version; every approval of it before this ends. The aliases stay where they are until
    another version is approved. Arguments and errors are those of `approve`."""
    with _alone(workspace):
        by, reason, chosen, role, what = _asked(workspace, model, version, by, reason, role, seen)
        return Approvals(workspace).append(_entry("reject", chosen, what, by, role, reason)).approval


def void(workspace: Workspace, model: str, version: int, by: str, reason: str) -> None:
    """Take back what was approved of a version that is about to be withdrawn, on the record; by: what withdraws it. Without
    approvals, or on a machine that cannot sign, nothing is written: what is withdrawn is not promoted in any case."""
    with _alone(workspace):
        chosen = registered(workspace, model, version)
        if private_key() and state(workspace, chosen).approvals:
            Approvals(workspace).append(_entry("void", chosen, covered(workspace, chosen), by, NO_ROLE, reason))


def rollback(workspace: Workspace, model: str, by: str, reason: str, *, role: str = "") -> Registered:
    """Make `previous` champion again, on the record; returns it. Repeated after a kill it finishes the same move.

    Raises BadInput when there is no previous version, GateRefused when its approval does not stand or has expired, or its
    folder is not what was signed. Its card is not rendered again: the approval covers it, also after the template changed.
    """
    with _alone(workspace):
        registry, record = Registry(workspace), Approvals(workspace)
        held = registry.holder(model, "champion")
        last = next(reversed(record.entries(model)), None)
        unfinished = last.version if last and last.event == "rollback" and last.version != held else None
        target = unfinished or registry.holder(model, "previous")
        if target is None or target == held:
            raise BadInput(f"model '{model}' has no previous version to go back to")
        by, reason, chosen, role, what = _asked(workspace, model, target, by, reason, role, "")
        check(workspace, chosen)
        if not unfinished:
            record.append(_entry("rollback", chosen, what, by, role, reason))
        _promote(workspace, chosen)
        return chosen


def correct_clock(workspace: Workspace, by: str, reason: str) -> Entry:
    """Say on the record that the clock had run ahead and is right now, so that time starts again; returns the line.

    What was approved before promotes nothing from then on, for nobody can say whether it has expired; a champion is served
    as before. Raises BadInput where the clock is not behind what was seen, and what `approve` does of `by` and `reason`.
    """
    with _alone(workspace):
        record = Approvals(workspace)
        ahead, at = record.latest(), approvals.now()
        if at >= ahead:
            raise BadInput(f"--correct-clock: the clock says {at}, later than anything that was seen: nothing to correct")
        nothing = dict.fromkeys(("model", "candidate", "evidence", "config", "card"), "")
        return record.append(
            Entry(event="clock", version=0, by=name_of(by), role=NO_ROLE, reason=reason_of(reason), ahead=ahead, **nothing)
        )


def approved_by_policy(workspace: Workspace, contract: UseCase, version: int) -> Approval | None:
    """Approve `version` by the policy `low_risk` where the contract's risk tier is low and there is a key to sign with;
    None where a person must: also where one has rejected this very version, whose word no policy overrules.

    It covers candidate, evidence, contract and profile, and not the card, which is written after it and names it.
    """
    if contract.risk_tier != "low" or private_key() is None:
        return None
    reason = (
        f"risk tier of use case '{contract.name}' is low and every gate of its contract was passed; without the card, which "
        "is written after this line and names it"
    )
    with _alone(workspace):
        chosen = registered(workspace, contract.deployment.model_name, version)
        what = covered(workspace, chosen).model_copy(update={"card": ""})
        if refused(Approvals(workspace).entries(chosen.model, version), what):
            return None
        return _approve(workspace, chosen, what, LOW_RISK, reason, "policy", policy=True)


def promote(workspace: Workspace, version: Registered) -> None:
    """Make `version` champion, and the former one previous. Raises GateRefused when no approval stands, it has expired, or
    the served folder is not what was signed, MachineFault when MLflow has lost the version, or the clock went back."""
    with _alone(workspace):
        _promote(workspace, registered(workspace, version.model, version.version))


def _promote(workspace: Workspace, version: Registered) -> None:
    check(workspace, version)
    registry = Registry(workspace)
    if deleted(registry, version):
        raise MachineFault(
            f"version {version.version} of '{version.model}' was deleted in MLflow, not from here: it cannot be champion. "
            "Approve another version"
        )
    former = registry.holder(version.model, "champion")
    if former is not None and former != version.version:
        registry.move(version.model, "previous", former)
    registry.move(version.model, "champion", version.version)
    registry.reassert(version.model)


def check(workspace: Workspace, version: Registered) -> None:
    """Raise GateRefused when `version` may not become champion now, MachineFault when the clock went back."""
    record, what = Approvals(workspace), covered(workspace, version)
    seen, at = record.latest(), approvals.now()
    in_order(seen, at)  # expiry cannot be judged by a clock that went back
    lines = record.entries(version.model, version.version)
    current = standing_in(lines, version, what, at)
    if current.lacks:
        if not standing_in(lines, version, what).lacks:
            _seen_expired(record, version, at)
        raise GateRefused(f"version {version.version} of '{version.model}' is not promoted: {current.lacks}")
    check_signature(version.bundle(workspace), version.signer)


def _seen_expired(record: Approvals, version: Registered, at: str) -> None:
    """Leave this day in the ledger, so that no clock that is set back later revives the approval."""
    key = f"expired:{version.model}:{version.version}:{at[:10]}"
    record.ledger.once("expired", key, find=lambda: None, do=lambda: at)


def state(workspace: Workspace, version: Registered, at: str = "") -> Standing:
    """The approvals of a version that count, and what is lacking; those that have expired by `at` do not count where it is
    given. Raises GateRefused when the record is broken."""
    lines = Approvals(workspace).entries(version.model, version.version)
    return standing_in(lines, version, covered(workspace, version), at)


def standing(workspace: Workspace, version: Registered) -> Approval | None:
    """The approval with which a version may be served as champion (the last one, where two were needed); None where it
    does not stand. An expired one does: it blocks a promotion, not a restart."""
    current = state(workspace, version)
    return None if current.lacks else current.approvals[-1]


def champion(workspace: Workspace, model: str, other_than: str = "") -> Candidate | None:
    """The Candidate that is champion now; None where none was approved, or where it is, or was made from, the finalist with
    the digest `other_than`: nobody is asked to be better than oneself.

    Its objects are put back into the store from its bundle where they are gone, so that it can be measured again. None, too,
    for one that another Ninefold described, which this one cannot run: the log says so, and a run there begins anew.
    """
    held = Registry(workspace).holder(model, "champion")
    if held is None:
        return None
    chosen = registered(workspace, model, held)
    if other_than and other_than in (chosen.candidate, chosen.finalist):
        return None
    try:
        candidate = candidate_in(workspace, chosen)
    except OtherVersion as error:
        logger.warning("the champion of '%s' is no reference: %s", model, error)
        return None
    missing = [digest for digest in candidate.objects if not workspace.store.has(digest)]
    if missing:
        Store(chosen.bundle(workspace) / "store").copy_to(workspace.store, missing)
    return candidate


def _asked(
    workspace: Workspace, model: str, version: int | None, by: str, reason: str, role: str, seen: str
) -> tuple[str, str, Registered, str, Covered]:
    """Who speaks, why, about which version, in which role, and what their word covers; raises what `approve` says."""
    by, reason = name_of(by), reason_of(reason)
    chosen = registered(workspace, model, "candidate" if version is None else version)
    if chosen.version in Registry(workspace).withdrawn(model):
        raise BadInput(f"version {chosen.version} of '{model}' was withdrawn: it can be neither approved nor rejected")
    candidate_in(workspace, chosen)  # refuses a bundle that is no longer what was registered
    role = role_of(chosen.rules, by, role)
    what = covered(workspace, chosen)
    if not what.card:
        raise BadInput(
            f"version {chosen.version} of '{model}' has no card at {chosen.card}, and is approved by what its card says: "
            "`ninefold run` writes it"
        )
    if seen and seen != what.digest:
        raise GateRefused(
            f"version {chosen.version} of '{model}' is no longer what was read: its evidence, contract or card has changed. "
            "Nothing was recorded; read it again"
        )
    return by, reason, chosen, role, what


def _approve(
    workspace: Workspace, chosen: Registered, what: Covered, by: str, reason: str, role: str, *, policy: bool = False
) -> Approval:
    in_order(Approvals(workspace).latest(), approvals.now())
    check_signature(chosen.bundle(workspace), chosen.signer)
    current = state(workspace, chosen, approvals.now())
    approval = next((one for one in current.approvals if person(one.by) == person(by) and one.role == role), None)
    if approval is None:
        entry = _entry("approve", chosen, what, by, role, reason, policy=policy)
        approval = Approvals(workspace).append(entry).approval
    now = registered(workspace, chosen.model, chosen.version)  # a run may have described it anew meanwhile
    if not state(workspace, now, approvals.now()).lacks:
        _promote(workspace, now)
    return approval


def _entry(
    event: Event, chosen: Registered, what: Covered, by: str, role: str, reason: str, *, policy: bool = False
) -> Entry:
    """The line to be. what: as it was when it was checked, so that nothing that changed since is covered"""
    until = datetime.fromisoformat(approvals.now()) + timedelta(days=chosen.rules.expires_days)
    return Entry(
        event=event,
        model=chosen.model,
        version=chosen.version,
        candidate=what.candidate,
        evidence=what.evidence,
        config=what.config,
        card=what.card,
        by=by,
        role=role,
        policy=policy,
        reason=reason,
        tier=what.tier,
        rules=what.rules,
        expires=until.isoformat(timespec="milliseconds") if event == "approve" else "",
    )


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Let one decision at a time be made here; the lock dies with its process. Raises MachineFault after a minute."""
    deadline = time.monotonic() + WAIT_SECONDS
    with disk_faults(workspace.root):
        workspace.root.mkdir(parents=True, exist_ok=True)
        opened = (workspace.root / "approvals.lock").open("a+")
    with opened as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise MachineFault(
                        f"{workspace.root}: another decision is under way, for {WAIT_SECONDS} s by now. Try again later"
                    ) from error
                time.sleep(0.05)
        yield
