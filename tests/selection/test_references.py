"""References that learned nothing but how frequent the training answers are, for each kind of task."""

from collections import Counter
from pathlib import Path

import pytest

from components.application import answering
from components.core import Dataset, Row, Step, Task
from components.selection import baselines
from components.selection.references import ALWAYS, ANSWERED, SHUFFLED, learned_nothing

from .small import documents, questions, reviews, split, step_in


@pytest.mark.parametrize("made", [documents, questions, reviews], ids=lambda made: made.__name__)
def test_each_kind_of_task_has_the_constant_and_the_shuffled_answers(made, tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, _, dataset = made(step)
    found = learned_nothing(task, dataset, step)
    assert {ALWAYS, SHUFFLED} <= found.keys()
    taught = Counter(row.answer for row in dataset.rows("train", step.store))
    asked = dataset.rows("validation", step.store)
    for name, candidate in found.items():
        with answering(candidate, step.store, step.machine) as answer:
            said = [one.text for one in answer(asked)]
            assert said == [one.text for one in answer(asked[:1]) + answer(asked[1:])], "the batch decides nothing"
        assert set(said) <= taught.keys(), name
        assert len(set(said)) == 1 or name == SHUFFLED


def test_where_the_abstention_is_most_frequent_the_most_frequent_other_answer_stands_beside_it(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, dataset = (
        Task(kind="question_answering", instruction="Answer.", abstain="unknown"),
        _yes_no(step, ["unknown"] * 30),
    )
    found = learned_nothing(task, dataset, step)
    assert [one.baseline.constant for name, one in found.items() if name != SHUFFLED] == ["unknown", "yes"]
    assert list(found) == [ALWAYS, ANSWERED, SHUFFLED]
    assert learned_nothing(task, Dataset(splits={}, provenance=""), step) == {}


def _yes_no(step: Step, more: list[str] | None = None) -> Dataset:
    said = [("green", "yes")] * 14 + [("red", "no")] * 10
    rows = [Row(id=str(i), text=f"is it {colour} in place {i} ?", answer=answer) for i, (colour, answer) in enumerate(said)]
    rows += [Row(id=f"u{i}", text=f"who knows {i} ?", answer=answer) for i, answer in enumerate(more or [])]
    return Dataset(splits={"train": split("train", rows, step)}, provenance="")


def test_the_plain_baseline_of_yes_and_no_can_say_both(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, metrics, _ = questions(step)
    plain = baselines.fit(task.model_copy(update={"abstain": None}), metrics, _yes_no(step), None, step)
    assert plain.baseline
    assert plain.baseline.kind == "tfidf_linear"
    asked = [Row(id="a", text="is it green in the end ?", answer=""), Row(id="b", text="is it red in the end ?", answer="")]
    with answering(plain, step.store, step.machine) as answer:
        assert [one.text for one in answer(asked)] == ["yes", "no"]


def test_the_plain_baseline_of_yes_and_no_reads_the_passage_that_is_found(tmp_path: Path) -> None:
    from components.core import Passage

    step = step_in(tmp_path)
    task, metrics, _ = questions(step)
    places = ["Ahlen", "Berge", "Calla", "Dorne", "Essen", "Fulda", "Gotha", "Halle", "Ilmen", "Jever", "Konau", "Leese"]
    passages = [
        Passage(id=str(i), text=f"{place} is a town with a {'harbour' if i % 2 else 'desert'} .")
        for i, place in enumerate(places)
    ]
    rows = [
        Row(id=f"{i} {how}", text=f"{how} ships reach {place} ?", answer="yes" if i % 2 else "no", passage=str(i))
        for i, place in enumerate(places)
        for how in ("can", "do")
    ]
    dataset = Dataset(
        splits={"train": split("train", rows[:20], step)}, knowledge=split("knowledge", passages, step), provenance=""
    )
    plain = baselines.fit(task.model_copy(update={"abstain": None}), metrics, dataset, None, step)
    with answering(plain, step.store, step.machine) as answer:
        assert [one.text for one in answer(rows[20:])] == [row.answer for row in rows[20:]]
