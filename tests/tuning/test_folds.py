"""Training rows decide about a training where validation settles nothing: each is answered by a training without it."""

import random
from collections import Counter
from pathlib import Path

import pytest

from components.core import (
    Candidate,
    Checkpoint,
    Dataset,
    Derivation,
    Metrics,
    Retriever,
    Row,
    Runtime,
    Step,
    Task,
    read_jsonl,
    read_rows,
)
from components.measure import examples
from components.training.examples import tuned_prompt
from components.tuning import Config, Tuned, folds, supervised, tune
from components.tuning.folds import Refit, deal
from components.tuning.judging import evidence_of
from tests.tuning.small import CONFIG, new_step, put, small_candidate, small_dataset
from tests.tuning.small import METRICS as ANSWERED
from tests.tuning.small import TASK as ANSWERING
from tests.tuning.test_pseudo_labels import KNOWN, SORT, bag_of_words, texts

METRICS = Metrics(primary="accuracy", at_least=0.5, minimum_effect=0.02)
WORDS = """table window garden letter bridge market winter summer doctor farmer silver yellow engine basket pocket candle
mirror carpet ladder ticket station library hospital mountain island village forest kitchen camera hammer"""
BESIDE = tuple(WORDS.split())  # a line of thirty quoted words is no easier to read
"""Words that say nothing, so that few rows are near-equal: what gives a fold away is not trained on."""


def reviews(name: str, count: int) -> list[Row]:
    return texts(name, count, KNOWN, dict.fromkeys(("good", "bad"), BESIDE), dict.fromkeys(("good", "bad"), BESIDE))


def sorted_by_a_head(root: Path, train: list[Row], validation: list[Row], **asked: object) -> tuple[Step, Tuned]:
    step = new_step(root)
    dataset = Dataset(
        splits={"train": put(step, "train", train), "validation": put(step, "validation", validation)},
        provenance=put(step, "provenance", []).object,
    )
    candidate = Candidate(
        task=SORT.kind,
        labels=SORT.labels,
        runtime=Runtime(engine="transformers"),
        model=Checkpoint(name="own", object=step.store.put(bag_of_words(root / "own")), licence="mit", origin="made"),
        prompt=tuned_prompt(SORT, context=False),
    )
    config = Config(technique="head", **asked)
    return step, tune(config, task=SORT, metrics=METRICS, candidate=candidate, dataset=dataset, step=step)


def test_four_rows_settle_nothing_and_the_folds_do(tmp_path: Path) -> None:
    train, validation = reviews("t", 48), reviews("v", 4)
    _, alone = sorted_by_a_head(tmp_path / "alone", train, validation)
    assert alone.decision.verdict == "not enough evidence"
    assert "tuning.folds (4, say) would let 48 training rows decide beside validation" in alone.notes
    _, both = sorted_by_a_head(tmp_path / "both", train, validation, folds=4)
    assert both.decision.adopted
    assert both.decision.comparison.gain.n == 52
    assert "look 2 of 2, on 52 of at most 52 rows, at a level of 0.025 each" in both.decision.reason
    assert both.proposed == alone.proposed, "the training on all rows is what is proposed"
    assert both.evidence == alone.evidence, "on validation"
    assert (
        "cross-fitting: 4 more trainings, each without a fold of the 48 training rows; 48 of these rows decide"
        in both.notes[-1]
    )


def test_labels_that_say_nothing_are_not_adopted_although_training_learns_them_by_heart(tmp_path: Path) -> None:
    draw = random.Random(10)  # of these labels validation sees a gain that settles nothing
    train = [row.model_copy(update={"answer": draw.choice(SORT.labels)}) for row in reviews("t", 60)]
    _, found = sorted_by_a_head(tmp_path, train, reviews("v", 4), folds=5)
    assert not found.decision.adopted
    assert found.decision.comparison.gain.n == 64
    assert found.decision.comparison.after < 0.7, "what it learned by heart would be answered right"


def test_a_gain_that_validation_settles_costs_no_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "_fold", lambda *_: pytest.fail("trained once more"))
    _, found = sorted_by_a_head(tmp_path, reviews("t", 48), reviews("v", 40), folds=4)
    assert found.decision.adopted
    assert "look 1 of 2, on 40 of at most 88 rows" in found.decision.reason


def test_no_fold_is_read_by_what_answers_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LoRA over retrieved contexts: rows, passages, practice and made rows of a fold are away while it is trained."""
    step, seen, right = new_step(tmp_path), [], supervised.train

    def noted(config: Config, task: Task, candidate: Candidate, dataset: Dataset, *rest: object) -> object:
        seen.append(dataset)
        return right(config, task, candidate, dataset, *rest)

    monkeypatch.setattr(supervised, "train", noted)
    dataset = small_dataset(step)
    rows = dataset.rows("train", step.store)
    copied = rows[0].model_copy(update={"id": "made", "passage": None, "origin": "synthetic"})
    other = copied.model_copy(update={"id": "other", "text": "which river flows through the old town of Graz"})
    dataset = dataset.model_copy(update={"made": put(step, "made", [copied, other])})
    config, candidate = CONFIG.model_copy(update={"folds": 2}), small_candidate(dataset, step)
    before = evidence_of(config, ANSWERING, candidate, dataset, step)
    refit = Refit(candidate, False)
    args = (config, ANSWERING, ANSWERED, candidate, before, before, dataset, refit, "the candidate at hand", step)
    found = folds.settle(*args)
    assert found.decision.verdict == "keep", "equal evidence has no gain, and ends at the first look"
    assert not seen
    dealt, _ = folds._dealt(config, ANSWERING, dataset, step)
    assert sorted(row.id for part in dealt for row in part) == sorted(row.id for row in rows)
    for number, held in enumerate(dealt, 1):
        ids, passages = {row.id for row in held}, {row.passage for row in held}
        fold = folds._fold(config, ANSWERING, ANSWERED, refit, dataset, number, held, ids, step)
        less = seen[-1]
        assert not ids & {row.id for row in less.rows("train", step.store)}
        assert less.splits["train"].count == len(rows) - len(held)
        assert not passages & {row["id"] for row in read_jsonl(step.store.file(less.training_knowledge.object))}
        made = {row.id for row in read_rows(less.made, step.store)}
        assert made == ({"other"} if rows[0].id in ids else {"made", "other"})
        answered = examples(fold.evidence, step.store)
        assert {row["id"] for row in answered} == ids
        trained = len(seen)
        assert folds._fold(config, ANSWERING, ANSWERED, refit, dataset, number, held, ids, step) == fold
        assert len(seen) == trained, "a fold that ended is not trained again"


@pytest.mark.parametrize("learned", ["weights", "retriever"])
def test_what_has_learned_from_training_rows_is_decided_on_validation_alone(tmp_path: Path, learned: str) -> None:
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    if learned == "weights":
        trained = Derivation(technique="full", checkpoint=candidate.model, trained=True)
        model = candidate.model.model_copy(update={"derived_from": trained})
        at_hand = candidate.model_copy(update={"model": model})
    else:
        retriever = Retriever(scoring="bm25", knowledge=dataset.knowledge.object, fitted=dataset.knowledge.object)
        at_hand = candidate.model_copy(update={"retriever": retriever})
    config = CONFIG.model_copy(update={"folds": 2})
    before = evidence_of(config, ANSWERING, candidate, dataset, step)
    found = folds.settle(config, ANSWERING, ANSWERED, at_hand, before, before, dataset, Refit(candidate, False), "it", step)
    assert "not done, since the candidate at hand or its retriever has learned" in found.note


def test_rows_about_fewer_texts_than_folds_are_not_dealt(tmp_path: Path) -> None:
    train = [row.model_copy(update={"conversation": "one"}) for row in reviews("t", 48)]
    _, found = sorted_by_a_head(tmp_path, train, reviews("v", 4), folds=4)
    assert found.decision.verdict == "not enough evidence"
    assert found.notes[-1] == "cross-fitting: not done, since the training rows are about 1 texts; tuning.folds is 4"


def test_folds_are_even_whole_in_their_groups_and_hold_each_class() -> None:
    rows = [Row(id=str(i), text=str(i), answer="yes" if i % 5 else "no") for i in range(60)]
    groups = [i // 3 for i in range(60)]
    dealt = deal(rows, groups, [row.answer for row in rows], 4, seed=3)
    assert sorted(len(part) for part in dealt) == [15] * 4
    held = [{groups[int(row.id)] for row in part} for part in dealt]
    assert sum(map(len, held)) == len(set(groups)), "no group is in two folds"
    assert all(Counter(row.answer for row in part)["no"] in (2, 3, 4) for part in dealt)
    assert dealt == deal(rows, groups, [row.answer for row in rows], 4, seed=3)
    assert dealt != deal(rows, groups, [row.answer for row in rows], 4, seed=4)
    rare = deal(rows, groups, ["rare", *["common"] * 59], 4, seed=3)
    assert sorted(len(part) for part in rare) == [15] * 4, "a label of one row is in one fold"


@pytest.mark.parametrize(("key", "value"), [("pretraining", {}), ("pseudo_labels", {}), ("together", ["letters.yaml"])])
def test_what_is_trained_once_is_refused_beside_folds(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"key 'folds': what '{key}' brings is trained on once"):
        Config(folds=4, **{key: value})
