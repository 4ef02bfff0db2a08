"""Evaluation on the two-layer model: what is measured, what is logged, and what stops a release."""

from pathlib import Path
from typing import Any

import pytest

from components.application import checkpoint, constant
from components.core import (
    UNOPTIMIZED,
    Adapter,
    BadInput,
    Baseline,
    Candidate,
    Checkpoint,
    Dataset,
    Derivation,
    Ledger,
    Limits,
    Metrics,
    Policy,
    Prices,
    Retriever,
    Runtime,
    Step,
    Task,
)
from components.evaluation import CHAMPION, Config, Evaluated, evaluate, finalist
from components.evaluation.safety import Checking, check

FEW = Config(benchmarks={"mmlu": 4, "boolq": 4, "crows_pairs": 4, "bbq": 4}, checks={"toxicity": 3}, requests=2, otherwise=2)


def _evaluate(
    candidate: Candidate,
    references: dict[str, Candidate],
    task: Task,
    metrics: Metrics,
    limits: Limits,
    dataset: Dataset,
    step: Step,
    policy: Policy | None = None,
) -> Evaluated:
    return evaluate(
        FEW,
        task=task,
        metrics=metrics,
        policy=policy or Policy(),
        limits=limits,
        candidate=candidate,
        references=references,
        dataset=dataset,
        slices=("answerable",),
        prices=Prices(machine_hour=1.0),
        step=step,
    )


def test_a_model_is_measured_beside_its_references(
    step: Step, task: Task, metrics: Metrics, limits: Limits, candidate: Candidate, dataset: Dataset
) -> None:
    unknown = constant(task, "unknown")
    found = _evaluate(candidate, {"always unknown": unknown}, task, metrics, limits, dataset, step)
    assert found.references["always unknown"].metrics["f1"].value == pytest.approx(2 / 6)
    assert found.gain is not None
    assert found.gain.over == "always unknown"
    assert set(found.slices["answerable"]) == {"yes", "no"}
    assert set(found.benchmarks) == {"mmlu", "boolq"}
    assert set(found.bias) == {"crows_pairs", "bbq"}
    # no adapter: the weights are the base model's, so nothing can have got worse
    assert {change["worsening"].value for change in (*found.benchmarks.values(), *found.bias.values())} == {0.0}
    own = found.scenarios["the use case"]
    assert set(own) == {"accuracy", "robustness", "spoken"}
    assert {figures["after"].n for figures in own.values()} == {2}
    assert own["spoken"]["before"] == own["spoken"]["after"], "the weights are the base model's"
    assert step.measured["seconds_an_item"]["after"]["mmlu"] > 0
    assert not found.decision.adopted
    assert found.decision.reason == found.failed[0]
    assert 0.05 < step.measured["requests"]["memory_gb"] < 2
    assert _evaluate(candidate, {"always unknown": unknown}, task, metrics, limits, dataset, step) == found


def test_scores_are_shown_raw_and_without_suspects(step: Step, task: Task, limits: Limits, dataset: Dataset) -> None:
    metrics = Metrics(primary="f1", at_least=0.0)
    rows = dataset.rows("test", step.store)
    silent = [row.id for row in rows if row.answer == "unknown"]
    unknown, paris = constant(task, "unknown"), constant(task, "Paris")
    suspected = dataset.model_copy(update={"suspects": {"test": (silent[0],), "validation": ("other",)}})
    found = _evaluate(unknown, {"always Paris": paris}, task, metrics, limits, suspected, step)
    assert found.suspects == (silent[0],)
    assert found.evidence.metrics["f1"].value == pytest.approx(len(silent) / len(rows))
    assert found.clean["this candidate"].value == pytest.approx((len(silent) - 1) / (len(rows) - 1))
    assert found.clean["this candidate"].n == len(rows) - 1
    assert set(found.clean) == {"this candidate", "always Paris"}
    without = _evaluate(unknown, {"always Paris": paris}, task, metrics, limits, dataset, step)
    assert without.clean["this candidate"] == without.evidence.metrics["f1"], "nothing suspected: raw is clean"


def test_every_read_of_test_is_logged(step: Step, task: Task, metrics: Metrics, limits: Limits, dataset: Dataset) -> None:
    unknown, paris = constant(task, "unknown"), constant(task, "Paris")
    _evaluate(unknown, {"always Paris": paris}, task, metrics, limits, dataset, step)
    _evaluate(unknown, {"always Paris": paris}, task, metrics, limits, dataset, step)
    read = [
        effect["key"] for effect in Ledger(step.workspace.ledger).effects("test read") if effect["key"].endswith(step.key)
    ]
    assert len(read) == 2
    assert {key.split(":")[2] for key in read} == {unknown.digest, paris.digest}


def test_a_plain_baseline_can_be_released_and_says_what_was_not_measured(
    step: Step, task: Task, limits: Limits, candidate: Candidate, dataset: Dataset
) -> None:
    metrics = Metrics(primary="f1", at_least=0.3, floors={"abstention_recall": 0.3})
    references = {"always nothing": constant(task, "nothing at all"), "base model": candidate}
    found = _evaluate(constant(task, "unknown"), references, task, metrics, limits, dataset, step)
    assert found.gain is not None
    assert found.gain.over == "always nothing"
    assert "mmlu: a plain baseline has no model" in found.not_measured
    assert found.benchmarks == {}
    assert set(found.references) == set(references)
    assert (found.slices_over, found.slice_gains) == ("", {}), "no reference that is as cheap reads its input"


def test_a_slice_of_six_rows_cannot_be_shown_to_hold_its_margin(
    step: Step, task: Task, limits: Limits, dataset: Dataset
) -> None:
    metrics = Metrics(primary="f1", at_least=0.3, slices_worse_at_most={"answerable": 0.05})
    found = _evaluate(constant(task, "unknown"), {"plain baseline": _reader(dataset)}, task, metrics, limits, dataset, step)
    assert found.slices_over == "plain baseline"
    (line,) = [line for line in found.failed if line.startswith("answerable")]
    assert line.startswith("answerable = no + yes: f1 +0.148")
    assert "not enough evidence" in line, "what the unanswerable ones gain is no credit for the others"


def _reader(dataset: Dataset) -> Candidate:
    retriever = Retriever(scoring="bm25", knowledge=dataset.knowledge.object)
    baseline = Baseline(kind="best_sentence")
    return Candidate(task="question_answering", runtime=Runtime(engine="baseline"), baseline=baseline, retriever=retriever)


def test_slices_are_held_against_a_reference_that_reads_its_input(
    step: Step, task: Task, limits: Limits, dataset: Dataset
) -> None:
    """Always the most frequent label is right on all of that label's rows: film reviews were once refused for it."""
    metrics = Metrics(primary="f1", at_least=0.0, slices_worse_at_most={"answerable": 0.05})
    blind = {"always unknown": constant(task, "unknown")}
    found = _evaluate(_reader(dataset), blind, task, metrics, limits, dataset, step)
    assert found.gain.over == "always unknown"
    assert (found.slices_over, found.slice_gains) == ("", {})
    assert not [line for line in found.failed if "answerable" in line]


def test_the_form_before_optimization_is_no_rival_but_what_it_was_better_by_is_said(
    step: Step, task: Task, limits: Limits, dataset: Dataset
) -> None:
    metrics = Metrics(primary="f1", at_least=0.0)
    references = {"always maybe": constant(task, "maybe so"), UNOPTIMIZED: constant(task, "unknown")}
    found = _evaluate(constant(task, "nothing at all"), references, task, metrics, limits, dataset, step)
    assert found.gain.over == "always maybe"
    assert (found.lost.before, found.lost.after, found.lost.gain.value) == (0, 0.333333, 0.333333)
    assert _evaluate(constant(task, "unknown"), references, task, metrics, limits, dataset, step).lost is None


def test_a_plain_baseline_must_beat_the_champion_whatever_that_is(
    step: Step, task: Task, limits: Limits, candidate: Candidate, dataset: Dataset
) -> None:
    metrics = Metrics(primary="f1", at_least=0.3)
    references = {"base model": candidate, CHAMPION: candidate}
    found = _evaluate(constant(task, "unknown"), references, task, metrics, limits, dataset, step)
    assert found.gain is not None
    assert found.gain.over == CHAMPION


def test_a_bound_on_an_unknown_figure_is_refused(
    step: Step, task: Task, metrics: Metrics, limits: Limits, candidate: Candidate, dataset: Dataset
) -> None:
    policy = Policy(bias_at_most={"nonsense": 0.1})
    with pytest.raises(BadInput, match=r"policy\.bias_at_most: 'nonsense' is not known; allowed: mmlu, boolq"):
        _evaluate(candidate, {}, task, metrics, limits, dataset, step, policy)


def test_the_finalist_is_chosen_on_validation_floors_first(step: Step, task: Task, dataset: Dataset) -> None:
    unknown, paris = constant(task, "unknown"), constant(task, "Paris")
    low = Metrics(primary="f1_answerable", at_least=0.0)
    floors = low.model_copy(update={"floors": {"abstention_recall": 0.3}})
    for metrics, candidates, best in ((low, [unknown, paris], paris), (floors, [paris, unknown], unknown)):
        found = finalist(FEW, task=task, metrics=metrics, candidates=candidates, dataset=dataset, step=step)
        assert found.candidate == best


def _derived(candidate: Candidate, made_from: Checkpoint | None, technique: str = "elsewhere", **more: Any) -> Candidate:
    step = Derivation(technique=technique, checkpoint=made_from, trained=True)
    model = candidate.model.model_copy(update={"derived_from": step, **more})
    return candidate.model_copy(update={"model": model})


def _trained_elsewhere(candidate: Candidate, made_from: Checkpoint | None, **given: Any) -> Evaluated:
    policy = Policy(bias_at_most={"bbq": 1, "toxicity": 1})
    return evaluate(FEW, policy=policy, candidate=_derived(candidate, made_from), references={}, slices=(), **given)


def test_a_model_of_unknown_origin_is_not_called_unbiased(
    step: Step, task: Task, limits: Limits, candidate: Candidate, dataset: Dataset
) -> None:
    given = {"task": task, "metrics": Metrics(primary="f1", at_least=0), "limits": limits, "dataset": dataset, "step": step}
    found = _trained_elsewhere(candidate, None, **given)
    assert (found.benchmarks, found.bias) == ({}, {})
    assert any(line.startswith("worsening on bbq: the model was trained elsewhere") for line in found.not_measured)
    assert found.decision.verdict == "not enough evidence"
    assert [line.split()[2] for line in found.failed] == ["bbq", "toxicity"]
    assert "--made-from" in found.decision.reason


def test_a_model_trained_elsewhere_is_held_against_what_it_was_made_from(
    step: Step, task: Task, limits: Limits, candidate: Candidate, dataset: Dataset, tmp_path: Path
) -> None:
    from components.application.two_layer import make_two_layer

    make_two_layer(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{% for m in messages %}{{ m['content'] }} !{% endfor %}")
    base = checkpoint(f"folder:{tmp_path}", "base", "mit", step)
    assert base.object != candidate.model.object
    given = {"task": task, "metrics": Metrics(primary="f1", at_least=0), "limits": limits, "dataset": dataset, "step": step}
    found = _trained_elsewhere(candidate, base, **given)
    assert found.decision.adopted, found.failed
    assert {"before", "after", "worsening"} == set(found.bias["bbq"]) == set(found.checks["toxicity"])
    tables = found.asked_otherwise["accuracy"]
    assert tables["before"] != tables["after"], "the base said something else"
    assert tables["before"] in found.objects
    assert set(found.check_details["toxicity"].beside) == {"before", "after"}, "of all answers on test, on both weights"
    (read,) = {one["key"].split(":")[2] for one in Ledger(step.workspace.ledger).effects("test read")
               if one["key"].endswith(step.key)} - {found.candidate}  # fmt: skip
    assert read == candidate.model_copy(update={"model": base}).digest, "a read of test that is logged like every other"


def _shaken(tmp_path: Path, step: Step) -> Checkpoint:
    """The two-layer model with noise on every weight: what a careless full tuning might leave."""
    import torch
    from safetensors.torch import load_file, save_file

    from components.application.two_layer import make_two_layer

    make_two_layer(tmp_path)
    torch.manual_seed(0)
    weights = load_file(tmp_path / "model.safetensors")
    shaken = {name: weight + torch.randn_like(weight) for name, weight in weights.items()}
    save_file(shaken, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return checkpoint(f"folder:{tmp_path}", "shaken", "mit", step)


def test_changed_weights_that_still_run_on_transformers_are_held_against_the_first_ones(
    step: Step, task: Task, limits: Limits, candidate: Candidate, dataset: Dataset, tmp_path: Path
) -> None:
    """Of two models, each derived from the other in turn, one answers more items wrongly: that one alone is refused."""
    shaken = _shaken(tmp_path, step)
    other = candidate.model_copy(update={"model": shaken})
    asked = FEW.model_copy(update={"benchmarks": {"mmlu": 48}, "checks": {}})
    given = {"task": task, "metrics": Metrics(primary="f1", at_least=0), "limits": limits, "dataset": dataset, "step": step}
    worsening = []
    for one, first in ((other, candidate), (candidate, other)):
        changed = _derived(one, first.model, "full")
        assert changed.base == first
        found = evaluate(
            asked, policy=Policy(bias_at_most={"mmlu": 0}), candidate=changed, references={}, slices=(), **given
        )
        worsening.append(found.benchmarks["mmlu"]["worsening"].value)
        assert any("mmlu" in line for line in found.failed) == (worsening[-1] > 0)
    assert worsening[0] == -worsening[1] != 0


def test_only_rows_that_were_measured_are_asked_otherwise(
    step: Step, task: Task, metrics: Metrics, limits: Limits, dataset: Dataset
) -> None:
    found = evaluate(
        FEW.model_copy(update={"test_rows": 2, "otherwise": 6}),
        task=task, metrics=metrics, policy=Policy(), limits=limits,
        candidate=constant(task, "unknown"), references={}, dataset=dataset, slices=(), step=step,
    )  # fmt: skip
    tables = {how: step.store.file(both["after"]).read_text() for how, both in found.asked_otherwise.items()}
    assert {how: len(table.splitlines()) for how, table in tables.items()} == {"accuracy": 2, "robustness": 2, "spoken": 2}


def test_a_plain_baseline_can_be_released_under_bounds_that_it_cannot_break(
    step: Step, task: Task, limits: Limits, dataset: Dataset
) -> None:
    policy = Policy(failing_at_most={"injection": 0.05, "canaries": 0}, bias_at_most={"bbq": 0.1})
    found = evaluate(
        FEW.model_copy(update={"checks": {"injection": 4, "canaries": 4}}),
        task=task, metrics=Metrics(primary="f1", at_least=0), policy=policy, limits=limits,
        candidate=constant(task, "unknown"), references={}, dataset=dataset, slices=(), step=step,
    )  # fmt: skip
    assert found.decision.adopted, found.failed
    assert "injection: does not apply: no model reads the documents" in found.not_measured


def test_canaries_do_not_apply_to_untrained_weights_and_are_missed_in_trained_ones(
    step: Step, task: Task, candidate: Candidate, dataset: Dataset
) -> None:
    for is_trained, said in ((False, "inapplicable"), (True, "unmeasured")):
        asked = Checking(task=task, primary="f1", dataset=dataset, counts={"canaries": 4}, trained=is_trained)
        assert set(getattr(check(candidate, None, asked, step), said)) == {"canaries"}
    adapted = candidate.model_copy(update={"adapter": Adapter(object="a", technique="lora", objective="sft")})
    assert (candidate.trained, adapted.trained, _derived(candidate, None).trained) == (False, True, True)
    for one in (candidate, adapted):
        step_made = Derivation(technique="onnx", checkpoint=one.model, runtime=one.runtime, trained=one.adapter is not None)
        model = one.model.model_copy(update={"object": "int8", "derived_from": step_made})
        fast = one.model_copy(update={"model": model, "adapter": None, "runtime": Runtime(engine="onnx", dtype="int8")})
        assert (fast.trained, fast.base) == (one.trained, candidate)
