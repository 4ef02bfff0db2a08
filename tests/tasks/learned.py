"""The two-layer model trained on a rule in seconds, as tuning trains, and its plain baseline on the same rows."""

from collections.abc import Sequence

from components.application import answering, checkpoint
from components.core import Candidate, Row, Runtime, Step, Task
from components.core.artifacts import opened
from components.tasks import kept
from components.training import Recipe, tuned
from components.training.examples import Shown, encode, tuned_prompt
from components.training.loop import load_tokenizer
from components.training.objectives import sft


def taught(task: Task, rows: Sequence[Row], step: Step, epochs: float = 20) -> Candidate:
    """All weights of the two-layer model trained on `rows`, from its random start."""
    prompt = tuned_prompt(task, context=False)
    candidate = Candidate(
        task=task.kind,
        labels=task.labels,
        own=kept(task),
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=prompt,
    )
    assert candidate.model
    base = opened(step.store, candidate.model.object)
    examples = encode(load_tokenizer(base), prompt, [Shown(row.text, (), row.answer) for row in rows])
    recipe = Recipe(technique="full", epochs=epochs, layers=2, batch_rows=16, checkpoint_every=0, learning_rate=3e-3)
    trained = sft.train(recipe, sft.Settings(), base, examples, step.scratch / "training", step.machine)
    return tuned(candidate, recipe, "sft", trained, step.store)


def said(candidate: Candidate, rows: Sequence[Row], step: Step) -> list[str]:
    """Its answers."""
    with answering(candidate, step.store, step.machine) as answer:
        return [one.text for one in answer(rows)]
