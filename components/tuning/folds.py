"""Cross-fitting: what validation does not settle is decided on training rows too, each answered by a training without it.

The training rows are dealt into folds, and what was proposed is trained once more for each fold, on the rows of all others;
the result answers the fold (Stone 1974, "Cross-validatory choice and assessment of statistical predictions"). No row is
answered by what learned from it, so the rows of all folds decide beside those of validation, paired with the answers of the
candidate at hand. What is proposed stays the training on all rows: those of the folds saw fewer, and so promise less than
it holds, not more. The variance over folds has no unbiased estimator (Bengio and Grandvalet 2004, JMLR 5), so it is played
how often what is no better is adopted (bench/statistics_folds.py).

Rows of one passage, one conversation or one given text stay in one fold; its training reads neither those passages nor rows
that give the fold's away (text/leaks.py), made ones and practice rows among them. Both looks share the level
(measure/looks.py), and the second is paid for only where the first settles nothing. Not covered: pre-training, pseudo-labels
and other use cases' rows, which are trained on once.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from components.application import Answer, answering
from components.core import (
    Candidate,
    Dataset,
    Decision,
    Evidence,
    Frozen,
    Metrics,
    Row,
    Split,
    Step,
    Task,
    part,
    progress,
    read_passages,
    read_rows,
    write_jsonl,
)
from components.measure import compare, deciding_rows, examples, measure, pooled, settled
from components.tasks import kind_of
from components.text import apart
from components.text.leaks import Item, Leaks
from components.training import Diverged

from .judging import abstention_is_set, calibrated

if TYPE_CHECKING:
    from .stage import Config

CODE = ("components.tuning.folds",)
LEARNED = "the candidate at hand or its retriever has learned from the training rows"
Dealt = TypeVar("Dealt")


class Refit(NamedTuple):
    """How what is proposed can be trained again. candidate: whose weights are trained. with_made: beside the made rows"""

    candidate: Candidate
    with_made: bool


class Fold(Frozen):
    """What the training without a fold gave. evidence: on the rows of the fold that decide; None: `reason` says why."""

    evidence: Evidence | None = None
    reason: str = ""
    objects: tuple[str, ...] = ()


class Settled(NamedTuple):
    """note: "" where validation settled it. objects: what the folds made"""

    decision: Decision
    note: str
    objects: tuple[str, ...]


def settle(
    config: "Config",
    task: Task,
    metrics: Metrics,
    at_hand: Candidate,
    before: Evidence,
    after: Evidence,
    dataset: Dataset,
    refit: Refit,
    over: str,
    step: Step,
) -> Settled:
    """Whether what is proposed (`after`, on validation) is worth it over `at_hand` (`before`, on the same rows): by those
    rows, then by training rows too. One look where no training row may decide; the note says why."""
    every, more = _deciding(config, task, at_hand, refit, dataset, step)
    dealt, reason = _dealt(config, task, dataset, step) if more else ([], LEARNED)
    if reason:
        note = f"cross-fitting: not done, since {reason}"
        return Settled(compare(before, after, metrics, step.store, over=over), note, ())
    first = every.count - more
    found = list[Fold]()

    def measured(rows: int) -> tuple[Evidence, Evidence] | None:
        if rows == first:
            return before, after
        decide = {row.id for row in read_rows(every, step.store)[first:]}
        for number, rows_of_fold in enumerate(progress(dealt, "cross-fitting"), 1):
            found.append(_fold(config, task, metrics, refit, dataset, number, rows_of_fold, decide, step))
            if found[-1].reason:
                return None
        parts = [after, *(fold.evidence for fold in found if fold.evidence)]
        known = [Answer.of(row) for row in examples(before, step.store)]
        with answering(at_hand, step.store, step.machine, known) as answer:
            asked = measure(at_hand, answer, every, task, step)
        return asked, pooled(parts, every, task, step)

    def judge(pair: tuple[Evidence, Evidence] | None, level: float) -> Decision:
        if pair is None:
            return Decision(verdict="not enough evidence", reason=f"cross-fitting ended: {found[-1].reason}")
        return compare(*pair, metrics, step.store, over=over, level=level)

    decision, pair = settled((first, every.count), measured, judge)
    objects = tuple(name for fold in found for name in fold.objects)
    if not found:
        return Settled(decision, "", objects)
    note = (
        f"cross-fitting: {len(found)} more trainings, each without a fold of the {sum(map(len, dealt))} training rows; "
        f"{more} of these rows decide beside {first} of validation"
    )
    return Settled(decision, note, (*objects, every.object, *(one.table for one in pair or ())))


def would_decide(config: "Config", task: Task, at_hand: Candidate, refit: Refit, dataset: Dataset, step: Step) -> int:
    """How many training rows may decide between `at_hand` and what is trained by folds."""
    return _deciding(config, task, at_hand, refit, dataset, step)[1]


def _deciding(
    config: "Config", task: Task, at_hand: Candidate, refit: Refit, dataset: Dataset, step: Step
) -> tuple[Split, int]:
    """(the rows of validation that decide, and training rows behind them; how many of them these are)"""
    validation = dataset.splits["validation"]
    first = min(config.validation_rows or validation.count, validation.count)
    every = deciding_rows(dataset, (at_hand, refit.candidate), task, step, first)
    return every, 0 if every == validation else every.count - first


def _dealt(config: "Config", task: Task, dataset: Dataset, step: Step) -> tuple[list[list[Row]], str]:
    """(the training rows by fold, why there are none: "" where there are)"""
    assert config.folds, "decide asks only then"
    rows = dataset.rows("train", step.store)
    groups = _groups(rows, task)
    if len(set(groups)) < config.folds:
        return [], f"the training rows are about {len(set(groups))} texts; tuning.folds is {config.folds}"
    return deal(rows, groups, _classes(rows, task), config.folds, config.seed), ""


def deal(rows: Sequence[Dealt], groups: Sequence[int], classes: Sequence[str], folds: int, seed: int) -> list[list[Dealt]]:
    """`rows` in `folds` parts of about the same size. Rows of one group stay together; each class (where answers are few) is
    spread as evenly as its groups allow. Their order within a fold is that of `rows`."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    least = min(Counter(classes).values())
    # a class of fewer rows than folds cannot be spread, which scikit-learn warns of, or refuses where it is every class
    stratified = len(set(classes)) > 1 and least >= folds
    kind = StratifiedGroupKFold if stratified else GroupKFold
    parts = kind(n_splits=folds, shuffle=True, random_state=seed).split(rows, classes, groups)
    return [[rows[place] for place in sorted(held)] for _, held in parts]


def _groups(rows: Sequence[Row], task: Task) -> list[int]:
    """A number for each row, equal for rows that share a passage, a conversation or a given text, by whatever chain."""
    from scipy.cluster.hierarchy import DisjointSet

    joined: DisjointSet = DisjointSet()
    for place, row in enumerate(rows):
        joined.add(place)
        given = apart(row.text, task.given)[0]
        shared: list[Hashable] = [("passage", row.passage), ("conversation", row.conversation), ("given", given)]
        for key in shared:
            if isinstance(key, tuple) and key[1]:
                joined.add(key)
                joined.merge(place, key)
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(joined[place], len(numbers)) for place in range(len(rows))]


def _classes(rows: Sequence[Row], task: Task) -> list[str]:
    """What each fold is to hold of: labels, or whether there is an answer; "" where answers are free."""
    if kind_of(task.kind).label_set(task):
        return [row.answer for row in rows]
    return ["none" if task.abstain and row.answer == task.abstain else "" for row in rows]


def _fold(
    config: "Config",
    task: Task,
    metrics: Metrics,
    refit: Refit,
    dataset: Dataset,
    number: int,
    held: Sequence[Row],
    decide: set[str],
    step: Step,
) -> Fold:
    """Train without `held`, and answer those of its rows whose ids are in `decide`."""
    less, asked = _without(dataset, task, held, number, decide, step)
    if not asked.count:
        return Fold()

    def make(inner: Step) -> Fold:
        from .supervised import train

        try:
            with part(f"fold {number}"):
                trained = train(config, task, refit.candidate, less, refit.with_made, inner)
        except Diverged as error:
            return Fold(reason=f"the training without fold {number} {error}")
        if trained.candidate is None:
            return Fold(reason=f"no row is usable without fold {number}")
        inner.measured["training"] = trained.measured
        fitted = trained.candidate
        if abstention_is_set(fitted, task):
            fitted, _ = calibrated(config, task, metrics, fitted, less, inner)
        with answering(fitted, inner.store, inner.machine) as answer:
            evidence = measure(fitted, answer, asked, task, inner)
        return Fold(evidence=evidence, objects=(*trained.objects, evidence.table))

    return step.memo("fold", Fold, [config, task, metrics, *refit, less, asked], make, code=CODE)


def _without(
    dataset: Dataset, task: Task, held: Sequence[Row], number: int, decide: set[str], step: Step
) -> tuple[Dataset, Split]:
    """(`dataset` without the rows of a fold, their passages, and what gives them away; those of its rows that decide)"""
    scratch, where = step.scratch / f"fold-{number}", f"fold {number}"
    ids, passages = {row.id for row in held}, {row.passage for row in held if row.passage}
    parts = [(row, *apart(row.text, task.given)) for row in held]
    leaks = Leaks([Item(where, row.id, question, row.answer, given) for row, given, question in parts])

    def clean(rows: Sequence[Row]) -> list[Row]:
        left = [row for row in rows if row.id not in ids and not (row.passage and row.passage in passages)]
        read = [apart(row.text, task.given) for row in left]
        asked = [(question, row.answer) for row, (_, question) in zip(left, read, strict=True)]
        found = leaks.of_rows(asked, [given for given, _ in read])
        return [row for row, leak in zip(left, found, strict=True) if not leak]

    def put(name: str, kept: Sequence[Frozen]) -> Split:
        scratch.mkdir(parents=True, exist_ok=True)
        path = scratch / f"{name}.jsonl"
        write_jsonl(path, [one.model_dump(mode="json") for one in kept])
        return Split(name=name, object=step.store.put(path), count=len(kept))

    train = put("train", clean(dataset.rows("train", step.store)))
    less: dict[str, object] = {"splits": {**dataset.splits, "train": train}}
    for name in ("made", "practice"):
        if (split := getattr(dataset, name)) is not None:
            less[name] = put(split.name, clean(read_rows(split, step.store)))
    if dataset.training_knowledge:
        readable = read_passages(dataset.training_knowledge, step.store)
        less["training_knowledge"] = put("training_knowledge", [one for one in readable if one.id not in passages])
    asked = put(where, [row for row in held if row.id in decide])
    return dataset.model_copy(update=less), asked
