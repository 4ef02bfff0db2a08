"""Approval: the only way to `champion`.

A person approves a version (`ninefold approve`), or the policy `low_risk` does where the contract's risk tier is low; the
record says which. An approval is bound to the digests of the Candidate and of the evidence: it does not stand for anything
else. The record is written first, then the aliases move (`previous`, then `champion`), so that a run killed in between
finishes the move when it is repeated, and no version is champion without a line that says why.
"""

from components.core import Approval, BadInput, Candidate, Store, UseCase, Workspace

from .approvals import Approvals, Entry
from .registry import Registered, Registry, candidate_in, registered

LOW_RISK = "policy low_risk"


def approve(
    workspace: Workspace, model: str, version: int | None, by: str, reason: str, *, policy: bool = False
) -> Approval:
    """Record that version `version` of `model` (None: the one with the alias `candidate`) may be champion, and make it so.

    Approving the champion again changes nothing. Raises BadInput when the version is not registered, or `by` or `reason`
    is empty.
    """
    if not by.strip() or not reason.strip():
        raise BadInput("approve: give who approves (--by) and why (--reason); both go on the record")
    chosen = registered(workspace, model, "candidate" if version is None else version)
    registry = Registry(workspace)
    approval = standing(workspace, chosen)
    if approval is None:
        entry = Entry(
            event="approve",
            model=model,
            version=chosen.version,
            candidate=candidate_in(workspace, chosen.candidate).digest,
            evidence=chosen.evidence,
            by=by.strip(),
            policy=policy,
            reason=reason.strip(),
        )
        approval = _record(workspace).append(entry).approval
    former = registry.holder(model, "champion")
    if former is not None and former != chosen.version:
        registry.move(model, "previous", former)
    registry.move(model, "champion", chosen.version)
    return approval


def approved_by_policy(workspace: Workspace, contract: UseCase, version: int) -> Approval | None:
    """Approve `version` by the policy `low_risk` where the contract's risk tier is low; None where a person must."""
    if contract.risk_tier != "low":
        return None
    reason = f"risk tier of use case '{contract.name}' is low and every gate of its contract was passed"
    return approve(workspace, contract.deployment.model_name, version, LOW_RISK, reason, policy=True)


def void(workspace: Workspace, model: str, version: int, by: str, reason: str) -> None:
    """Take back the approval of a version, on the record. The aliases stay where they are until another is approved.

    Raises BadInput when the version has no standing approval.
    """
    chosen = registered(workspace, model, version)
    approval = standing(workspace, chosen)
    if approval is None:
        raise BadInput(f"version {version} of '{model}' has no standing approval to take back")
    _record(workspace).append(
        Entry(
            event="void",
            model=model,
            version=version,
            candidate=approval.candidate,
            evidence=approval.evidence,
            by=by,
            policy=False,
            reason=reason,
        )
    )


def standing(workspace: Workspace, version: Registered) -> Approval | None:
    """The approval of a version that stands: the last word on it is `approve`, for this Candidate and this evidence."""
    said = _record(workspace).entries(version.model, version.version)
    if not said or said[-1].event == "void":
        return None
    last = said[-1]
    return last.approval if (last.candidate, last.evidence) == (version.candidate, version.evidence) else None


def champion(workspace: Workspace, model: str, other_than: str = "") -> Candidate | None:
    """The Candidate that is champion now; None where none was approved, or where it is, or was made from, the finalist with
    the digest `other_than`: nobody is asked to be better than oneself.

    Its objects are put back into the store from its bundle where they are gone, so that it can be measured again.
    """
    held = Registry(workspace).holder(model, "champion")
    if held is None:
        return None
    chosen = registered(workspace, model, held)
    if other_than and other_than in (chosen.candidate, chosen.finalist):
        return None
    candidate = candidate_in(workspace, chosen.candidate)
    missing = [digest for digest in candidate.objects if not workspace.store.has(digest)]
    if missing:
        Store(chosen.bundle(workspace) / "store").copy_to(workspace.store, missing)
    return candidate


def _record(workspace: Workspace) -> Approvals:
    return Approvals(workspace.root / "approvals.db")
