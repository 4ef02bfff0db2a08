"""Divides rows into splits so that nothing that training sees gives validation, test or the benchmarks away.

Test is filled first, then validation, then feedback and train; before a split is filled, rows that leak items of the splits
before it (and, for feedback and train, benchmark items) are removed from the pool. Every leak is a LeakFinding, removed or
kept, for a person to review. What counts as a leak: components/text/leaks.py, and overlap.py beside it for whole passages.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from components.core import Passage, Row, Splits
from components.text import apart, words
from components.text.leaks import RUN, Item, Leak, Leaks
from components.text.overlap import Overlap
from components.text.turns import by_user

from .split import take

EXCERPT = 80
"""Characters of the shared text that the list shows; the rest is named by digest."""


class Shared(TypedDict):
    """A shared text by digest, with its words and a short excerpt."""

    sha256: str
    words: int
    excerpt: str


class LeakLine(TypedDict):
    """A line of `contamination.jsonl`: one leak, removed or kept."""

    what: str
    id: str
    source: str
    where: str
    item: str
    how: str
    score: float
    answer: bool
    shared: Shared
    done: str


@dataclass(frozen=True)
class LeakFinding:
    """One leak. what: example row, practice row, practice passage, training passage, knowledge passage, document;
    id: of that."""

    what: str
    id: str
    source: str
    leak: Leak
    removed: bool = True

    @property
    def reason(self) -> str:
        """For counting."""
        return f"{self.what} and {self.leak.item.where}: {self.leak.how}"

    def line(self) -> LeakLine:
        """The finding as the list has it: the shared text by digest and a short excerpt, so that no payload stands twice."""
        leak, shared = self.leak, self.leak.shared
        digest = hashlib.sha256(shared.encode()).hexdigest()
        return {
            "what": self.what,
            "id": self.id,
            "source": self.source,
            "where": leak.item.where,
            "item": leak.item.id,
            "how": leak.how,
            "score": leak.score,
            "answer": leak.answered,
            "shared": {"sha256": digest, "words": len(shared.split()), "excerpt": shared[:EXCERPT]},
            "done": "removed" if self.removed else "kept",
        }


@dataclass(frozen=True)
class Divided:
    """The whole splits, before any cap. leaks: the index over validation, test and benchmark items."""

    splits: dict[str, list[Row]]
    findings: list[LeakFinding]
    leaks: Leaks


@dataclass(frozen=True)
class Rules:
    """What counts as a leak. near: Jaccard similarity of word sets; run: words of a shared run; silent: the answer that says
    nothing (the abstention); summaries: an answer is a text that must not turn up either; given: questions come with their
    texts; turns: texts are conversations, compared by what the user says: system texts and replies stand in many."""

    near: float
    run: int
    silent: str | None = None
    summaries: bool = False
    given: bool = False
    turns: bool = False

    def items(self, where: str, rows: Iterable[Row]) -> list[Item]:
        """Evaluation rows as what must not leak."""
        return [Item(where, row.id, *texts) for row in rows for texts in self.texts_of(row)]

    def texts_of(self, row: Row) -> list[tuple[str, str, str]]:
        """The texts of a row that can be the same as another's: (question or text, its answer, the text that comes with
        it)."""
        given, asked = apart(row.text, self.given)
        asked = by_user(asked) if self.turns else asked
        told = self.summaries and len(words(row.answer)) >= RUN  # a shorter summary tells nothing of its own
        return [(asked, answer_of(row, self.silent), given), *([(row.answer, "", "")] if told else [])]

    def index(self, items: list[Item]) -> Leaks:
        """An index over `items` by these rules."""
        return Leaks(items, self.near, self.run)


def answer_of(row: Row, silent: str | None) -> str:
    """The row's answer where it can give its question away: one from a passage. A label or an abstention says nothing."""
    return row.answer if row.passage and row.answer != silent else ""


def divide(rows: list[Row], splits: Splits, benchmarks: list[Item], rules: Rules, classed: bool = False) -> Divided:
    """Fill the splits from `rows`. benchmarks: the questions of benchmark items; classed: see `take`."""
    findings: list[LeakFinding] = []

    def clean(pool: list[Row], leaks: Leaks) -> list[Row]:
        kept, found = clean_rows(pool, rules, leaks)
        findings.extend(found)
        return kept

    asked = [splits.test, splits.validation, splits.feedback, splits.train]
    if rules.given:  # a text with other questions is not divided between splits
        splits = splits.model_copy(update={"by": "passage"})

    def fill(place: int, pool: list[Row]) -> tuple[list[Row], list[Row]]:
        return take(pool, asked[place], splits, classed, behind=sum(count > 0 for count in asked[place + 1 :]))

    test, pool = fill(0, rows)
    items = rules.items("test", test)
    pool = clean(pool, rules.index(items))
    validation, pool = fill(1, pool)
    items += rules.items("validation", validation)
    leaks = rules.index([*items, *benchmarks])
    pool = clean(pool, leaks)
    feedback, pool = fill(2, pool)
    train, _ = fill(3, pool)
    divided = {"train": train, "feedback": feedback, "validation": validation, "test": test}
    return Divided(divided, findings, leaks)


def clean_rows(pool: list[Row], rules: Rules, leaks: Leaks) -> tuple[list[Row], list[LeakFinding]]:
    """Rows that leak nothing, and what was found in the others."""
    read = [(row.id, texts) for row in pool for texts in rules.texts_of(row)]
    leaked = leaks.of_rows([texts[:2] for _, texts in read], [texts[2] for _, texts in read])
    hits = {name: leak for (name, _), leak in zip(read, leaked, strict=True) if leak}
    findings = [LeakFinding("example row", row.id, row.source, hits[row.id]) for row in pool if row.id in hits]
    return [row for row in pool if row.id not in hits], findings


def clean_practice(
    rows: list[Row], passages: dict[str, Passage], leaks: Leaks, held_out: Overlap
) -> tuple[list[Row], list[Passage], list[LeakFinding]]:
    """Practice rows that leak nothing, their passages, and what was found. A passage that overlaps with one of `held_out`,
    or holds an item's question or its answer beside its content, takes its rows with it."""
    findings, banned = training_leaks("practice passage", passages.values(), leaks, held_out)
    texts = [passages[row.passage or ""].text for row in rows]
    for row, leak in zip(rows, leaks.of_rows([(row.text, row.answer) for row in rows], texts), strict=True):
        if leak:
            findings.append(LeakFinding("practice row", row.id, row.source, leak))
            banned.add(row.id)
    clean = [row for row in rows if row.id not in banned and row.passage not in banned]
    about = {row.passage for row in clean}
    return clean, [passage for name, passage in passages.items() if name in about], findings


def training_leaks(
    what: str, passages: Iterable[Passage], leaks: Leaks, held_out: Overlap
) -> tuple[list[LeakFinding], set[str]]:
    """What `passages` leak to a model that reads them in training, and the ids of those that leak."""
    given = list(passages)
    findings = []
    for passage, inside in zip(given, leaks.of_passages([one.text for one in given]), strict=True):
        same = held_out.find(passage.text)
        findings += [LeakFinding(what, passage.id, passage.source, leak) for leak in ([same] if same else inside)]
    return findings, {finding.id for finding in findings}
