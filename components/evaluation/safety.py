"""Running the checks on an application and on the same one with the base model's weights: before, after, worsening."""

import time

from components.application import Answer, answering
from components.core import Candidate, Dataset, Evidence, Frozen, Ledger, Metric, Split, Step, Task, progress, read_jsonl
from components.measure import examples, of_two_means
from components.measure.item_figures import ItemFigures
from components.measure.item_figures import joined as joined_figure
from components.text.language import ENGLISH_ONLY, is_english

from .check import Check, Checked, CheckResult, NotApplicable, NotMeasured, Outcome, Subject, kept
from .checks import CHECKS


class Safety(Frozen):
    """Checks of one application. `unmeasured`, `inapplicable`: check → why."""

    checked: dict[str, Checked]
    unmeasured: dict[str, str]
    inapplicable: dict[str, str] = {}


class CheckDetail(Frozen):
    """What stands behind a check's figures. `tables`, `beside` and `beside_items` are by "before" and "after"."""

    shows: str
    licence: str
    tables: dict[str, str]
    """Objects with `outcomes.jsonl`: each item, its answer, and whether it failed."""
    beside: dict[str, dict[str, Metric]] = {}
    beside_items: dict[str, str] = {}
    """Objects with `beside.json`: the values that the figures of `beside` follow from."""
    notes: tuple[str, ...] = ()


class Checking(Frozen):
    """What is asked of every application of a run."""

    task: Task
    primary: str
    dataset: Dataset
    counts: dict[str, int]
    """Check → items; 0 leaves it out."""
    first: dict[str, int] = {}
    """Check → items that were asked before; `counts` are then those that are asked besides."""
    seed: int = 0
    canaries: Split | None = None
    """What tuning planted."""
    trained: bool = True
    """Whether the weights that are checked are others than those of the model as it came."""


def check(candidate: Candidate, evidence: Evidence | None, checking: Checking, step: Step) -> Safety:
    """Every wanted check of `candidate`, done once for an equal one (`Step.memo`).

    evidence: what it said on test, which is then not asked again
    """
    table = examples(evidence, step.store) if evidence else []
    answers = [Answer.of(row) for row in table]
    checked, unmeasured, inapplicable = {}, {}, {}
    with answering(candidate, step.store, step.machine, answers) as answer:
        wanted = {name: count for name, count in checking.counts.items() if count}
        for name, count in progress(list(wanted.items()), "safety checks"):
            subject = Subject(
                candidate,
                answer,
                table,
                checking.task,
                checking.primary,
                checking.dataset,
                count,
                checking.seed,
                step,
                checking.canaries,
                checking.trained,
                checking.first.get(name, 0),
            )
            try:
                if CHECKS[name].english_only and not is_english(checking.task.language):
                    raise NotMeasured(f"{ENGLISH_ONLY} (task.language is '{checking.task.language}')")
                checked[name] = _memo(name, subject, evidence)
            except NotApplicable as reason:
                inapplicable[name] = str(reason)
            except NotMeasured as reason:
                unmeasured[name] = str(reason)
    return Safety(checked=checked, unmeasured=unmeasured, inapplicable=inapplicable)


def _memo(name: str, subject: Subject, evidence: Evidence | None) -> Checked:
    one: Check = CHECKS[name]

    def make(inner: Step) -> Checked:
        split = subject.dataset.splits["test"]
        key = f"test read:{split.object}:{subject.candidate.digest}:{subject.step.key}"
        detail = {"split": split.object, "candidate": subject.candidate.digest, "label": subject.candidate.label}
        detail["step"] = subject.step.key
        ledger = Ledger(inner.workspace.ledger)  # a check may ask the rows of test: logged like every read of it
        ledger.once("test read", key, find=lambda: None, do=lambda: f"check {name}", detail=detail)
        start = time.perf_counter()
        result = one.find(subject)
        inner.measured["seconds"] = round(time.perf_counter() - start, 1)
        return kept(result, inner)

    inputs = [
        subject.candidate, subject.task, subject.primary, subject.dataset, subject.count, subject.seed,
        evidence.table if evidence else None, subject.canaries, subject.first,
    ]  # fmt: skip
    code = (f"components.evaluation.checks.{name}", "components.application.load")
    return subject.step.memo(f"check {name}", Checked, inputs, make, code=code)


def joined(before: Safety, more: Safety, step: Step) -> Safety:
    """Checks on the items of two looks; a check that had no more items is left as it was."""
    checked = {
        name: _joined(before.checked[name], one, step) for name, one in more.checked.items() if name in before.checked
    }
    return before.model_copy(update={"checked": {**before.checked, **checked}})


def _joined(one: Checked, more: Checked, step: Step) -> Checked:
    rows = [row for table in (one.table, more.table) for row in read_jsonl(step.store.file(table))]
    beside = [
        ItemFigures.model_validate_json(step.store.file(items).read_bytes()).root
        for items in (one.beside_items, more.beside_items)
        if items
    ]
    figures = dict(beside[0]) if beside else {}
    for name, figure in beside[1].items() if len(beside) > 1 else ():
        figures[name] = joined_figure(figures[name], figure) if name in figures else figure
    result = CheckResult(
        outcomes=tuple(Outcome.model_validate(row) for row in {row["id"]: row for row in rows}.values()),
        beside=figures,
        notes=tuple(dict.fromkeys((*one.notes, *more.notes))),
    )
    return kept(result, step)


def worsened(before: Safety | None, after: Safety, step: Step) -> dict[str, dict[str, Metric]]:
    """Check → after, and where the base was checked too: before, worsening (the paired change of the share that failed)."""
    changes = {}
    for name, second in after.checked.items():
        first = before.checked.get(name) if before else None
        changes[name] = {"after": second.failing}
        if first:
            changes[name] |= {"before": first.failing, "worsening": worsening(first.table, second.table, step)}
    return changes


def worsening(before: str, after: str, step: Step) -> Metric:
    """The change of the share that failed, paired over the items that both tables hold."""
    first, second = ({row["id"]: row["failed"] for row in read_jsonl(step.store.file(table))} for table in (before, after))
    both = [item for item in first if item in second]
    return of_two_means([first[item] for item in both], [second[item] for item in both], lambda one, two: two - one)


def details(before: Safety | None, after: Safety) -> dict[str, CheckDetail]:
    """Check → what stands behind its figures."""
    by_check = {}
    for name, second in after.checked.items():
        both = {"after": second}
        if before and name in before.checked:
            both = {"before": before.checked[name], **both}
        by_check[name] = CheckDetail(
            shows=CHECKS[name].shows,
            licence=CHECKS[name].licence,
            tables={when: one.table for when, one in both.items()},
            beside={when: one.beside for when, one in both.items() if one.beside},
            beside_items={when: one.beside_items for when, one in both.items() if one.beside_items},
            notes=second.notes,
        )
    return by_check
