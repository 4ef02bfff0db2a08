"""A search within a budget: what it tries, what may fail in it, what it sees, and that a killed one goes on."""

import itertools
from types import SimpleNamespace

import pytest
import torch

from components.application import checkpoint
from components.core import Candidate, Dataset, Runtime, Step, read_jsonl
from components.training import Diverged, trial_rows
from components.training.examples import tuned_prompt
from components.tuning import Config, Tuned, supervised, tune
from components.tuning import trial as trials
from components.tuning.search import halves
from components.tuning.trial import out_of_memory
from tests.tuning.small import CONFIG, new_step, put
from tests.tuning.test_made_rows import ACCURACY, EAGER, SORT, rows

TWO = {"techniques": ["lora", "ia3"]}


def world(step: Step) -> tuple[Candidate, Dataset]:
    """The two-layer model, and twelve rows that are all good."""
    splits = {"train": put(step, "train", rows("cow", 12, "good")), "validation": put(step, "v", rows("sheep", 8, "good"))}
    dataset = Dataset(splits=splits, provenance=put(step, "provenance", []).object)
    model = checkpoint("made:two-layer", "two-layer", "apache-2.0", step)
    prompt = tuned_prompt(SORT, context=False)
    return Candidate(
        task=SORT.kind, labels=SORT.labels, runtime=Runtime(engine="transformers"), model=model, prompt=prompt
    ), dataset


def tuned(root, key: str = "step", **changed) -> tuple[Step, Tuned]:
    step = new_step(root, key)
    candidate, dataset = world(step)
    config = Config.model_validate({**EAGER.model_dump(), **changed})
    return step, tune(config, task=SORT, metrics=ACCURACY, candidate=candidate, dataset=dataset, step=step)


@pytest.fixture
def a_second_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training of a trial takes one second by its clock."""
    ticks = itertools.count()
    monkeypatch.setattr(trials, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def budget(trainings: int) -> float:
    """Minutes for so many trainings of a second."""
    return trainings / 60


def fails(monkeypatch: pytest.MonkeyPatch, technique: str, error: BaseException) -> list[str]:
    """Trainings by `technique` raise `error`; returns the techniques that were trained, as it grows."""
    real, seen = supervised.train, []

    def train(config, *given, **more):
        seen.append(config.technique)
        if config.technique == technique:
            raise error
        return real(config, *given, **more)

    monkeypatch.setattr(supervised, "train", train)
    return seen


def test_the_first_trial_is_the_training_without_a_search_and_ends_whatever_the_time(tmp_path):
    step, found = tuned(tmp_path, minutes=0.0001)
    (one,) = found.trials
    _, plain = tuned(tmp_path / "plain")
    assert (one.technique, one.verdict, one.share, found.picked) == ("lora", "finished", 1.0, 0)
    assert found.proposed == plain.proposed
    assert step.measured["training"]["losses"] == plain_losses(tmp_path / "plain", one.steps)
    assert "trials of the search: 1 (1 finished) on 4 rows of validation" in found.notes[1]


def plain_losses(root, steps: int) -> list[float]:
    step, _ = tuned(root, "again")
    assert len(step.measured["training"]["losses"]) == steps
    return step.measured["training"]["losses"]


def test_the_clock_ends_it_and_what_is_best_on_its_rows_is_proposed(tmp_path, a_second_each):
    step, found = tuned(tmp_path, minutes=budget(12), search=TWO)
    spent = [one["seconds"] for one in step.measured["trials"]]
    assert spent[0] == 3
    assert 11 <= sum(spent) <= 12
    assert [one.technique for one in found.trials[:2]] == ["lora", "ia3"], "each at its own rate first"
    assert len({one.settings["learning_rate"] for one in found.trials}) == len(found.trials)
    assert [one.seed for one in found.trials] == list(range(len(found.trials)))
    whole = [one for one in found.trials if one.share == 1]
    assert found.trials[found.picked].figure.value == max(one.figure.value for one in whole)
    assert {one.verdict for one in found.trials} <= {"finished", "pruned", "out of time"}
    assert all(one.figure.n == 4 for one in found.trials if one.figure)
    assert all(step.store.has(digest) for digest in found.objects)
    row = trial_rows({"tuning": found.model_dump(mode="json")}, {"tuning": step.measured})[found.picked]
    assert (row["verdict"], row["seconds"], row["figure"]["n"]) == ("picked", spent[found.picked], 4)


def test_the_decision_is_made_on_rows_that_the_search_did_not_see(tmp_path, a_second_each):
    step, found = tuned(tmp_path, minutes=budget(5), search=TWO)
    searched = {row["id"] for one in found.trials if one.evidence for row in read_jsonl(step.store.file(one.evidence))}
    decided = {row["id"] for row in read_jsonl(step.store.file(found.evidence.table))}
    assert len(searched) == len(decided) == 4
    assert not searched & decided


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [
        (80, 200, (80, 80)),
        (None, 200, (100, 100)),
        (150, 200, (100, 100)),
        (80, 100, (50, 50)),
        (None, 5, (3, 2)),
        (8, 1, (1, 0)),
    ],
)
def test_validation_is_parted(tmp_path, asked, there, expected):
    split = put(new_step(tmp_path), "validation", rows("sheep", there, "good"))
    assert halves(CONFIG.model_copy(update={"validation_rows": asked}), split) == expected


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (MemoryError(), "out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "out of memory"),
        (Diverged("diverged by step 3 of 9: the loss is nan, which is no finite number"), "diverged"),
    ],
)
def test_a_trial_that_fails_is_one_row_and_not_the_end(tmp_path, monkeypatch, a_second_each, error, verdict):
    fails(monkeypatch, "ia3", error)
    _, found = tuned(tmp_path, minutes=budget(9), search=TWO)
    failed = [one for one in found.trials if one.technique == "ia3"]
    assert {(one.verdict, one.figure) for one in failed} == {(verdict, None)}
    assert all(one.reason for one in failed)
    assert found.trials[found.picked].technique == "lora"
    assert found.proposed is not None


def test_where_no_trial_finishes_the_candidate_stays_and_each_reason_is_said(tmp_path, monkeypatch, a_second_each):
    fails(monkeypatch, "lora", MemoryError("9 GB"))
    _, found = tuned(tmp_path, minutes=budget(2), search={"techniques": ["lora"]})
    assert (found.proposed, found.decision.verdict, len(found.trials)) == (None, "keep", 2)
    assert "trial 0 (lora) 9 GB; trial 1 (lora) 9 GB" in found.decision.reason


def test_another_error_ends_the_run(tmp_path, monkeypatch, a_second_each):
    fails(monkeypatch, "lora", RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        tuned(tmp_path, minutes=budget(2))


def test_memory_that_torch_does_not_get_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60)
    assert out_of_memory(refused.value)
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_a_killed_search_goes_on_to_the_trials_of_an_unbroken_one(tmp_path, monkeypatch, a_second_each):
    class Killed(BaseException):
        """In place of a signal."""

    asked = {"minutes": budget(10), "search": {**TWO, "choices": {"epochs": [2, 6]}}, "techniques": {}}
    _, unbroken = tuned(tmp_path / "unbroken", **asked)
    with monkeypatch.context() as patched:
        fails(patched, "ia3", Killed())
        with pytest.raises(Killed):
            tuned(tmp_path / "killed", **asked)
    seen = fails(monkeypatch, "none", Killed())
    _, resumed = tuned(tmp_path / "killed", **asked)
    assert seen[0] == "ia3", "the three trainings of the first trial are sealed"
    assert resumed.digest == unbroken.digest
    seen.clear()
    _, longer = tuned(tmp_path / "killed", "more minutes", **{**asked, "minutes": budget(13)})
    assert longer.trials[: len(resumed.trials) - 1] == resumed.trials[:-1], "the last one may have been out of time"
    assert 1 <= len(seen) <= 4


def test_a_rung_that_names_its_technique_searches_only_where_it_is_asked_to():
    config = Config.model_validate({"minutes": 5, "techniques": {"full": {"minutes": 2}}})
    assert (config.of(None).minutes, config.of("ia3").minutes, config.of("full").minutes) == (5, None, 2)
    assert config.of("full").search.techniques == ("full",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"search": {"techniques": ["lora"]}}, "'minutes', for how long, is not set"),
        ({"minutes": 1, "search": {"techniques": ["lorra"]}}, "technique 'lorra' is not known; allowed: bottleneck, dora"),
        ({"minutes": 1, "search": {"techniques": ["lora", "lora"]}}, "listed twice"),
        ({"minutes": 1, "search": {"learning_rate": [1, 0.1]}}, r"\[1.0, 0.1\] is no range"),
        ({"minutes": 1, "search": {"choices": {"rnk": [8]}}}, "'rnk' cannot be chosen; allowed: batch_rows, epochs"),
        ({"minutes": 1, "search": {"choices": {"rank": [8, 0]}}}, "key 'rank' of technique 'lora'.*found 0"),
        ({"minutes": 1, "search": {"choices": {"epochs": []}}}, "'epochs' is given no values"),
        ({"minutes": 0}, "greater than 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused_with_what_is_allowed(given, said):
    with pytest.raises(ValueError, match=said):
        Config.model_validate(given)
