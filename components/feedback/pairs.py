"""Preference pairs from feedback: the correction is chosen, the answer that it corrects is rejected.

Each item that gives no pair is counted under its reason. Not covered: pairs from ratings alone (a thumb down says what is
wrong, not what is right).
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from components.core import Feedback
from components.measure import normalise

from .privacy import scrub

NO_CONSENT = "no consent"
NO_CORRECTION = "a rating, not a correction"
NOTHING_SAID = "no question, or no answer to reject"
SAME = "the correction says the same"
PERSONAL = "personal data, and the policy refuses it"
NOTHING_LEFT = "nothing left after the scrub"
HELD_OUT = "the question gives one of validation, test or a benchmark away"
NO_CONTEXT = "its context comes from passages held out from training"
TWICE = "the same pair twice"


def pairs_from(
    items: Iterable[Feedback], *, refuse: bool, held_out: Collection[str], usable: Collection[str] | None
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Rows {"id", "text", "passages", "chosen", "rejected", "simulated", "origin"}, sorted by id, and how many items were
    dropped for which reason (`scrubbed` counts pairs in which personal data was replaced; those are kept). origin: collected
    from people, or programmatic: the simulated rater chose between two texts.

    refuse:   drop items with personal data rather than scrub them
    held_out: normalised questions that must not be trained on
    usable:   ids of passages that training may see; None: there is no knowledge base
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    counts: Counter[str] = Counter()
    for item in sorted(items, key=lambda item: item.key):
        row, reason = _pair(item, refuse, held_out, usable)
        # many callers who say the same weigh as one: nobody tips the scales by repeating himself
        if row and (row["text"], row["chosen"], row["rejected"]) in rows:
            row, reason = None, TWICE
        if reason:
            counts[reason] += 1
        if row:
            rows[row["text"], row["chosen"], row["rejected"]] = row
    return sorted(rows.values(), key=lambda row: row["id"]), dict(sorted(counts.items()))


def _pair(
    item: Feedback, refuse: bool, held_out: Collection[str], usable: Collection[str] | None
) -> tuple[dict[str, Any] | None, str]:
    if not item.consent:
        return None, NO_CONSENT
    if item.kind != "correction":
        return None, NO_CORRECTION
    if not item.question.strip() or not item.answer.strip():
        return None, NOTHING_SAID
    if normalise(item.text) == normalise(item.answer):
        return None, SAME
    if normalise(item.question) in held_out:
        return None, HELD_OUT
    if usable is not None and any(seen.id not in usable for seen in item.passages):
        return None, NO_CONTEXT
    (text, in_text), (chosen, in_chosen), (rejected, in_rejected) = (
        scrub(item.question), scrub(item.text), scrub(item.answer),
    )  # fmt: skip
    found = {*in_text, *in_chosen, *in_rejected}
    if found and refuse:
        return None, PERSONAL
    if chosen in {f"<{kind}>" for kind in in_chosen} or normalise(chosen) == normalise(rejected):
        return None, NOTHING_LEFT
    row = {
        "id": item.key,
        "text": text,
        "passages": [{"id": seen.id, "text": seen.text} for seen in item.passages],
        "chosen": chosen.strip(),
        "rejected": rejected.strip(),
        "simulated": item.simulated,
        "origin": "programmatic" if item.simulated else "collected",
    }
    return row, "scrubbed" if found else ""
