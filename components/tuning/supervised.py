"""One supervised training of the stage: rows with their contexts, as token ids, to an adapter in the store."""

from typing import TYPE_CHECKING, NamedTuple

from components.core import Candidate, Dataset, Row, Split, Step, Task, read_rows, write_jsonl
from components.core.artifacts import opened
from components.measure.canaries import Canary, canaries
from components.training import tuned
from components.training.contexts import shown_rows
from components.training.examples import Shown, encode, tuned_prompt
from components.training.loop import load_tokenizer
from components.training.objectives import objective

from .practice import practice_rows

if TYPE_CHECKING:
    from .stage import Config


class Supervised(NamedTuple):
    """candidate: with what was trained; None where no row was usable. objects: digests made. counts: what became of the
    rows. measured: figures of the training. canaries: what was planted."""

    candidate: Candidate | None
    objects: tuple[str, ...]
    counts: dict[str, int]
    measured: dict[str, object]
    canaries: Split | None = None


def train(config: "Config", task: Task, candidate: Candidate, dataset: Dataset, with_made: bool, step: Step) -> Supervised:
    """Train on the rows that were collected and, where `with_made`, on those that were not. Builds in `step.scratch`."""
    assert candidate.model is not None, "tune checks it"
    step.scratch.mkdir(parents=True, exist_ok=True)
    given = dataset.rows("train", step.store) + (_beside(candidate, dataset, step) if with_made else [])
    prompt = tuned_prompt(task, candidate.texts_shown > 0)
    rows, counts, objects = shown_rows(
        task, candidate, dataset, given, config.wrong_share, config.unanswerable_share, config.seed, step
    )
    base = opened(step.store, candidate.model.object)
    tokenizer = load_tokenizer(base)
    encoded = [row for row in encode(tokenizer, prompt, rows) if len(row.ids) <= config.max_tokens]
    counts["too long"] = len(rows) - len(encoded)
    if not encoded:
        return Supervised(None, objects, counts, {})
    practised = (
        practice_rows(task, dataset, config.practice_rows, config.seed, step, with_made) if candidate.texts_shown else []
    )
    practice = [row for row in encode(tokenizer, prompt, practised) if len(row.ids) <= config.max_tokens]
    counts["practice"] = len(practice)
    planted = canaries(task, config.canaries, config.seed)
    if planted:
        counts["canaries"] = len(planted)
    shown = [Shown(one.text, (one.context,) if candidate.texts_shown else (), one.answer) for one in planted]
    encoded += encode(tokenizer, prompt, shown)
    sft, recipe = objective("sft"), config.recipe(candidate.runtime.dtype)
    trained = sft.train(recipe, sft.Settings(), base, encoded, step.scratch, step.machine, practice=practice)
    proposed = tuned(candidate, recipe, "sft", trained, step.store).model_copy(update={"prompt": prompt})
    split = _stored(planted, step)
    fresh = (*objects, *_fresh(candidate, proposed), *((split.object,) if split else ()))
    return Supervised(proposed, fresh, counts, trained.measured, split)


def _fresh(before: Candidate, after: Candidate) -> tuple[str, ...]:
    """Digests of what was trained: the objects that the one before had not."""
    return tuple(sorted(set(after.objects) - set(before.objects)))


def _stored(planted: list[Canary], step: Step) -> Split | None:
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
