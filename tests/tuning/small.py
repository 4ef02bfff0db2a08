"""A small real world: five passages, rows about them, the two-layer model, a candidate on BM25."""

from pathlib import Path

from components.application import checkpoint
from components.core import (
    Candidate,
    Dataset,
    Machine,
    Metrics,
    Passage,
    Retriever,
    Row,
    Runtime,
    Split,
    Step,
    Task,
    Workspace,
    write_jsonl,
)
from components.training.examples import tuned_prompt
from components.tuning import Config

TASK = Task(kind="question_answering", instruction="Answer from the text.", abstain="unknown")
METRICS = Metrics(primary="f1_answerable", at_least=0.1, minimum_effect=0.02, floors={"abstention_recall": 0.3})
CONFIG = Config(
    epochs=2, layers=1, batch_rows=4, checkpoint_every=2, max_tokens=1024, minimum_pairs=2, canaries=0
)  # fmt: skip
PLACES = ("Paris", "Lima", "Oslo", "Cairo", "Quito")


def new_step(root: Path, key: str = "step") -> Step:
    workspace = Workspace(root)
    return Step(key=key, scratch=workspace.store.scratch(key), workspace=workspace, machine=Machine(threads=1))


def put(step: Step, name: str, rows: list) -> Split:
    path = step.scratch / f"{name}.jsonl"
    write_jsonl(path, rows)
    return Split(name=name, object=step.store.put(path), count=len(rows))


def small_dataset(step: Step) -> Dataset:
    """Five passages on a city each; two of three rows are answerable. The last passage is held out of training."""
    passages = [
        Passage(id=f"p{i}", text=f"The fair of {place} was opened in the year {1900 + i} by the mayor of {place} .")
        for i, place in enumerate(PLACES)
    ]

    def rows(of: list[int], name: str) -> list[Row]:
        made = []
        for i in of:
            opened = f"when was the fair , no wait , yes the fair of {PLACES[i]} opened"
            asked = (opened, f"who opened the fair of {PLACES[i]}", f"how many saw the fair of {PLACES[i]}")
            for kind, text, answer in zip("abc", asked, (str(1900 + i), "the mayor", "unknown"), strict=True):
                made.append(Row(id=f"{name}{i}{kind}", text=text, answer=answer, passage=f"p{i}"))
        return made

    return Dataset(
        splits={"train": put(step, "train", rows([0, 1, 2, 3], "t")), "validation": put(step, "validation", rows([4], "v"))},
        knowledge=put(step, "knowledge", passages),
        training_knowledge=put(step, "training_knowledge", passages[:4]),
        provenance=put(step, "provenance", []).object,
    )


def small_candidate(dataset: Dataset, step: Step) -> Candidate:
    return Candidate(
        task=TASK.kind,
        abstain=TASK.abstain,
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=tuned_prompt(TASK, context=True),
        retriever=Retriever(scoring="bm25", knowledge=dataset.knowledge.object),
    )
