"""Plain baselines: fitted on training rows, reproducible, releasable Candidates."""

import random
from pathlib import Path
from typing import Any

import pytest

from components.application import answering
from components.core import BadInput, Metrics, Task
from components.measure import abstain_below
from components.selection import baselines

from .small import documents, questions, reviews, split, step_in


def test_best_sentence_finds_answers_and_its_threshold_reaches_the_floor(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, metrics, dataset = questions(step)
    candidate = baselines.fit(task, metrics, dataset, None, step)
    assert candidate.baseline
    rows = dataset.rows("validation", step.store)
    with answering(candidate, step.store, step.machine) as answer:
        said = {row.id: found.text for row, found in zip(rows, answer(rows), strict=True)}
    assert said["u9"] == "unknown"
    assert "Daugava" in said["a9"]


def row(name: str, score: float, answer: str, reference: str) -> dict:
    scores = {"f1_answerable": None if reference == "unknown" else float(answer == reference)}
    return {
        "id": name, "text": "q", "answer": answer, "reference": reference, "passage": "p", "passages": ["p"],
        "scores": [score], "abstention_recall": 0.0 if reference == "unknown" else None, **scores,
    }  # fmt: skip


def test_calibration_trades_as_few_answers_as_the_floor_asks_for() -> None:
    task = Task(kind="question_answering", instruction="x", abstain="unknown")
    table = [row(f"a{i}", 1.0 + i, "x", "x") for i in range(8)] + [
        row(f"u{i}", 0.5 + 3 * i, "x", "unknown") for i in range(3)
    ]
    scores = [line["scores"][0] for line in table]
    plain = Metrics(primary="f1_answerable", at_least=0)
    floored = Metrics(primary="f1_answerable", at_least=0, floors={"abstention_recall": 0.6})
    assert abstain_below(task, plain, table, scores) is None
    threshold = abstain_below(task, floored, table, scores)
    assert threshold is not None
    assert 3.5 < threshold <= 4.0
    assert abstain_below(task, plain, [], []) is None
    # a floor that leaves no room is still a floor
    assert abstain_below(task, floored, table, scores, confidence=0.9999) is not None
    high = Metrics(primary="f1_answerable", at_least=0, floors={"abstention_recall": 0.95})
    assert 6.5 < (abstain_below(task, high, table, scores, confidence=0.9) or 0) <= 7.0


def test_fresh_rows_reach_the_floor_as_surely_as_was_asked_for() -> None:
    task = Task(kind="question_answering", instruction="x", abstain="unknown")
    metrics = Metrics(primary="f1_answerable", at_least=0, floors={"abstention_recall": 0.3})
    draw = random.Random(0)

    def drawn() -> list[dict[str, Any]]:
        """Sixty rows of which a third has no answer: they score a little lower."""
        answered = [row(f"a{i}", draw.gauss(1, 1), "x", "x") for i in range(40)]
        return answered + [row(f"u{i}", draw.gauss(0.5, 1), "x", "unknown") for i in range(20)]

    def reached(confidence: float) -> float:
        """In how many of 60 trials a threshold set on some rows abstains from 30 % of the unanswerable ones of others."""
        good = 0
        for _ in range(60):
            table = drawn()
            threshold = abstain_below(task, metrics, table, [line["scores"][0] for line in table], confidence)
            fresh = [line["scores"][0] for line in drawn() if line["reference"] == "unknown"]
            good += sum(score < (threshold or -9) for score in fresh) >= 0.3 * len(fresh)
        return good / 60

    assert reached(0.95) >= 0.85 > 0.75 > reached(0.5)


def test_without_knowledge_base_the_plain_answer_is_constant(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, metrics, dataset = questions(step)
    bare = dataset.model_copy(update={"knowledge": None})
    candidate = baselines.fit(task, metrics, bare, None, step)
    assert candidate.baseline
    assert candidate.baseline.constant == "unknown"


def test_linear_model_classifies_and_equal_fits_have_equal_digests(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        step = step_in(tmp_path / name)
        task, metrics, dataset = reviews(step)
        found.append(baselines.fit(task, metrics, dataset, None, step))
    with answering(found[0], step.store, step.machine) as answer:
        rows = dataset.rows("validation", step.store)
        right = [row.answer == said.text for row, said in zip(rows, answer(rows), strict=True)]
    assert sum(right) >= 7
    assert found[0].digest == found[1].digest


def test_one_label_only_is_refused_with_the_key(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, metrics, dataset = reviews(step)
    one = [row for row in dataset.rows("train", step.store) if row.answer == "positive"]
    poor = dataset.model_copy(update={"splits": {**dataset.splits, "train": split("train", one, step)}})
    with pytest.raises(BadInput, match=r"data\.splits\.train"):
        baselines.fit(task, metrics, poor, None, step)


def test_lead_length_is_chosen_on_training_rows(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, metrics, dataset = documents(step)
    candidate = baselines.fit(task, metrics, dataset, None, step)
    assert candidate.baseline
    assert candidate.baseline.sentences == 2
