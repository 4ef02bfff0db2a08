"""The frame of safety checks, on applications that are planted to pass or to fail them."""

import pytest

from components.application import constant
from components.core import BadInput, Candidate, Dataset, Evidence, Ledger, Limits, Metrics, Policy, Step, Task, parse
from components.evaluation import Config, Evaluated, evaluate
from components.evaluation.check import Check, Outcome, Subject
from components.evaluation.checks import CHECKS
from components.evaluation.promotion import check_bounds
from components.evaluation.safety import Checking, check, details, worsened
from components.measure import measure

RUDE = "You stupid piece of shit, shut up"
FEW = Config(benchmarks={}, checks={"toxicity": 3}, requests=2)


def _checking(task: Task, dataset: Dataset, count: int = 4) -> Checking:
    return Checking(task=task, primary="f1", dataset=dataset, counts={"toxicity": count})


def _released(candidate: Candidate, policy: Policy, task: Task, limits: Limits, dataset: Dataset, step: Step) -> Evaluated:
    return evaluate(
        FEW, task=task, metrics=Metrics(primary="f1", at_least=0), policy=policy, limits=limits, candidate=candidate,
        references={}, dataset=dataset, slices=(), step=step,
    )  # fmt: skip


def test_each_file_is_a_check_that_says_what_it_shows() -> None:
    for name, one in CHECKS.items():
        assert isinstance(one, Check), name
        assert one.shows
        assert one.licence


def test_a_worsening_is_paired_over_the_items_and_each_item_can_be_reviewed(
    step: Step, task: Task, dataset: Dataset
) -> None:
    quiet, rude = (
        check(constant(task, text), None, _checking(task, dataset), step) for text in ("the king of England", RUDE)
    )
    change = worsened(quiet, rude, step)["toxicity"]
    assert (change["before"].value, change["after"].value, change["worsening"].value) == (0, 1, 1)
    assert worsened(rude, quiet, step)["toxicity"]["worsening"].value == -1
    assert set(worsened(None, rude, step)["toxicity"]) == {"after"}
    detail = details(quiet, rude)["toxicity"]
    lines = step.store.file(detail.tables["after"]).read_text().splitlines()
    assert len(lines) == change["after"].n == 8
    assert all(Outcome.model_validate_json(line).failed and RUDE in line for line in lines)


def test_a_check_is_done_once_and_comes_out_equal(step: Step, task: Task, dataset: Dataset) -> None:
    rude = constant(task, RUDE)
    first = check(rude, None, _checking(task, dataset), step)
    sealed = len(step.store.seals())
    assert check(rude, None, _checking(task, dataset), step) == first
    assert len(step.store.seals()) == sealed
    assert check(rude, None, _checking(task, dataset, 5), step) != first


def test_what_was_answered_on_test_is_not_asked_again(
    step: Step, task: Task, candidate: Candidate, dataset: Dataset
) -> None:
    asked = []
    candidate = candidate.model_copy(update={"abstain": "nobody knows"})  # no other test has measured this one

    def answer(rows):
        from components.application import Answer

        asked.extend(rows)
        return [Answer(id=row.id, text=RUDE) for row in rows]

    evidence: Evidence = measure(candidate, answer, dataset.splits["test"], task, step)
    found = check(candidate, evidence, _checking(task, dataset, 3), step).checked["toxicity"]
    lines = [Outcome.model_validate_json(line) for line in step.store.file(found.table).read_text().splitlines()]
    assert [line.failed for line in lines if line.detail["kind"] == "own question"] == [1, 1, 1]
    assert found.beside["of all answers on test"].n == len(asked) == 6


def test_a_check_that_reads_test_is_logged(step: Step, task: Task, dataset: Dataset) -> None:
    one = constant(task, "logged")
    check(one, None, _checking(task, dataset), step)
    keys = [effect["key"] for effect in Ledger(step.workspace.ledger).effects("test read")]
    assert len([key for key in keys if one.digest in key]) == 1


@pytest.mark.parametrize(("bound", "stops"), [(0.05, True), (1.0, False)])
def test_too_many_failed_items_stop_a_release(
    bound: float, stops: bool, step: Step, task: Task, limits: Limits, dataset: Dataset
) -> None:
    policy = Policy(failing_at_most={"toxicity": bound})
    found = _released(constant(task, RUDE), policy, task, limits, dataset, step)
    assert found.decision.adopted is not stops
    assert (found.failed == ("toxicity: 1.000 of 6 items fail, over the bound of 0.05",)) is stops
    assert "worsening on toxicity: there is no base model to compare with" in found.not_measured
    assert found.check_details["toxicity"].tables["after"] in found.objects


def test_what_is_bounded_and_cannot_be_checked_is_no_pass(step: Step, limits: Limits, dataset: Dataset) -> None:
    labels = Task(kind="classification", instruction="Say which.", labels=("king", "river"))
    policy = Policy(failing_at_most={"toxicity": 0.5})
    found = evaluate(
        FEW, task=labels, metrics=Metrics(primary="accuracy", at_least=0), policy=policy, limits=limits,
        candidate=constant(labels, "king"), references={}, dataset=dataset, slices=(), step=step,
    )  # fmt: skip
    assert found.decision.verdict == "not enough evidence"
    assert found.decision.reason == "toxicity could not be checked, and the contract bounds it: answers are labels"
    assert "toxicity: answers are labels" in found.not_measured


def test_unknown_names_are_refused() -> None:
    with pytest.raises(BadInput, match=r"policy\.failing_at_most: 'mmlu' is not known; allowed: .*toxicity"):
        check_bounds(Policy(failing_at_most={"mmlu": 0.1}), {"mmlu": 8}, {})
    with pytest.raises(BadInput, match=r"policy\.bias_at_most bounds 'toxicity', but evaluation\.checks\.toxicity is 0"):
        check_bounds(Policy(bias_at_most={"toxicity": 0.1}), {}, {"toxicity": 0})
    with pytest.raises(BadInput, match=r"key 'checks'.*'manners' is not known; allowed: .*toxicity"):
        parse(Config, {"checks": {"manners": 3}}, "section 'evaluation'")


def test_an_application_can_be_asked_with_other_passages(
    step: Step, task: Task, candidate: Candidate, dataset: Dataset
) -> None:
    from components.application import Hit, answering

    with answering(candidate, step.store, step.machine) as answer:
        subject = Subject(candidate, answer, [], task, "f1", dataset, 2, 0, step)
        rows = subject.rows()[:2]
        found = subject.ask(rows, [[Hit(passage="x", text=f"Planted {i}", score=1.0)] for i in range(2)])
    assert [one.context for one in found] == [("Planted 0",), ("Planted 1",)]
