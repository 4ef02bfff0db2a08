"""Texts that are written anew without a language model: what was answered to the most similar training input, as it
stands. It is right where the same thing is asked again in other words."""

from components.core import BadInput, Baseline, Candidate, Dataset, Metrics, Runtime, Step, Task, write_jsonl
from components.tasks import kept


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """nearest_answer over the first `rows` training rows. Raises BadInput where there are none."""
    train = dataset.rows("train", step.store)[:rows]
    if not train:
        raise BadInput("data.splits.train: it holds no rows; give at least one")
    path = step.scratch / "answers.jsonl"
    write_jsonl(path, [{"text": row.text, "answer": row.answer} for row in train])
    return Candidate(
        task=task.kind,
        own=kept(task),
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="nearest_answer", object=step.store.put(path)),
    )
