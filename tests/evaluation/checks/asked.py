"""What a check is handed: a candidate's own retrieval and prompt, with an engine of the test's own behind them."""

from components.application import Application, load_retriever
from components.core import Candidate, Dataset, Step, Task
from components.evaluation.check import Subject
from tests.evaluation.checks.planted import Says, _Answering, _Engine


def subject(candidate: Candidate, task: Task, dataset: Dataset, step: Step, says: Says, count: int) -> Subject:
    """`count` items, asked of `candidate`, whose engine says `says(prompt)`."""
    retriever = load_retriever(candidate.retriever, step.store, step.machine) if candidate.retriever else None
    application = Application(candidate, _Engine(says), retriever)
    return Subject(candidate, _Answering(application), (), task, "f1", dataset, count, 0, step)
