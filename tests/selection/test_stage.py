"""The bake-off: measured, repeatable, and honest about which side leads."""

from pathlib import Path

import pytest

from components.core import BadInput, Context, Machine, MachineFault, Policy, Step, parse
from components.selection import Config, Model, select

from .small import LIMITS, POLICY, documents, questions, step_in

MADE = Config(made=True, max_new_tokens=4)


def run(config: Config, folder: Path, make=questions, policy: Policy = POLICY, answers_per_month: float = 0):
    step = step_in(folder)
    task, metrics, dataset = make(step)
    given = {"task": task, "policy": policy, "limits": LIMITS, "metrics": metrics, "dataset": dataset, "step": step}
    return select(config, answers_per_month=answers_per_month, **given), step


def test_plain_baseline_leads_a_model_of_random_weights(tmp_path: Path) -> None:
    chosen, step = run(MADE, tmp_path)
    assert chosen.model
    assert chosen.model.model
    assert chosen.model.model.name == "two-layer"
    assert chosen.model.retriever
    assert "best_sentence leads" in chosen.decision.reason
    assert chosen.decision.verdict == "keep"
    assert chosen.metrics["plain f1_answerable"] > chosen.metrics["model f1_answerable"]
    assert all(step.store.has(digest) for digest in chosen.objects)
    assert [row["verdict"] for row in chosen.considered] == ["measured", "chosen"]


def test_a_repeated_run_in_another_workspace_has_the_same_digest(tmp_path: Path) -> None:
    first, second = (run(MADE, tmp_path / name)[0] for name in ("one", "two"))
    assert first.digest == second.digest


def test_summaries_have_a_bake_off_too(tmp_path: Path) -> None:
    chosen, _ = run(MADE, tmp_path, documents)
    assert chosen.plain.baseline
    assert chosen.plain.baseline.kind == "lead_sentences"


def test_when_no_model_passes_the_plain_baseline_goes_on_alone(tmp_path: Path) -> None:
    chosen, _ = run(Config(), tmp_path, policy=Policy(licences=("none",)))
    assert chosen.model is None
    assert set(chosen.rejected) == {row["name"] for row in chosen.considered[1:]}
    assert "goes on alone" in chosen.decision.reason


def test_a_hub_that_does_not_answer_is_a_fault_and_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the library tries six times, over 23 seconds
    with pytest.raises(MachineFault, match="no model hub is reachable"):
        run(Config(hub=True, models=("smollm2-360m-instruct",)), tmp_path)


def test_a_model_of_ones_own_joins_the_bake_off(tmp_path: Path) -> None:
    own = Model(name="own", source="made:two-layer", licence="mit", parameters=1000, context=2048, languages=("en",))
    chosen, _ = run(Config(models=("own", "whisper-tiny"), more=(own,), max_new_tokens=4), tmp_path)
    assert chosen.model
    assert list(chosen.rejected) == ["whisper-tiny"]


@pytest.mark.parametrize("given", [{"models": ["gpt-9"]}, {"endpoints": {"gpt-9": "http://127.0.0.1:9"}}])
def test_a_model_that_is_not_known_is_bad_input(given: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=rf"key '{next(iter(given))}': model 'gpt-9' is not known; allowed: .*smollm2"):
        parse(Config, given, "section 'selection'")


def test_production_or_research_changes_the_winner(tmp_path: Path) -> None:
    own = Model(name="own", source="made:two-layer", licence="mit", parameters=1000, context=2048, languages=("en",))
    study = own.model_copy(update={"name": "study", "use": "research"})
    config = Config(models=("study", "own"), more=(own, study), max_new_tokens=4)
    research, _ = run(config, tmp_path / "research", policy=Policy(use="research"))
    production, _ = run(config, tmp_path / "production")
    assert research.model is not None
    assert production.model is not None
    assert (research.model.model.name, production.model.model.name) == ("study", "own")
    assert "research only" in production.rejected["study"]


def test_a_model_that_could_not_give_the_answers_of_a_month_is_measured_and_not_chosen(tmp_path: Path) -> None:
    few, step = run(MADE, tmp_path, answers_per_month=10)
    assert few.model is not None
    (_, seconds) = sorted(step.measured["seconds_an_answer"].values())
    most = 0.5 * 30 * 24 * 3600 / seconds
    many, _ = run(MADE, tmp_path / "many", answers_per_month=most * 100)
    assert many.model is None
    assert many.considered[1]["figures"]
    assert "value.answers_per_month is" in str(many.considered[1]["reason"])
    assert any(note.startswith("two-layer is not chosen: ") for note in many.notes)


def test_a_context_that_a_model_cannot_reach_rejects_it_and_the_run_goes_on(tmp_path: Path) -> None:
    chosen, _ = run(MADE.model_copy(update={"context": Context(length=2048)}), tmp_path / "near")
    assert chosen.model is not None
    assert chosen.model.runtime.context == Context(length=2048)
    machine = Machine(memory_gb=0.5)
    step = step_in(tmp_path / "small")
    small = Step(step.key, step.scratch, step.workspace, machine)
    task, metrics, dataset = questions(small)
    config = MADE.model_copy(update={"context": Context(length=2048)})
    refused = select(config, task=task, policy=POLICY, limits=LIMITS, metrics=metrics, dataset=dataset, step=small)
    assert refused.model is None
    assert "2,048 tokens needs 0.8 GB in float32" in refused.rejected["two-layer"]
