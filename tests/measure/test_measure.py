from collections.abc import Sequence

import pytest

from components.core import Baseline, Candidate, Frozen, Retriever, Row, Runtime, Split, Step, Task, write_jsonl
from components.measure import examples, measure
from components.measure.measure import CHUNK

TASK = Task(kind="question_answering", instruction="Answer.", abstain="unknown")


class Said(Frozen):
    id: str
    text: str
    passages: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    context: tuple[str, ...] = ()
    context_passages: tuple[str, ...] = ()
    margin: float | None = None
    cut: bool = False


class Echo:
    """Answers with the last word; counts the rows it was asked, and may break at a given call."""

    def __init__(self, break_at: int | None = None) -> None:
        self.asked, self.calls, self.break_at = 0, 0, break_at

    def __call__(self, rows: Sequence[Row]) -> list[Said]:
        self.calls += 1
        if self.calls == self.break_at:
            raise KeyboardInterrupt
        self.asked += len(rows)
        return [Said(id=row.id, text=row.text.split()[-1], passages=("p1",), scores=(0.5,)) for row in rows]


def candidate(text: str = "x") -> Candidate:
    baseline = Baseline(kind="constant", constant=text)
    retriever = Retriever(scoring="bm25", knowledge="k")
    return Candidate(task="question_answering", runtime=Runtime(engine="baseline"), baseline=baseline, retriever=retriever)


@pytest.fixture
def split(step: Step) -> Split:
    rows = [
        Row(id=f"r{i}", text=f"say {i % 5}", answer="unknown" if i % 7 == 0 else str(i % 3), passage=f"p{i % 2}")
        for i in range(90)
    ]
    write_jsonl(step.scratch / "rows.jsonl", rows)
    return Split(name="validation", object=step.store.put(step.scratch / "rows.jsonl"), count=len(rows))


def test_evidence_can_be_computed_again_from_its_table(step: Step, split: Split) -> None:
    found = measure(candidate(), Echo(), split, TASK, step)
    rows = examples(found, step.store)
    assert [row["id"] for row in rows] == [f"r{i}" for i in range(90)]
    assert {row["origin"] for row in rows} == {"collected"}
    known = [row["f1_answerable"] for row in rows if row["f1_answerable"] is not None]
    assert found.metrics["f1_answerable"].value == pytest.approx(sum(known) / len(known), abs=1e-6)
    assert found.metrics["f1_answerable"].n == len(known) < 90
    assert found.metrics["hit@1"].value == 0.5
    assert "abstention_precision" not in found.metrics, "it never abstained"
    (measured,) = step.measured["measure"].values()
    assert measured["rows"] == 90


def test_nothing_is_measured_twice(step: Step, split: Split) -> None:
    first = measure(candidate(), Echo(), split, TASK, step)
    again = Echo()
    assert measure(candidate(), again, split, TASK, step) == first
    assert again.asked == 0
    measure(candidate("y"), again, split, TASK, step)
    assert again.asked == 90
    measure(candidate(), again, split, TASK, step, rows=20)
    assert again.asked == 110


def test_the_first_rows_are_named_as_such(step: Step, split: Split) -> None:
    found = measure(candidate(), Echo(), split, TASK, step, rows=20)
    assert found.split == "validation[:20]"
    assert found.metrics["f1"].n == 20
    assert measure(candidate(), Echo(), split, TASK, step, rows=500).split == "validation"


@pytest.mark.parametrize("torn", [False, True])
def test_a_measurement_that_broke_off_goes_on_and_gives_the_same_table(step: Step, split: Split, torn: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        measure(candidate(), Echo(break_at=2), split, TASK, step)
    (journal,) = step.workspace.store.root.glob("scratch/*/answers.jsonl")
    if torn:
        journal.write_bytes(journal.read_bytes() + b'{"rows": [{"id": "r3')
    rest = Echo()
    resumed = measure(candidate(), rest, split, TASK, step)
    assert rest.asked == 90 - CHUNK
    whole = Step("other", step.store.scratch("other"), step.workspace, step.machine)
    (seal,) = step.store.root.glob("steps/*.json")
    seal.unlink()
    assert measure(candidate(), Echo(), split, TASK, whole) == resumed
