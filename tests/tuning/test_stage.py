"""tune and align on the two-layer model: what comes out runs, and is kept only where it measures better."""

import json
import re

import pytest

from components.application import load
from components.core import SIMULATED, BadInput, Comparison, Decision, Metric, Quoted, Runtime
from components.tuning import align, tune
from components.tuning.deciding import _mending
from components.tuning.judging import calibrated
from components.tuning.preferences import usable
from components.tuning.stage import too_long
from components.tuning.supervised import training_rows
from tests.tuning.small import CONFIG, METRICS, TASK, new_step, put, small_candidate, small_dataset


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    step = new_step(tmp_path_factory.mktemp("stage"))
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    result = tune(CONFIG, task=TASK, metrics=METRICS, candidate=candidate, dataset=dataset, step=step)
    return step, dataset, candidate, result


def test_what_is_proposed_is_a_runnable_candidate(tuned):
    step, dataset, _, result = tuned
    rows = dataset.rows("validation", step.store)
    with load(result.proposed, step.store, step.machine) as application:
        assert [answer.id for answer in application.answer(rows)] == [row.id for row in rows]


def test_an_untrained_model_that_gains_nothing_is_not_adopted(tuned):
    _, _, candidate, result = tuned
    assert result.decision.comparison.before == result.decision.comparison.after == 0
    assert not result.decision.adopted
    assert result.candidate == candidate
    assert result.made is None


def test_result_is_sealable_and_timings_stay_outside(tuned):
    step, _, _, result = tuned
    content = json.loads(result.model_dump_json())
    assert "seconds" not in json.dumps(content)
    assert step.measured["training"]["tokens_per_second"] > 0
    assert all(step.store.has(digest) for digest in result.objects)


def test_tuning_twice_gives_the_same_candidate(tuned, tmp_path):
    _, _, _, result = tuned
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    again = tune(CONFIG, task=TASK, metrics=METRICS, candidate=small_candidate(dataset, step), dataset=dataset, step=step)
    assert again.digest == result.digest


def test_alignment_trains_on_pairs(tuned):
    step, dataset, _, result = tuned
    rows = [
        {
            "id": f"f{i}",
            "text": f"when was fair {i} opened",
            "passages": [{"id": "p0", "text": "The fair of Paris was opened in the year 1900 ."}],
            "chosen": "1900",
            "rejected": "the mayor of Paris",
            "simulated": True,
            "source": SIMULATED,
        }
        for i in range(6)
    ]
    pairs = put(step, "pairs", rows)
    aligned = align(
        CONFIG, task=TASK, metrics=METRICS, candidate=result.proposed, pairs=pairs, source_share=0.25,
        dataset=dataset, step=new_step(step.workspace.root, "align"),
    )  # fmt: skip
    assert aligned.proposed.adapter.objective == "dpo"
    assert aligned.proposed.adapter.object != result.proposed.adapter.object
    assert "6 preference pairs (simulated: 6; of any one source: 0)" in aligned.notes[0]


def test_the_abstention_of_quoted_answers_is_set_on_validation(tuned):
    step, dataset, _, result = tuned
    quoted = result.proposed.model_copy(update={"quoted": Quoted()})
    floored = METRICS.model_copy(update={"floors": {"abstention_recall": 0.9}})
    settings = {"task": TASK, "candidate": quoted, "dataset": dataset, "step": step}
    never, _ = calibrated(CONFIG, metrics=METRICS.model_copy(update={"floors": {}}), **settings)
    often, derived = calibrated(CONFIG, metrics=floored, **settings)
    assert never.quoted.abstain_bias < often.quoted.abstain_bias
    rows = dataset.rows("validation", step.store)
    with load(often, step.store, step.machine) as application:
        answers = application.answer(rows)
    said = {row.answer: answer.text for row, answer in zip(rows, answers, strict=True)}
    assert said["unknown"] == "unknown"
    # what is derived from the one pass without abstaining is what the candidate says when it is asked
    assert {answer.id: answer.text for answer in derived} == {answer.id: answer.text for answer in answers}


def test_corrections_that_quoted_answers_cannot_give_are_left_out(tuned):
    step, _, _, result = tuned
    quoted = result.proposed.model_copy(update={"quoted": Quoted()})
    text = "The fair of Lima was opened in the year 1901 by Earth ' s mayor ."
    row = {"id": "a", "text": "when", "passages": [{"id": "p1", "text": text}], "rejected": "x", "simulated": True}
    chosen = ["1901", "Earth's mayor", "in 1755", "unknown"]
    pairs = put(step, "open", [{**row, "chosen": answer} for answer in chosen])
    assert [found["chosen"] for found in usable(quoted, pairs, step)] == ["1901", "Earth's mayor", "unknown"]
    assert len(usable(result.proposed, pairs, step)) == 4


def test_without_an_adapter_there_is_nothing_to_align(tuned):
    step, dataset, candidate, _ = tuned
    pairs = put(step, "pairs", [])
    settings = {"task": TASK, "metrics": METRICS, "pairs": pairs, "source_share": 0.25, "dataset": dataset, "step": step}
    kept = align(CONFIG, candidate=candidate, **settings)
    assert kept.decision.verdict == "keep"
    assert "no adapter" in kept.decision.reason


def test_rows_that_are_all_too_long_are_not_tuned_on(tuned):
    step, dataset, candidate, _ = tuned
    short = CONFIG.model_copy(update={"max_tokens": 16})
    found = tune(short, task=TASK, metrics=METRICS, candidate=candidate, dataset=dataset, step=step)
    assert found.candidate == candidate
    assert "too long" in found.decision.reason
    assert "max_tokens" in found.decision.reason


def test_where_many_rows_are_too_long_the_stage_says_how_long_would_do(tuned):
    step, dataset, candidate, _ = tuned
    given = {"task": TASK, "candidate": candidate, "dataset": dataset}
    rows = training_rows(CONFIG, **given, with_made=False, step=new_step(step.workspace.root, "rows"))
    most = sorted(rows.lengths)[len(rows.lengths) // 2]
    short = CONFIG.model_copy(update={"max_tokens": most, "epochs": 0.2})
    found = tune(short, **given, metrics=METRICS, step=new_step(step.workspace.root, "short"))
    left_out, enough = sum(length > most for length in rows.lengths), sorted(rows.lengths)[-len(rows.lengths) // 10]
    assert left_out > len(rows.lengths) / 10
    note = f"{left_out} of {len(rows.lengths)} training rows are longer than tuning.max_tokens ({most}) and were left out: "
    assert note + f"{enough} would keep nine of ten" in found.notes
    assert not any("would keep" in note for note in tuned[-1].notes)
    assert too_long([5] * 9 + [9], 8) == [], "one of ten is no loss to speak of"


def test_a_training_that_diverges_keeps_the_candidate_and_says_what_to_do(tuned):
    step, dataset, candidate, _ = tuned
    wild = CONFIG.model_copy(update={"technique": "full", "own": {}, "learning_rate": 1.0, "epochs": 12})
    found = tune(
        wild, task=TASK, metrics=METRICS, candidate=candidate, dataset=dataset, step=new_step(step.workspace.root, "wild")
    )
    assert (found.candidate, found.proposed, found.decision.verdict) == (candidate, None, "keep")
    assert re.search(r"diverged by step \d+ of \d+ at learning rate .*tuning\.learning_rate", found.decision.reason)


def test_a_setting_that_does_not_fit_names_its_key(tuned):
    step, dataset, candidate, _ = tuned
    config = CONFIG.model_copy(update={"own": {"modules": ("query",)}})
    with pytest.raises(BadInput, match="modules"):
        tune(config, task=TASK, metrics=METRICS, candidate=candidate, dataset=dataset, step=step)


def test_a_mended_floor_is_adopted_unless_the_primary_metric_falls():
    gain = {"metric": "f1", "over": "x", "before": 0.3, "after": 0.31}
    open_case = Decision(
        verdict="not enough evidence", reason="r", comparison=Comparison(**gain, gain=Metric(value=0.01, low=-0.1, high=0.1))
    )
    assert _mending(open_case, ["abstention_recall"], []).adopted
    assert not _mending(open_case, ["abstention_recall"], ["abstention_recall"]).adopted
    assert not _mending(open_case, [], []).adopted
    worse = open_case.model_copy(update={"comparison": Comparison(**gain, gain=Metric(value=-0.01))})
    assert not _mending(worse, ["abstention_recall"], []).adopted


def test_a_hosted_model_is_not_tuned(tuned):
    step, dataset, candidate, _ = tuned
    hosted = candidate.model_copy(update={"runtime": Runtime(engine="openai")})
    kept = tune(CONFIG, task=TASK, metrics=METRICS, candidate=hosted, dataset=dataset, step=step)
    assert (kept.decision.verdict, kept.candidate) == ("keep", hosted)
    assert "runs on engine 'openai'" in kept.decision.reason
