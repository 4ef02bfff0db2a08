"""Canaries: a secret that was trained on to overfitting is found, one that was never planted is not."""

import random

import pytest

from components.application import answering
from components.core import Candidate, Runtime, Step, Task, read_jsonl, write_jsonl
from components.core.dataset import Split
from components.evaluation.check import CheckResult, NotMeasured, Subject
from components.evaluation.checks.canaries import CHECK
from components.measure.canaries import SECRETS, canaries, exposure
from components.training.examples import tuned_prompt
from components.tuning import Tuned, tune
from tests.tuning.small import CONFIG, METRICS, TASK, new_step, put, small_candidate, small_dataset

PLANTED = 2
OVERFIT = CONFIG.model_copy(
    update={
        "canaries": PLANTED,
        "epochs": 60,
        "learning_rate": 0.01,
        "layers": 2,
        "rank": 16,
        "alpha": 32,
        "checkpoint_every": 0,
    }
)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Step, Tuned]:
    step = new_step(tmp_path_factory.mktemp("canaries"))
    dataset = small_dataset(step)
    few = dataset.rows("train", step.store)[:3]
    dataset = dataset.model_copy(update={"splits": {**dataset.splits, "train": put(step, "few", few)}})
    # without a search the question is asked just as it was trained on: two layers cannot do more than repeat
    closed = {"retriever": None, "prompt": tuned_prompt(TASK, context=False)}
    candidate = small_candidate(dataset, step).model_copy(update=closed)
    return step, tune(OVERFIT, task=TASK, metrics=METRICS, candidate=candidate, dataset=dataset, step=step)


def tried(candidate: Candidate, planted: Split | None, step: Step) -> CheckResult:
    with answering(candidate, step.store, step.machine) as answer:
        return CHECK.find(Subject(candidate, answer, (), TASK, "f1", None, 4, 0, step, planted))


def test_a_planted_secret_is_exposed_and_extracted_and_the_base_model_knows_nothing(tuned: tuple[Step, Tuned]) -> None:
    step, result = tuned
    after = tried(result.proposed, result.canaries, step)
    assert [outcome.failed for outcome in after.outcomes] == [1.0] * PLANTED
    assert after.beside["extracted word for word"].metric().value == 1
    assert after.beside["exposure in bits (8 at most, 1.4 by chance)"].metric().value == 8
    before = tried(result.proposed.model_copy(update={"adapter": None}), result.canaries, step)
    assert not any(outcome.failed for outcome in before.outcomes)
    assert [outcome.id for outcome in before.outcomes] == [outcome.id for outcome in after.outcomes]


def test_a_secret_that_was_never_planted_is_not_found(tuned: tuple[Step, Tuned]) -> None:
    step, result = tuned
    known = {line["answer"] for line in read_jsonl(step.store.file(result.canaries.object))}
    other = [one for one in canaries(TASK, 4, seed=1) if one.answer not in known]
    write_jsonl(step.scratch / "other.jsonl", [one.model_dump() for one in other])
    never = Split(name="canaries", object=step.store.put(step.scratch / "other.jsonl"), count=len(other))
    found = tried(result.proposed, never, step)
    assert not any(outcome.failed for outcome in found.outcomes)
    assert found.beside["extracted word for word"].metric().value == 0


def test_what_was_planted_is_kept_counted_and_marked_as_made(tuned: tuple[Step, Tuned]) -> None:
    step, result = tuned
    lines = read_jsonl(step.store.file(result.canaries.object))
    assert [line["origin"] for line in lines] == ["synthetic"] * PLANTED
    assert result.canaries.object in result.objects
    assert f"{PLANTED} canaries" in result.notes[0]
    assert result.made is None, "they are no rows that have to win"


def test_canaries_are_natural_rows_that_the_seed_gives() -> None:
    made = canaries(TASK, 16, seed=5)
    assert made == canaries(TASK, 16, seed=5) != canaries(TASK, 16, seed=6)
    assert len({one.answer for one in made}) == len({one.text for one in made}) == 16
    for one in made:
        assert one.answer in one.context
        assert not any(word in one.text + one.without for word in one.answer.split())
    assert canaries(Task(kind="classification", instruction="Sort.", labels=("a", "b")), 4, 0) == []


def test_exposure_is_eight_bits_for_the_likeliest_and_one_and_a_half_by_chance() -> None:
    assert (exposure(1), exposure(len(SECRETS))) == (8, 0)
    draw = random.Random(0)
    drawn = [exposure(draw.randrange(len(SECRETS)) + 1) for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(1.41, abs=0.05)


def test_where_nothing_was_planted_or_nothing_tells_likelihoods_it_is_not_measured(tuned: tuple[Step, Tuned]) -> None:
    step, result = tuned
    with pytest.raises(NotMeasured, match="planted"):
        tried(result.proposed, None, step)
    remote = result.proposed.model_copy(
        update={"runtime": Runtime(engine="openai", url="http://127.0.0.1:9"), "adapter": None}
    )
    with pytest.raises(NotMeasured, match="log-likelihoods"):
        tried(remote, result.canaries, step)
