"""Who may say what: roles and people of the contract (`approvals`), and what of a record counts for a version.

The name is what the operator's account says; spellings that differ in case, blanks, width (NFKC) or characters that nobody
sees are one person. Not covered: letters of two alphabets that look alike.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from components.core import Approval, ApprovalRules, BadInput, Frozen

from .approvals import Entry
from .registry import Covered, Registered

NO_ROLE = "role not stated"
LONGEST = 2000
"""Characters of a reason."""
LONGEST_NAME = 200
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""Letters and marks that show nothing (of Unicode's Default_Ignorable_Code_Point), and the blank of Braille."""


class Standing(Frozen):
    """What the record says of a version as it is now."""

    approvals: tuple[Approval, ...] = ()
    """Those that cover exactly this version, the last one of each person, oldest first."""
    lacks: str = ""
    """What is still needed before it may be champion, in words; empty when nothing is."""

    @property
    def until(self) -> str:
        """The day on which the first of its approvals expires; empty where there is none."""
        return min((approval.expires for approval in self.approvals), default="")[:10]


def person(name: str) -> str:
    """The one spelling under which a name is compared."""
    seen = "".join(one for one in unicodedata.normalize("NFKC", name) if one.isprintable() or one.isspace())
    return " ".join(UNSEEN.sub("", seen).split()).casefold()


def name_of(by: str) -> str:
    """`by` as it goes on the record, blanks made one. Raises BadInput where it is empty, too long, or has a character that
    shows nothing."""
    by = _written("--by", by, LONGEST_NAME)
    if hidden := UNSEEN.search(by):
        raise BadInput(_hidden("--by", hidden[0], hidden.start()))
    return by


def reason_of(reason: str) -> str:
    """`reason` as it goes on the record, on one line: a second one could pass for another line of it. Raises BadInput where
    it is empty, too long, or has a control character."""
    return _written("--reason", reason, LONGEST)


def _written(option: str, text: str, longest: int) -> str:
    text = " ".join(text.split())
    if not text:
        raise BadInput("give who decides (--by) and why (--reason); both go on the record")
    if len(text) > longest:
        raise BadInput(f"{option}: at most {longest} characters, found {len(text)}")
    at = next((place for place, one in enumerate(text) if not one.isprintable()), None)
    if at is not None:
        raise BadInput(_hidden(option, text[at], at))
    return text


def _hidden(option: str, character: str, at: int) -> str:
    return f"{option}: character {at + 1} (U+{ord(character):04X}) shows nothing and could forge the record: type it anew"


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


def standing_in(lines: Sequence[Entry], version: Registered, covered: Covered, at: str = "") -> Standing:
    """What the lines about `version`, oldest first, come to. An approval counts while it covers what is there now (a
    policy's all but the card, which is written after it); a rejection ends all before it.

    at: a time by which none may have expired, nor be from before the clock was corrected; where it is not given, expiry is
        not looked at
    """
    approvals = _counted(lines, version, covered, at)
    lacks = _lacks(lines, version, approvals)
    if lacks and at and not _lacks(lines, version, once := _counted(lines, version, covered, "")):
        lacks = _ended(lines, once, at)
    return Standing(approvals=approvals, lacks=lacks)


def _counted(lines: Sequence[Entry], version: Registered, covered: Covered, at: str) -> tuple[Approval, ...]:
    counted: dict[str, Approval] = {}
    for entry in lines:
        if entry.event in ("reject", "void") or (entry.event == "clock" and at):
            counted = {}
        elif entry.event == "approve":
            counted.pop(person(entry.by), None)  # of each person the last word counts
            if _covers(entry, covered) and _may(entry, version) and not _over(entry.expires, at):
                counted[person(entry.by)] = entry.approval
    return tuple(counted.values())


def refused(lines: Sequence[Entry], covered: Covered) -> bool:
    """Whether the last word of people on exactly this (the card left aside) is no."""
    people = [entry for entry in lines if not entry.policy and entry.event in ("approve", "reject")]
    if not people or people[-1].event != "reject":
        return False
    last = people[-1]
    return (last.candidate, last.evidence, last.config) == (covered.candidate, covered.evidence, covered.config)


def _covers(entry: Entry, covered: Covered) -> bool:
    same = (entry.candidate, entry.evidence, entry.config) == (covered.candidate, covered.evidence, covered.config)
    same = same and (entry.tier, entry.rules) == (covered.tier, covered.rules)
    return same and (entry.policy or entry.card == covered.card)


def _over(expires: str, at: str) -> bool:
    return bool(at) and datetime.fromisoformat(expires) <= datetime.fromisoformat(at)


def _ended(lines: Sequence[Entry], approvals: tuple[Approval, ...], at: str) -> str:
    """Why approvals that would do by themselves do not count at `at`."""
    over = [f"{one.by}'s on {one.expires[:10]}" for one in approvals if _over(one.expires, at)]
    if over:
        return f"its approval has expired ({', '.join(over)}). Approve it again"
    corrected = max(entry.at for entry in lines if entry.event == "clock")
    return f"its approval is from before the clock was corrected on {corrected[:10]}. Approve it again"


def _may(entry: Entry, version: Registered) -> bool:
    return version.risk_tier == "low" or not entry.policy


def _lacks(lines: Sequence[Entry], version: Registered, approvals: tuple[Approval, ...]) -> str:
    if any(approval.policy for approval in approvals):
        return ""
    if not approvals:
        lines = [entry for entry in lines if entry.event != "clock"]
        if lines and lines[-1].event == "reject":
            return f"it was rejected by {lines[-1].by}: {lines[-1].reason}"
        if lines and lines[-1].event == "void":
            return f"its approval was taken back ({lines[-1].by}): {lines[-1].reason}"
        changed = any(entry.event == "approve" for entry in lines)
        return "what was approved has changed since: it must be approved again" if changed else "nobody has approved it"
    missing = sorted(set(version.rules.needs) - {approval.role for approval in approvals})
    if missing:
        return f"it waits for an approval by {', '.join(missing)}"
    if version.risk_tier == "high" and len(approvals) < 2:
        return f"risk tier high: it waits for a second person beside {approvals[0].by}"
    return ""
