"""One supervised training of the stage: rows with their contexts, as token ids, to an adapter in the store."""

from typing import Any, NamedTuple

from components.core import Adapter, Candidate, Dataset, Row, Split, Step, Task, read_rows, write_jsonl
from components.measure.canaries import Canary, canaries

from .contexts import shown_rows
from .examples import Shown, encode, tuned_prompt
from .practice import practice_rows
from .train import fine_tune, load_tokenizer


class Trained(NamedTuple):
    """candidate: with the new adapter; None where no row was usable. objects: digests made. counts: what became of the rows.
    figures: of `fine_tune`. canaries: what was planted."""

    candidate: Candidate | None
    objects: tuple[str, ...]
    counts: dict[str, int]
    figures: dict[str, Any]
    canaries: Split | None = None


def train(config: Any, task: Task, candidate: Candidate, dataset: Dataset, made: bool, step: Step) -> Trained:
    """Train on the rows that were collected and, where `made`, on those that were not. Builds in `step.scratch`."""
    assert candidate.model is not None, "tune checks it"
    step.scratch.mkdir(parents=True, exist_ok=True)
    given = dataset.rows("train", step.store) + (_beside(candidate, dataset, step) if made else [])
    prompt = tuned_prompt(task, candidate.retriever is not None)
    rows, counts, objects = shown_rows(
        task, candidate, dataset, given, config.wrong_share, config.unanswerable_share, config.seed, step
    )
    base = step.store.path(candidate.model.object)
    tokenizer = load_tokenizer(base)
    encoded = [row for row in encode(tokenizer, prompt, rows) if len(row.ids) <= config.max_tokens]
    counts["too long"] = len(rows) - len(encoded)
    if not encoded:
        return Trained(None, objects, counts, {})
    practised = practice_rows(task, dataset, config.practice_rows, config.seed, step, made) if candidate.retriever else []
    practice = [row for row in encode(tokenizer, prompt, practised) if len(row.ids) <= config.max_tokens]
    counts["practice"] = len(practice)
    planted = canaries(task, config.canaries, config.seed)
    if planted:
        counts["canaries"] = len(planted)
    shown = [Shown(one.text, (one.context,) if candidate.retriever else (), one.answer) for one in planted]
    encoded += encode(tokenizer, prompt, shown)
    trained = fine_tune(config, base, encoded, step.scratch, step.machine, practice)
    adapter = Adapter(object=step.store.put(trained["folder"]), technique="lora", objective="sft")
    proposed = candidate.model_copy(update={"prompt": prompt, "adapter": adapter})
    split = _kept(planted, step)
    made_here = (*objects, adapter.object, *((split.object,) if split else ()))
    return Trained(proposed, made_here, counts, trained, split)


def _kept(planted: list[Canary], step: Step) -> Split | None:
    if not planted:
        return None
    path = step.scratch / "canaries.jsonl"
    write_jsonl(path, [one.model_dump(mode="json") for one in planted])
    return Split(name="canaries", object=step.store.put(path), count=len(planted))


def made_rows(candidate: Candidate, dataset: Dataset, step: Step) -> list[Row]:
    """Rows that nobody collected and this candidate can be trained on: beside `train`, and among the practice rows."""
    practice = read_rows(dataset.practice, step.store) if dataset.practice and candidate.retriever else []
    return _beside(candidate, dataset, step) + [row for row in practice if row.origin != "collected"]


def _beside(candidate: Candidate, dataset: Dataset, step: Step) -> list[Row]:
    """Without a retriever, questions made from a passage would teach to recite: they are left out."""
    rows = read_rows(dataset.made, step.store) if dataset.made else []
    return [row for row in rows if candidate.retriever or not row.passage]
