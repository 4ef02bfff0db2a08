"""Verifies a card: computes every figure of its record again from the evidence, and renders the card again.

What a card says is its text; the text follows from the record; the record follows from sealed steps and from per-example
tables, both named by digest, and all of it is what was registered with the version. Each of these is checked, and what is
not here is reported, never passed over.
Not covered: whether a step was run as its seal says (that would be running it again); seconds, memory and prices, which
were measured once and are compared with the seal alone.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from components.core import Frozen, Store

from ..front_matter import front_matter
from ..page import page
from ..pdf import pdf
from ..record import Record, read_record, template_version
from ..render import beside, card_name, markdown
from .bounds import bounded_again
from .finding import Finding
from .recompute import counted_again, measured_again
from .rescore import asked_again, checked_again, scored_again
from .sources import Standing, agrees, joined, objects, provenance, registered, seals
from .tables import Tables

LINES = 5
"""Differing lines of a text that are named; the rest is counted."""


class Verified(Frozen):
    """What the verification found. `checks`: what was looked at, in words."""

    checks: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> list[Finding]:
        """What does not hold."""
        return [finding for finding in self.findings if not finding.missing]

    @property
    def unverified(self) -> list[Finding]:
        """What could not be looked at."""
        return [finding for finding in self.findings if finding.missing]


def verify(card: Path, store: Store, standing: Standing | None = None) -> Verified:
    """Verify the card at `card` (`v1.md`) against its record, the store and the registry.

    standing: of the registered version; None where there is none here
    Raises BadInput when it is no card, or its record is gone.
    """
    record, store = read_record(card), Store(store.root, store.derived, mends=False)
    tables = Tables(record, store)
    parts = {
        "the text, rendered again": rendered_again(card, record),
        "that the record speaks of one thing": agrees(record),
        "sealed steps": seals(record, store),
        "that no step was left out": joined(record, store),
        "objects of the candidate": objects(tables),
        "metrics, intervals, gains and slices from the tables": measured_again(tables),
        "row counts of the splits": counted_again(tables),
        "safety checks from their items": checked_again(tables),
        "benchmarks and bias from their items": scored_again(tables),
        "the use case asked otherwise": asked_again(tables),
        "the contract's bounds from what they bound": bounded_again(tables),
        "provenance": provenance(tables),
        "registry and approval": registered(record, standing),
    }
    findings = [finding for part in parts.values() for finding in part]
    return Verified(checks=tuple(parts), findings=tuple(dict.fromkeys(findings)))


def rendered_again(card: Path, record: Record, *, paper: bool = True) -> Iterator[Finding]:
    """Where the card at `card`, or a file beside it, is not what `record` renders; no evidence is looked at.

    paper: the PDF too, which takes some seconds to print; the rest takes about one
    """
    if card.stem != card_name(record):
        yield Finding(where=card.name, what=f"its record is that of {card_name(record)}.md")
    if record.template != template_version():
        what = f"written by template {record.template or 'unknown'}, here is {template_version()}"
        yield Finding(where="template", what=f"{what}: `ninefold card render` writes it anew from its record")
        return
    body = markdown(record)
    yield from _compared(card, f"---\n{front_matter(record)}\n---\n{body}")
    html = card.with_suffix(".html")
    if html.is_file():
        yield from _compared(html, page(record, body))
    else:
        yield Finding(where=html.name, what="the page is not here", missing=True)
    printed = card.with_suffix(".pdf")
    if paper and printed.is_file() and printed.read_bytes() != pdf(record, body):
        yield Finding(where=printed.name, what="is not what its record prints")
    for name, content in beside(record).items():
        if (card.parent / name).is_file():
            yield from _compared(card.parent / name, content)
        else:
            yield Finding(where=name, what="is not here", missing=True)


def _compared(path: Path, wanted: str) -> Iterator[Finding]:
    there, due = path.read_text(encoding="utf-8").splitlines(), wanted.splitlines()
    matcher = SequenceMatcher(a=there, b=due, autojunk=False)
    changes = [one for one in matcher.get_opcodes() if one[0] != "equal"] if there != due else []
    for _, start, end, first, last in changes[:LINES]:
        shown, rendered = " / ".join(there[start:end]), " / ".join(due[first:last])
        what = f"says {_cut(shown, rendered)}, the record gives {_cut(rendered, shown)}"
        yield Finding(where=f"{path.name}, line {start + 1}", what=what)
    if len(changes) > LINES:
        yield Finding(where=path.name, what=f"{len(changes) - LINES} more places differ")


def _cut(text: str, other: str, around: int = 40) -> str:
    """The part of `text` in which it differs from `other`, with some words before it."""
    at = next((i for i, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), min(len(text), len(other)))
    start = max(0, at - around)
    return repr(("…" if start else "") + text[start : at + around]) if text else "nothing"
