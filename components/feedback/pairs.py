"""Preference pairs from feedback: the correction is chosen, the answer that it corrects is rejected.

Each item that gives no pair is counted under its reason; what the caps hold back (caps.py) is named one by one, for a person
to decide. Not covered: pairs from ratings alone (a thumb down says what is wrong, not what is right).
"""

from collections import Counter
from collections.abc import Collection, Iterable

from components.application import GIVEN
from components.core import ACCEPTED, SIMULATED, Feedback, Frozen, Received, within_share
from components.measure import normalise
from components.text import same

from .caps import SHARE, Caps, Claim, Pair, drawn, in_turns, on_answers
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
REJECTED = "rejected by a person"
SCRUBBED = "scrubbed"


class Paired(Frozen):
    """What became of the items."""

    rows: tuple[dict[str, object], ...]
    """Pairs {"id", "text", "passages", "chosen", "rejected", "simulated", "origin", "source"}, in the order in which
    training is to take them. origin: collected from people, or programmatic: the simulated rater chose between two texts.
    source: SIMULATED, ACCEPTED, or the place of a caller, `source 1`, whose name stays in the store."""
    dropped: dict[str, int]
    """Reason → items. `scrubbed` counts pairs in which personal data was replaced; those are kept."""
    quarantine: dict[str, str]
    """Id of an item that waits for a person → the cap that it is beyond."""


def pairs_from(
    received: Iterable[Received],
    *,
    caps: Caps,
    refuse: bool,
    held_out: Collection[str],
    usable: Collection[str] | None,
    labels: Collection[str] = (),
) -> Paired:
    """Pairs from the items that count.

    refuse:   drop items with personal data rather than scrub them
    held_out: normalised questions that must not be trained on
    usable:   ids of passages that training may see; None: there is no knowledge base
    labels:   the contract's; between two of them a correction is one whatever they differ by
    """
    dropped: Counter[str] = Counter()
    claims = []
    for one in received:
        source = SIMULATED if one.item.simulated else one.source
        row, reason = _pair(one.item, refuse, held_out, usable, bool(labels))
        if one.review:
            source, reason = (ACCEPTED, reason) if one.review.verdict == "accept" else (source, REJECTED)
        claim = Claim(one.item, source, drawn(caps.seed, one.ticket), row, reason)
        # what gives no pair takes nobody's place under a cap; ratings have their own
        if reason == REJECTED or (row is None and reason != NO_CORRECTION):
            dropped[reason] += 1
        else:
            claims.append(claim)
    counted, quarantine = on_answers(claims, caps)
    dropped.update(claim.reason for claim in counted if claim.row is None)
    once = _once([claim for claim in counted if claim.row])
    dropped.update({TWICE: sum(claim.row is not None for claim in counted) - len(once)})
    rows = in_turns(once)
    chosen = within_share([claim.row for claim in rows if claim.row], caps.source_share)
    taken = {row["id"] for row in chosen}
    quarantine |= {claim.item.key: SHARE for claim in rows if claim.item.key not in taken}
    dropped.update(claim.reason for claim in rows if claim.item.key in taken and claim.reason == SCRUBBED)
    return Paired(rows=tuple(chosen), dropped={k: n for k, n in sorted(dropped.items()) if n}, quarantine=quarantine)


def _once(claims: list[Claim]) -> list[Claim]:
    """Each pair once: many callers who say the same weigh as one. It counts for the source that gives the fewest, so that
    nobody takes another's place by repeating him."""
    gives = Counter(claim.source for claim in claims)
    distinct: dict[tuple[str, str, str], Claim] = {}
    for claim in sorted(claims, key=lambda claim: (not claim.uncapped, gives[claim.source], claim.drawn)):
        assert claim.row, "only pairs come here"
        distinct.setdefault((claim.row["text"], claim.row["chosen"], claim.row["rejected"]), claim)
    chosen = {id(claim) for claim in distinct.values()}
    return [claim for claim in claims if id(claim) in chosen]


def _pair(
    item: Feedback, refuse: bool, held_out: Collection[str], usable: Collection[str] | None, exact: bool
) -> tuple[Pair | None, str]:
    if not item.consent:
        return None, NO_CONSENT
    if item.kind != "correction":
        return None, NO_CORRECTION
    if not item.question.strip() or not item.answer.strip():
        return None, NOTHING_SAID
    alike = same if exact else normalise
    if alike(item.text) == alike(item.answer):
        return None, SAME
    if normalise(item.question) in held_out:
        return None, HELD_OUT
    if usable is not None and any(seen.id not in usable for seen in item.passages):
        return None, NO_CONTEXT
    (text, in_text), (chosen, in_chosen), (rejected, in_rejected) = (
        scrub(item.question), scrub(item.text), scrub(item.answer),
    )  # fmt: skip
    personal = {*in_text, *in_chosen, *in_rejected}
    if personal and refuse:
        return None, PERSONAL
    if chosen in {f"<{kind}>" for kind in in_chosen} or alike(chosen) == alike(rejected):
        return None, NOTHING_LEFT
    row: Pair = {
        "id": item.key,
        "text": text,
        # a text that came with the question stands in `text`, scrubbed
        "passages": [{"id": seen.id, "text": seen.text} for seen in item.passages if seen.id != GIVEN],
        "chosen": chosen.strip(),
        "rejected": rejected.strip(),
        "simulated": item.simulated,
        "origin": "programmatic" if item.simulated else "collected",
    }
    return row, SCRUBBED if personal else ""
