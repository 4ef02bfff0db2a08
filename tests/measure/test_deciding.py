"""Training rows decide where neither side of a comparison has learned from them."""

import pytest

from components.core import (
    Adapter,
    Baseline,
    Candidate,
    Checkpoint,
    Dataset,
    Derivation,
    Prompt,
    PromptTurn,
    Retriever,
    Row,
    Runtime,
    Split,
    Step,
    Task,
    read_rows,
    write_jsonl,
)
from components.measure.deciding import deciding_rows, unshown
from components.text import together

TASK = Task(kind="question_answering", instruction="Answer.", abstain="unknown")
MODEL = Checkpoint(name="m", object="m", licence="mit", origin="made on the spot")
ROWS = [
    Row(id="a", text="what is the river of Rome", answer="Tiber", passage="p1"),
    Row(id="b", text="who built the bridge of Rome", answer="unknown", passage="p1"),
    Row(id="c", text="what is the river of Oslo", answer="Aker", passage="p2"),
    Row(id="d", text="who asks without a passage", answer="nobody"),
]


def showing(*texts: str) -> Prompt:
    shown = tuple((f"Question: {text}\nAnswer:", "x") for text in texts)
    return Prompt(method="few_shot", turns=(PromptTurn(user="Question: {{input}}", examples=shown),))


def candidate(**parts: object) -> Candidate:
    return Candidate(task=TASK.kind, runtime=Runtime(engine="transformers"), **{"model": MODEL, **parts})


@pytest.fixture
def dataset(step: Step) -> Dataset:
    def split(name: str, rows: list[Row]) -> Split:
        path = step.scratch / "rows.jsonl"
        write_jsonl(path, rows)
        return Split(name=name, object=step.store.put(path), count=len(rows))

    validation = [Row(id="v", text="what is the river of Lima", answer="Rimac")]
    return Dataset(splits={"train": split("train", ROWS), "validation": split("validation", validation)}, provenance="")


def test_validation_comes_first_and_then_the_training_rows(dataset: Dataset, step: Step) -> None:
    split = deciding_rows(dataset, [candidate(), candidate(prompt=showing())], TASK, step)
    assert (split.name, split.count) == ("validation and train", 5)
    assert [row.id for row in read_rows(split, step.store)] == ["v", "a", "b", "c", "d"]
    assert split == deciding_rows(dataset, [candidate()], TASK, step), "named by its content"


def test_what_one_side_shows_is_left_out_with_the_rows_of_its_passage(dataset: Dataset, step: Step) -> None:
    split = deciding_rows(dataset, [candidate(), candidate(prompt=showing(ROWS[0].text))], TASK, step)
    assert [row.id for row in read_rows(split, step.store)] == ["v", "c", "d"]


def test_questions_about_a_shown_text_that_comes_with_them_are_left_out() -> None:
    given = TASK.model_copy(update={"context": "given"})
    rows = [
        Row(id="a", text=together("The clause of rent.", "how much is it"), answer="5"),
        Row(id="b", text=together("The clause of rent.", "who pays it"), answer="the tenant"),
        Row(id="c", text=together("The clause of notice.", "how long is the notice"), answer="a month"),
    ]
    assert given.given
    assert [row.id for row in unshown(rows, [showing("how much is it")], given)] == ["c"]


TUNED = MODEL.model_copy(update={"derived_from": Derivation(technique="full", checkpoint=MODEL, trained=True)})


@pytest.mark.parametrize(
    "learned",
    [
        {"adapter": Adapter(object="w", technique="lora", objective="sft")},
        {"model": None, "baseline": Baseline(kind="constant")},
        {"retriever": Retriever(scoring="rerank", knowledge="k", fitted="f")},
        {"retriever": Retriever(scoring="vector", knowledge="k", embedder=TUNED)},
    ],
    ids=["tuned", "plain baseline", "fitted retriever", "tuned embedder"],
)
def test_where_a_side_has_learned_validation_stands_alone(dataset: Dataset, step: Step, learned: dict) -> None:
    assert deciding_rows(dataset, [candidate(), candidate(**learned)], TASK, step) == dataset.splits["validation"]
