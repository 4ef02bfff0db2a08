"""Rows that nobody collected get a second training, whose adapter is proposed only if it wins on validation."""

import pytest

from components.application import checkpoint
from components.core import Candidate, Dataset, Metrics, Row, Runtime, Task
from components.training.contexts import shown_rows
from components.training.examples import tuned_prompt
from components.tuning import tune
from components.tuning.practice import practice_rows
from components.tuning.supervised import made_rows
from tests.tuning.small import CONFIG, TASK, new_step, put, small_candidate, small_dataset

SORT = Task(kind="classification", instruction="Sort.", labels=("good", "bad"))
ACCURACY = Metrics(primary="accuracy", at_least=0.5, minimum_effect=0.02)
EAGER = CONFIG.model_copy(update={"epochs": 6, "learning_rate": 0.01, "checkpoint_every": 0})


def rows(name: str, count: int, answer: str, origin: str = "collected") -> list[Row]:
    return [Row(id=f"{name}{i}", text=f"a film about {name} {i}", answer=answer, origin=origin) for i in range(count)]


def tuned(root, train: list[Row], made: list[Row]):
    """Tune the two-layer model where every row of validation is good."""
    step = new_step(root)
    dataset = Dataset(
        splits={"train": put(step, "train", train), "validation": put(step, "validation", rows("sheep", 8, "good"))},
        made=put(step, "made", made) if made else None,
        provenance=put(step, "provenance", []).object,
    )
    candidate = Candidate(
        task=SORT.kind,
        labels=SORT.labels,
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=tuned_prompt(SORT, context=False),
    )
    return step, tune(EAGER, task=SORT, metrics=ACCURACY, candidate=candidate, dataset=dataset, step=step)


def test_made_rows_that_help_are_adopted(tmp_path):
    step, result = tuned(tmp_path, rows("cow", 4, "bad"), rows("goat", 24, "good", "programmatic"))
    assert result.made.adopted
    assert result.made.comparison.before == 0
    assert result.evidence.metrics["accuracy"].value == pytest.approx(result.made.comparison.after, abs=1e-6)
    assert result.evidence.metrics["accuracy"].value > 0.5
    assert "made rows (24 programmatic): adopt" in result.notes[1]
    assert "28 rows" in result.notes[0]
    assert all(step.store.has(digest) for digest in result.objects)
    assert step.measured["training"]["tokens"] > step.measured["training not proposed"]["tokens"]


def test_noise_and_rows_that_change_nothing_are_not_adopted(tmp_path):
    collected = rows("cow", 8, "good")
    _, noisy = tuned(tmp_path / "noise", collected, rows("goat", 24, "bad", "synthetic"))
    assert (noisy.made.verdict, noisy.made.comparison.before) == ("keep", 1)
    assert noisy.made.comparison.after < 0.5
    assert "8 rows" in noisy.notes[0], "what is proposed never saw a made row"
    _, same = tuned(tmp_path / "same", collected, rows("goat", 4, "good", "synthetic"))
    assert (same.made.verdict, same.made.comparison.after) == ("keep", 1), "a tie"
    assert (same.proposed, same.evidence) == (noisy.proposed, noisy.evidence), "the one adapter trained without them"


@pytest.mark.parametrize("held_out", [False, True])
def test_an_unanswerable_made_row_is_shown_the_passage_that_it_is_asked_of(tmp_path, held_out):
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    about = "p4" if held_out else "p1"  # the question is what p0 answers, and so what a search would find
    row = Row(id="m", text="when was the fair of Paris opened", answer="unknown", passage=about, origin="synthetic")
    collected = dataset.rows("train", step.store)
    found, counts, _ = shown_rows(TASK, candidate, dataset, [*collected, row], 0.0, 0.9, 0, step)
    shown = [one for one in found if one.text == row.text]
    assert len(shown) == (0 if held_out else 1)
    assert counts["passage held out"] == int(held_out)
    assert all("Lima" in text and "1900" not in text for one in shown for text in one.context)


def test_without_a_search_questions_about_passages_are_left_out(tmp_path):
    step = new_step(tmp_path)
    asked = Row(id="m", text="when was the fair of Paris opened", answer="1900", passage="p0", origin="synthetic")
    dataset = small_dataset(step).model_copy(update={"made": put(step, "made", [asked])})
    candidate = small_candidate(dataset, step)
    assert made_rows(candidate, dataset, step) == [asked]
    assert made_rows(candidate.model_copy(update={"retriever": None}), dataset, step) == []


def test_synthetic_practice_rows_are_read_only_beside_made_rows(tmp_path):
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    story = [{"id": "s", "text": "The miller of Ghent gave bread to the wolf ."}]
    kinds = {"a": "collected", "b": "synthetic"}
    practice = [Row(id=name, text="who gave it", answer="The miller", passage="s", origin=kinds[name]) for name in kinds]
    dataset = dataset.model_copy(
        update={"practice": put(step, "practice", practice), "practice_passages": put(step, "practice_passages", story)}
    )
    assert len(practice_rows(TASK, dataset, 9, 0, step)) == 1
    assert len(practice_rows(TASK, dataset, 9, 0, step, made=True)) == 2
    assert [row.id for row in made_rows(small_candidate(dataset, step), dataset, step)] == ["b"]
