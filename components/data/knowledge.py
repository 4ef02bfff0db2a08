"""Which passages stand in the knowledge base, and which of them training may see.

The base is the task's input: it may hold the passages of test, and it should hold the answers. It may not hold a test
question together with its answer (a page of frequently asked questions that answers the test): such a passage is taken out,
unless rows are about it; then it stays, and the evaluation rows that it gives away are named as suspects.
"""

from dataclasses import dataclass, replace

from components.core import Passage, Row
from components.text.leaks import Item, Leaks
from components.text.overlap import Overlap

from .contamination import LeakFinding, training_leaks
from .rows import Collected
from .split import shuffled

EVALUATED = ("test", "validation")


@dataclass(frozen=True)
class Knowledge:
    """`training` lacks every passage of validation, test and benchmark items, and every passage that leaks one. suspects:
    split → ids of the rows whose question and answer stand in the base together."""

    whole: list[Passage]
    training: list[Passage]
    findings: list[LeakFinding]
    suspects: dict[str, set[str]]


def held_out_passages(
    collected: Collected, splits: dict[str, list[Row]], benchmarks: list[tuple[Item, str]], near: float
) -> Overlap:
    """The passages of all rows of validation and test (one row each names it), and those of benchmark items."""
    about = {row.passage: Item(name, row.id) for name in EVALUATED for row in splits[name] if row.passage}
    return Overlap([*((item, collected.questioned[passage]) for passage, item in about.items()), *benchmarks], near)


def knowledge(
    collected: Collected, used: list[Row], held_out: list[Row], leaks: Leaks, passages: Overlap, cap: int | None, seed: int
) -> Knowledge:
    """Choose the passages of the base.

    used: rows whose passages always stay. held_out: all rows of validation and test. leaks: over them and the benchmarks'
    items. passages: over theirs.
    """
    if not collected.passages:
        return Knowledge([], [], [], {})
    chosen = _choose(collected.passages, {row.passage for row in used if row.passage}, cap, seed)
    own = {row.passage for row in held_out}
    findings, banned = training_leaks("training passage", chosen, leaks, passages)
    inside = [finding for finding in findings if _tells_the_test(finding)]
    # the gold passage of a held-out row is kept from training anyway: what it leaks is listed only where it tells the test
    inside += _in_gold_passages([passage for passage in chosen if passage.id in own], leaks)
    base = {(one.id, one.leak.item): replace(one, what="knowledge passage") for one in inside}
    settled = [replace(one, removed=one.id not in collected.questioned) for one in base.values()]
    gone = {one.id for one in settled if one.removed}
    whole = [passage for passage in chosen if passage.id not in gone]
    training = [passage for passage in whole if passage.id not in own | banned]
    suspects: dict[str, set[str]] = {}
    for one in settled:
        if not one.removed:
            suspects.setdefault(one.leak.item.where, set()).add(one.leak.item.id)
    listed = [one for one in findings if one.id not in own | gone]
    return Knowledge(whole, training, [*listed, *settled], suspects)


def _in_gold_passages(passages: list[Passage], leaks: Leaks) -> list[LeakFinding]:
    inside = leaks.of_passages([passage.text for passage in passages])
    findings = [
        LeakFinding("", one.id, one.source, leak) for one, here in zip(passages, inside, strict=True) for leak in here
    ]
    return [finding for finding in findings if _tells_the_test(finding)]


def _tells_the_test(finding: LeakFinding) -> bool:
    return finding.leak.how == "question and answer" and finding.leak.item.where in EVALUATED


def _choose(passages: dict[str, Passage], needed: set[str], cap: int | None, seed: int) -> list[Passage]:
    """The needed passages, filled up to `cap` with others; in order of id. A larger cap only adds passages."""
    there = needed & set(passages)
    others = [name for name in shuffled(passages, seed) if name not in there]
    room = len(others) if cap is None else max(0, cap - len(there))
    return [passages[name] for name in sorted([*there, *others[:room]])]
