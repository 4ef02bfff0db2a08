"""Rows that a stage which trains nothing may decide on: validation, then the training rows that nobody has learned from.

A training row is as fair as one of validation where neither side of a comparison has learned from it. A model that comes as
it is has learned from none; a prompt has learned from those that it shows as solved cases, and those about the same passage
are left out with them, since the prompt shows their text too. Where a side was trained, is no model (a plain baseline is
fitted on the training rows), or has a retriever or an embedder that learned from them, validation stands alone. Test rows
are never among them. Not covered: rows that a pretrained model has seen elsewhere (data/contamination.py knows the public
sets).
"""

from collections.abc import Iterable

from components.core import Candidate, Dataset, Prompt, Row, Split, Step, Task, write_jsonl
from components.text import apart

NAME = "validation and train"


def deciding_rows(
    dataset: Dataset, candidates: Iterable[Candidate], task: Task, step: Step, first: int | None = None
) -> Split:
    """The rows that may decide between `candidates`, those of validation first, each split in its frozen order.

    The split of validation itself where no training row may be used, else an object of both, named `NAME`.
    first: of validation only so many (None: all)
    """
    validation, sides = dataset.splits["validation"], list(candidates)
    train = dataset.splits.get("train")
    fitted = any(one.retriever and one.retriever.learned for one in sides)
    if not train or fitted or any(one.model is None or one.trained for one in sides):
        return validation
    rows = unshown(dataset.rows("train", step.store), [one.prompt for one in sides if one.prompt], task)
    if not rows:
        return validation
    path = step.scratch / "deciding" / "rows.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    ahead = dataset.rows("validation", step.store)[:first]
    write_jsonl(path, [*ahead, *rows])
    return Split(name=NAME, object=step.store.put(path), count=len(ahead) + len(rows))


def unshown(rows: Iterable[Row], prompts: Iterable[Prompt], task: Task) -> list[Row]:
    """`rows` without those whose input one of `prompts` says, and without those about the same text as one of them.

    Compared as strings, whatever the layout of a method: a short input that a prompt says by chance is left out as well.
    """
    said = "\n".join(_said(prompt) for prompt in prompts)
    parts = [(row, *apart(row.text, task.given)) for row in rows]
    shown = [(row.passage, given) for row, given, asked in parts if asked in said]
    passages, texts = {passage for passage, _ in shown if passage}, {given for _, given in shown if given}
    return [row for row, given, asked in parts if asked not in said and row.passage not in passages and given not in texts]


def _said(prompt: Prompt) -> str:
    """All words of a prompt, its solved cases among them."""
    turns = [(turn.system, turn.user, *(word for pair in turn.examples for word in pair)) for turn in prompt.turns]
    return "\n".join(word for turn in turns for word in turn)
