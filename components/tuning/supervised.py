"""One supervised training of the stage: rows with their contexts, as token ids, to an adapter in the store.

`training_rows` is what `train` trains on, whoever asks: `ninefold tuning show` prints the same.
"""

from typing import TYPE_CHECKING, NamedTuple

from components.application.prompt import is_cut
from components.core import Candidate, Dataset, Prompt, Row, Split, Step, Task, read_rows, write_jsonl
from components.core.artifacts import opened
from components.measure.canaries import Canary, canaries
from components.tasks import Kind, kind_of
from components.training import LABEL_HEAD, labelling, technique, tuned
from components.training.contexts import shown_rows
from components.training.examples import Example, Shown, encode, tuned_prompt
from components.training.loop import load_tokenizer
from components.training.objectives import objective

from .practice import practice_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from .stage import Config


class Rows(NamedTuple):
    """What is trained on, in order: `practice` once, then `rows`, the canaries last. counts: what became of the rows.
    lengths: tokens of each row, those that are left out too. cut: rows whose text or context lost its end."""

    prompt: Prompt
    tokenizer: "PreTrainedTokenizerBase"
    rows: list[Example]
    practice: list[Example]
    counts: dict[str, int]
    lengths: list[int]
    practice_too_long: int
    cut: int
    planted: list[Canary]
    objects: tuple[str, ...]


def training_rows(config: "Config", task: Task, candidate: Candidate, dataset: Dataset, with_made: bool, step: Step) -> Rows:
    """The rows that were collected and, where `with_made`, those that were not, as token ids. Builds in `step.scratch`."""
    assert candidate.model is not None, "tune checks it"
    step.scratch.mkdir(parents=True, exist_ok=True)
    given = dataset.rows("train", step.store) + (_beside(candidate, dataset, step) if with_made else [])
    prompt = tuned_prompt(task, candidate.texts_shown > 0)
    shown, counts, objects = shown_rows(
        task, candidate, dataset, given, config.wrong_share, config.unanswerable_share, config.seed, step
    )
    tokenizer = load_tokenizer(opened(step.store, candidate.model.object))
    whole = candidate.runtime.whole
    every = encode(tokenizer, prompt, shown, whole)
    rows = [row for row in every if len(row.ids) <= config.max_tokens]
    counts["too long"] = len(every) - len(rows)
    practised, practice, planted = [], [], []
    if rows:
        if candidate.texts_shown:
            practised = practice_rows(task, dataset, config.practice_rows, config.seed, step, with_made)
        practice = [row for row in encode(tokenizer, prompt, practised, whole) if len(row.ids) <= config.max_tokens]
        counts["practice"] = len(practice)
        planted = canaries(task, config.canaries, config.seed)
        if planted:
            counts["canaries"] = len(planted)
        secrets = [Shown(one.text, (one.context,) if candidate.texts_shown else (), one.answer) for one in planted]
        rows += encode(tokenizer, prompt, secrets, whole)
    lost = sum(is_cut(prompt, one.text, one.context, whole) for one in shown)
    if lost:
        counts["cut"] = lost
    lengths = [len(row.ids) for row in every]
    return Rows(prompt, tokenizer, rows, practice, counts, lengths, len(practised) - len(practice), lost, planted, objects)


class Supervised(NamedTuple):
    """candidate: with what was trained; None where no row was usable. objects: digests made. counts: what became of the
    rows. measured: figures of the training. canaries: what was planted. lengths: tokens of each row, those left out too."""

    candidate: Candidate | None
    objects: tuple[str, ...]
    counts: dict[str, int]
    measured: dict[str, object]
    canaries: Split | None = None
    lengths: tuple[int, ...] = ()


def train(
    config: "Config",
    task: Task,
    candidate: Candidate,
    dataset: Dataset,
    with_made: bool,
    step: Step,
    start: Candidate | None = None,
) -> Supervised:
    """Train on `training_rows`; a technique that fits a head of labels, on whole texts. Builds in `step.scratch`.

    start: the candidate after pre-training, which is gone on from
    """
    assert candidate.model is not None, "tune checks it"
    if technique(config.technique).PRODUCT == LABEL_HEAD:
        return _with_head(config, task, candidate, dataset, with_made, step)
    given = training_rows(config, task, candidate, dataset, with_made, step)
    if not given.rows:
        return Supervised(None, given.objects, given.counts, {})
    first = start or candidate
    assert first.model is not None, "pre-training keeps the model, or changes it"
    sft, recipe, base = objective("sft"), config.recipe(candidate.runtime), opened(step.store, first.model.object)
    adapter = opened(step.store, start.adapter.object, "adapter") if start and start.adapter else None
    trained = sft.train(
        recipe, sft.Settings(), base, given.rows, step.scratch, step.machine, start=adapter, practice=given.practice
    )
    proposed = tuned(first, recipe, "sft", trained, step.store).model_copy(update={"prompt": given.prompt})
    split = stored_canaries(given.planted, step)
    fresh = (*given.objects, *_fresh(candidate, proposed), *((split.object,) if split else ()))
    return Supervised(proposed, fresh, given.counts, trained.measured, split, tuple(given.lengths))


def _with_head(
    config: "Config", task: Task, candidate: Candidate, dataset: Dataset, with_made: bool, step: Step
) -> Supervised:
    """A head of labels, fitted on the texts of the rows as they are asked: without instruction, context and canaries."""
    assert candidate.model is not None, "tune checks it"
    rows = dataset.rows("train", step.store) + (_beside(candidate, dataset, step) if with_made else [])
    kind, recipe, folder = kind_of(task.kind), config.recipe(candidate.runtime), step.scratch / "trained"
    labels = kind.label_set(task)
    answers = [[labels.index(label) for label in labels if label in _parts(kind, row.answer)] for row in rows]
    theirs = {ours: own for own, ours in candidate.own.get("model_labels", {}).items()}
    names, base = [theirs.get(label, label) for label in labels], opened(step.store, candidate.model.object)
    step.scratch.mkdir(parents=True, exist_ok=True)
    fitted = technique(config.technique).fit(
        recipe, base, [row.text for row in rows], answers, names, kind.several, folder, step.machine
    )
    proposed = labelling(candidate, recipe, fitted, step.store)
    counts = {"whole texts": len(rows), "held out to choose the penalty": fitted.held_out, "cut": fitted.cut}
    return Supervised(proposed, _fresh(candidate, proposed), counts, fitted.measured)


def _parts(kind: Kind, answer: str) -> list[object]:
    """The labels of an answer, and "none" where it has none."""
    return kind.parts(answer) if kind.parts else [answer]


def _fresh(before: Candidate, after: Candidate) -> tuple[str, ...]:
    """Digests of what was trained: the objects that the one before had not."""
    return tuple(sorted(set(after.objects) - set(before.objects)))


def stored_canaries(planted: list[Canary], step: Step) -> Split | None:
    """The canaries as a split, by which evaluation asks for them; None where there are none."""
    if not planted:
        return None
    path = step.scratch / "canaries.jsonl"
    write_jsonl(path, [one.model_dump(mode="json") for one in planted])
    return Split(name="canaries", object=step.store.put(path), count=len(planted))


def made_rows(candidate: Candidate, dataset: Dataset, step: Step) -> list[Row]:
    """Rows that nobody collected and this candidate can be trained on: beside `train`, and among the practice rows."""
    practice = read_rows(dataset.practice, step.store) if dataset.practice and candidate.texts_shown else []
    return _beside(candidate, dataset, step) + [row for row in practice if row.origin != "collected"]


def _beside(candidate: Candidate, dataset: Dataset, step: Step) -> list[Row]:
    """Without a text beside it, a question made from a passage would teach to recite: it is left out."""
    rows = read_rows(dataset.made, step.store) if dataset.made else []
    return [row for row in rows if candidate.texts_shown or not row.passage]
