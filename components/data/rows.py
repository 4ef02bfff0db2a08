"""Records become Rows and Passages: ids by content, duplicates dropped, slices named."""

from collections import Counter
from functools import lru_cache
from typing import Literal

from components.core import Passage, Row, Source, Task, digest_of
from components.tasks import kind_of
from components.text import same, together, words
from components.text.turns import opening

from .documents import Entry, Origin, Part, entry
from .read import Record
from .slices import slices


class Collected:
    """Rows and passages of all sources so far, without duplicates; `dropped` counts what was left out, by source."""

    def __init__(self, task: Task, labelled: bool = False) -> None:
        """labelled: texts without labels get them by program; where they do not, they are documents."""
        self.task, self._labelled = task, labelled
        self.rows: list[Row] = []
        self.passages: dict[str, Passage] = {}
        """The knowledge base, by id."""
        self.questioned: dict[str, str] = {}
        """Id → text of every passage that a row is about, in the base or not."""
        self.practice: list[Row] = []
        """Rows that only tuning reads, and the passages they are about."""
        self.practice_passages: dict[str, Passage] = {}
        self.unlabelled: list[tuple[Origin, str]] = []
        """(where it was read, text) of what waits for a programmatic label."""
        self.documents: dict[str, Passage] = {}
        """What pre-training reads, by id."""
        self.dropped: dict[str, Counter[str]] = {}
        self.left_out: list[Entry] = []
        """The same, one entry for each, as in `dropped.jsonl`."""
        self.origin: dict[tuple[Part, str], Origin] = {}
        """(part, id) → where a row or passage was first read."""
        self.beside = 0
        """Passages of the base that came with the rows about them: one record gave two things."""
        self._seen: dict[tuple[str, str], str] = {}

    def add(self, source: Source, records: list[Record]) -> None:
        """Take in the records of one source that passed the gate."""
        self.dropped.setdefault(source.name, Counter())
        if source.role == "practice":
            self._practise(source, records)
            return
        if source.role == "unlabelled" and self._labelled:
            self.unlabelled += [(_read_at(source, record), record.text) for record in records if record.text]
            return
        if source.role == "unlabelled":
            self._keep_documents(source, records)
            return
        for record in records:
            passage = passage_id(record.passage) if record.passage else None
            if passage and source.role != "examples":
                self._keep_passage(passage, record, source)
            if source.role != "knowledge":
                self._keep_row(passage, record, source)

    def droppable(self) -> dict[Part, list[Passage]]:
        """What a step of curation may drop: passages of the base that no row is about, those of practice, documents."""
        asked = {row.passage for row in self.rows}
        free = [passage for passage in self.passages.values() if passage.id not in asked]
        practised, documents = list(self.practice_passages.values()), list(self.documents.values())
        return {"knowledge": free, "practice": practised, "documents": documents}

    def _leave_out(self, part: Part, record: Record, source: Source, reason: str) -> None:
        self.dropped[source.name][reason] += 1
        self.left_out.append(entry(_read_at(source, record), part, "equal", reason))

    def _keep_documents(self, source: Source, records: list[Record]) -> None:
        for record in records:
            assert record.text, "the gate sets rows without a text aside"
            name = passage_id(record.text)
            if name in self.documents:
                self._leave_out("documents", record, source, "duplicate document")
                continue
            self.origin["documents", name] = _read_at(source, record)
            self.documents[name] = Passage(id=name, text=record.text, source=source.name)

    def _practise(self, source: Source, records: list[Record]) -> None:
        known = {row.id for row in self.practice}
        for record in records:
            text, answer, about = (value or "" for value in (record.text, record.answer, record.passage))
            assert all((text, answer, about)), "the gate sets incomplete rows aside"
            passage = passage_id(about)
            row = digest_of([text, passage])[:16]
            if row in known:
                self._leave_out("practice", record, source, "duplicate row")
                continue
            known.add(row)
            self.origin["practice", row] = _read_at(source, record)
            self.practice_passages.setdefault(passage, Passage(id=passage, text=about, source=source.name))
            self.practice.append(
                Row(id=row, text=text, answer=answer, passage=passage, source=source.name, origin=_origin(source))
            )

    def _keep_passage(self, passage: str, record: Record, source: Source) -> None:
        assert record.passage, "the gate sets rows without a passage aside"
        if passage not in self.passages:
            text, title = record.passage, record.title or ""
            self.origin["knowledge", passage] = _read_at(source, record)
            self.passages[passage] = Passage(id=passage, text=text, title=title, source=source.name)
            self.beside += source.role != "knowledge"
        elif source.role == "knowledge":  # several questions about one passage are no duplicates
            self._leave_out("knowledge", record, source, "duplicate passage")

    def _keep_row(self, passage: str | None, record: Record, source: Source) -> None:
        assert record.text is not None, "the gate sets rows without a text aside"
        assert record.answer is not None, "the gate sets rows without an answer aside"
        text = together(record.passage, record.text) if self.task.given and record.passage else record.text
        key = (same(record.text), passage or "")
        if key in self._seen:
            equal = same(self._seen[key]) == same(record.answer)
            self._leave_out("train", record, source, "duplicate row" if equal else "duplicate row with another answer")
            return
        self._seen[key] = record.answer
        if passage and record.passage:
            self.questioned.setdefault(passage, record.passage)
        name = digest_of([text, record.answer, passage, *([record.tests] if record.tests else [])])[:16]
        self.origin["train", name] = _read_at(source, record)
        self.rows.append(
            Row(
                id=name,
                text=text,
                answer=record.answer,
                tests=record.tests,
                passage=passage,
                conversation=self._conversation(record),
                source=source.name,
                slices=slices(text, record.answer, self.task),
                origin=_origin(source),
            )
        )

    def _conversation(self, record: Record) -> str | None:
        if not kind_of(self.task.kind).turns:
            return None
        asked, answered = opening(record.text or "", record.answer or "")
        return digest_of([words(asked), () if record.tree else words(answered)])[:12]


def _read_at(source: Source, record: Record) -> Origin:
    return Origin(source.name, record.line, record.file)


def _origin(source: Source) -> Literal["collected", "synthetic"]:
    return "synthetic" if source.synthetic else "collected"


@lru_cache(maxsize=4096)
def passage_id(text: str) -> str:
    """Passages whose words are equal are one passage. Rows about one passage follow one another, and steps ask again."""
    return digest_of(words(text))[:12]
