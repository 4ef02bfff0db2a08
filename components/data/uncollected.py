"""Rows that nobody collected: those of sources marked `synthetic`, those of a generator, and those labelled by program.

They are for training only. None may leak validation, test or a benchmark, be about a passage that is held out, or have the
words of a row that is there already; what falls out is counted by its reason and, where it was read from a source, listed in
`dropped.jsonl`; leaks are listed with all others.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from components.core import BadInput, Data, Row, Split, Store, Task, digest_of
from components.tasks import kind_of
from components.text import apart, words
from components.text.leaks import Leaks
from components.text.overlap import Overlap

from .audit import of_labelling
from .contamination import LeakFinding, Rules, answer_of
from .documents import Entry, Origin, entry
from .generators import generator
from .representation import Effect
from .rows import Collected
from .slices import slices
from .split import shuffled
from .synthetic import synthesise

if TYPE_CHECKING:
    from .labelling import LabellingTaken, Taken


class MadeFigures(TypedDict, total=False):
    """What became of made rows, of each kind that the contract asks for."""

    sources: "Taken"
    labelling: "LabellingTaken"
    generator: "Taken"


class VotesLine(TypedDict):
    """A line of `votes.jsonl`: what the label model said of a row. votes: function → label."""

    id: str
    label: str
    probability: float
    votes: dict[str, str]


def check(task: Task, data: Data) -> None:
    """Raise BadInput, with the key, where what the contract asks to be made does not fit its sources or its task."""
    if data.synthetic:
        generator(data.synthetic, task)
    waiting = [number for number, source in enumerate(data.sources) if source.role == "unlabelled"]
    if data.labelling is None:
        return
    if not task.labels:
        raise BadInput(f"data.labelling: a task of kind '{task.kind}' has no labels to vote for (task.labels). Remove it")
    if not waiting:
        raise BadInput("data.labelling: no source has texts to label; give one the role 'unlabelled'")
    for number, function in enumerate(data.labelling.functions):
        if function.label not in task.labels:
            allowed = ", ".join(task.labels)
            raise BadInput(
                f"data.labelling.functions.{number}.label: '{function.label}' is not one of task.labels: {allowed}"
            )


Text = tuple[str, str, str | None]
"""(what is asked or said, the answer, the passage that it is about where that may be held out)"""


class Refusal:
    """Why texts may not be trained on; None, and the text counts as taken, where it may. findings: the leaks among them."""

    def __init__(self, collected: list[Row], leaks: Leaks, held_out: Overlap, rules: Rules) -> None:
        """collected: rows of all splits. leaks: over what is asked of evaluations; held_out: over their passages."""
        self._rules = rules
        self._taken = {words(row.text) for row in collected}
        self._leaks, self._held_out = leaks, held_out
        self.findings: list[LeakFinding] = []

    def __call__(self, texts: Sequence[Text]) -> list[str | None]:
        parts = [apart(text, self._rules.given) for text, _, _ in texts]
        questions = [(question, one[1]) for (_, question), one in zip(parts, texts, strict=True)]
        asked = self._leaks.of_rows(questions, [given for given, _ in parts])
        if self._rules.summaries:
            told = self._leaks.of_rows([(answer, "") for _, answer, _ in texts])
            asked = [one or other for one, other in zip(asked, told, strict=True)]
        reasons: list[str | None] = []
        for (text, _, passage), own in zip(texts, asked, strict=True):
            leak = own or (self._held_out.find(passage) if passage else None)
            if words(text) in self._taken:
                reasons.append("its text is there already")
            elif leak:
                self.findings.append(LeakFinding("made row", digest_of(text)[:16], "", leak))
                reasons.append(f"leaks {leak.item.where}")
            else:
                self._taken.add(words(text))
                reasons.append(None)
        return reasons


class Uncollected:
    """Gathers made rows. figures: `sources`, `labelling` and `generator`, as far as asked for, each with {"kept", "dropped":
    {reason: count}} and what it found. votes: what the label model said of each row that it labelled. left_out: entries of
    `dropped.jsonl` for rows of sources that were not taken. origin: id → where a row that was taken was read; a generator's
    were read nowhere. effects: what labelling did to groups of people."""

    def __init__(self, task: Task, data: Data, refused: Refusal) -> None:
        self.task, self.data, self._refused = task, data, refused
        self.rows: list[Row] = []
        self.figures: MadeFigures = {}
        self.notes: tuple[str, ...] = ()
        self.effects: list[Effect] = []
        self.votes: list[VotesLine] = []
        self.left_out: list[Entry] = []
        self.origin: dict[str, Origin] = {}

    @property
    def findings(self) -> list[LeakFinding]:
        """Leaks that were refused."""
        return self._refused.findings

    def bring(self, collected: Collected) -> None:
        """Take in the rows of sources that the contract marks as synthetic."""
        dropped: Counter[str] = Counter()
        rows = [row for row in collected.rows if row.origin != "collected"]
        whole = kind_of(self.task.kind).writes
        told = [row.answer if whole else answer_of(row, self.task.abstain) for row in rows]
        about = [collected.questioned.get(row.passage or "") for row in rows]
        texts = list(zip((row.text for row in rows), told, about, strict=True))
        for row, reason in zip(rows, self._refused(texts), strict=True):
            dropped.update([reason] if reason else [])
            self._settle(collected.origin["train", row.id], row, reason)
        if any(source.synthetic for source in self.data.sources):
            self.figures["sources"] = {"kept": len(self.rows), "dropped": dict(sorted(dropped.items()))}

    def _settle(self, origin: Origin, row: Row | None, reason: str | None) -> None:
        """Take `row`, or note why what was read at `origin` is left out."""
        if reason or row is None:
            self.left_out.append(entry(origin, "train", "made rows", str(reason)))
        else:
            self.rows.append(row)
            self.origin[row.id] = origin

    def label(self, waiting: list[tuple[Origin, str]], gold: list[Row]) -> None:
        """Label the `waiting` texts, (place, text), by the contract's functions. gold: labelled training rows."""
        if self.data.labelling is None:
            return
        from .labelling import label

        refused = self._refused([(text, "", None) for _, text in waiting])
        texts = [text for (_, text), reason in zip(waiting, refused, strict=True) if not reason]
        done = label(self.data.labelling, self.task, texts, gold)
        results = iter(zip(done.labels, done.reasons, strict=True))
        before = len(self.rows)
        dropped: Counter[str] = Counter()
        for (origin, text), reason in zip(waiting, refused, strict=True):
            labelled, unsure = (None, reason) if reason else next(results)
            dropped.update([unsure] if unsure else [])
            self._settle(origin, self._labelled(origin, text, labelled) if labelled else None, unsure)
        taken = len(self.rows) - before
        done.figures.pop("left_out")
        self.figures["labelling"] = {"kept": taken, "dropped": dict(sorted(dropped.items())), **done.figures}
        self.notes += done.notes
        read = [(origin.source, text) for origin, text in waiting]
        self.effects += of_labelling(read, self.rows[before:], gold, done.on_gold)

    def wait(self, texts: list[tuple[Origin, str]]) -> list[Row]:
        """Rows without an answer of the texts, (place, text), that no rule labels and that leak nothing, shuffled."""
        if self.data.labelling is not None:
            return []
        reasons, rows = self._refused([(text, "", None) for _, text in texts]), {}
        for (origin, text), reason in zip(texts, reasons, strict=True):
            name = digest_of([text, "", None])[:16]
            if reason:
                self.left_out.append(entry(origin, "train", "made rows", reason))
            else:
                rows[name] = Row(id=name, text=text, answer="", source=origin.source)
        return [rows[name] for name in shuffled(rows, self.data.splits.seed)]

    def _labelled(self, origin: Origin, text: str, result: tuple[str, float, dict[str, str]]) -> Row:
        """The row of a text that the label model is sure about; its votes are kept."""
        answer, probability, votes = result
        row = Row(
            id=digest_of([text, answer, None])[:16],
            text=text,
            answer=answer,
            source=origin.source,
            slices=slices(text, answer, self.task),
            origin="programmatic",
        )
        self.votes.append({"id": row.id, "label": answer, "probability": probability, "votes": votes})
        return row

    def synthesise(self, training: Split | None, store: Store) -> None:
        """Draft rows from the passages of `training`, as the contract asks. Raises BadInput where there are none."""
        asked = self.data.synthetic
        if asked is None:
            return
        if training is None or not training.count:
            raise BadInput(
                "data.synthetic: rows are made from training passages, and there are none; give a source the role "
                "'knowledge' or 'examples_and_knowledge'"
            )
        rows, dropped = synthesise(asked, self.task, training, self._refused, store)
        self.figures["generator"] = {"kept": len(rows), "dropped": dropped}
        if len(rows) < asked.rows:
            left = f"the filters left {len(rows):,} of the {asked.rows:,} asked for (data.synthetic.rows)"
            self.notes += (f"synthetic rows: {left}",)
        self.rows += rows

    def first(self, count: int | None) -> list[Row]:
        """The rows (up to `count`) in an order that depends on the splits' seed and on each row alone; of the others, those
        that were read from a source are listed."""
        by_id = {row.id: row for row in self.rows}
        order = shuffled(by_id, self.data.splits.seed)
        used = order[:count]
        for name in order[len(used) :]:
            if name in self.origin:
                self.left_out.append(entry(self.origin[name], "train", "profile", "more made rows than the profile uses"))
        return [by_id[name] for name in used]
