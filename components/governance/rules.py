"""Who may say what: roles and people of the contract (`approvals`), and what of a record counts for a version.

The name is what the operator's account says; two spellings that differ in case or blanks only are one person.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from components.core import Approval, ApprovalRules, BadInput, Frozen

from .approvals import Entry
from .registry import Covered, Registered

NO_ROLE = "role not stated"
LONGEST = 2000
"""Characters of a reason."""


class Standing(Frozen):
    """What the record says of a version as it is now."""

    approvals: tuple[Approval, ...] = ()
    """Those that cover exactly this version, the last one of each person, oldest first."""
    lacks: str = ""
    """What is still needed before it may be champion, in words; empty when nothing is."""


def person(name: str) -> str:
    """The one spelling under which a name is compared."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def role_of(rules: ApprovalRules, by: str, role: str) -> str:
    """The role in which `by` speaks: the one asked for, the only one they have, or NO_ROLE where the contract names nobody.

    Raises BadInput when they do not have it.
    """
    if not rules.roles:
        return NO_ROLE
    named = ", ".join(f"{name}: {', '.join(people)}" for name, people in sorted(rules.roles.items()))
    if role and role not in rules.roles:
        raise BadInput(f"--role {role}: the contract knows no such role; roles ({named})")
    has = [name for name, people in rules.roles.items() if person(by) in map(person, people)]
    if not has or (role and role not in has):
        asked = f"the role '{role}'" if role else "any role"
        raise BadInput(f"'{by}' does not have {asked}; the contract's `approvals.roles` names {named}. Nothing was recorded")
    # A role that the contract waits for comes first.
    return role or next((name for name in rules.needs if name in has), has[0])


def standing_in(said: Sequence[Entry], version: Registered, covered: Covered, at: str = "") -> Standing:
    """What the lines about `version`, oldest first, come to. An approval counts while it covers what is there now (a
    policy's all but the card, which is written after it); a rejection ends all before it.

    at: a time by which none may have expired; where it is not given, expiry is not looked at
    """
    counted: dict[str, Approval] = {}
    for entry in said:
        if entry.event in ("reject", "void"):
            counted = {}
        elif entry.event == "approve":
            counted.pop(person(entry.by), None)  # of each person the last word counts
            if _covers(entry, covered) and _may(entry, version) and not _over(entry, at):
                counted[person(entry.by)] = entry.approval
    approvals = tuple(counted.values())
    return Standing(approvals=approvals, lacks=_lacks(said, version, approvals))


def refused(said: Sequence[Entry], covered: Covered) -> bool:
    """Whether the last word of people on exactly this (the card left aside) is no."""
    people = [entry for entry in said if not entry.policy and entry.event in ("approve", "reject")]
    if not people or people[-1].event != "reject":
        return False
    last = people[-1]
    return (last.candidate, last.evidence, last.config) == (covered.candidate, covered.evidence, covered.config)


def _covers(entry: Entry, covered: Covered) -> bool:
    same = (entry.candidate, entry.evidence, entry.config) == (covered.candidate, covered.evidence, covered.config)
    return same and (entry.policy or entry.card == covered.card)


def _over(entry: Entry, at: str) -> bool:
    return bool(at) and datetime.fromisoformat(entry.expires) <= datetime.fromisoformat(at)


def _may(entry: Entry, version: Registered) -> bool:
    return version.risk_tier == "low" or not entry.policy


def _lacks(said: Sequence[Entry], version: Registered, approvals: tuple[Approval, ...]) -> str:
    if any(approval.policy for approval in approvals):
        return ""
    if not approvals:
        if said and said[-1].event == "reject":
            return f"it was rejected by {said[-1].by}: {said[-1].reason}"
        if said and said[-1].event == "void":
            return f"its approval was taken back ({said[-1].by}): {said[-1].reason}"
        changed = any(entry.event == "approve" for entry in said)
        return "what was approved has changed since: it must be approved again" if changed else "nobody has approved it"
    missing = sorted(set(version.rules.needs) - {approval.role for approval in approvals})
    if missing:
        return f"it waits for an approval by {', '.join(missing)}"
    if version.risk_tier == "high" and len(approvals) < 2:
        return f"risk tier high: it waits for a second person beside {approvals[0].by}"
    return ""
