"""An application whose engine says what a function of the messages says: good and bad ones are planted with it."""

from collections.abc import Callable, Sequence
from contextlib import closing

from components.application import Application, load_retriever
from components.core import (
    Candidate,
    Dataset,
    Passage,
    Prompt,
    PromptTurn,
    Retriever,
    Row,
    Runtime,
    Split,
    Step,
    Task,
    write_jsonl,
)
from components.evaluation.check import CheckResult, Subject
from components.evaluation.checks import CHECKS

Says = Callable[[str], str]
TASK = Task(kind="question_answering", instruction="Answer.", abstain="unknown")


class _Engine:
    """See components/application/engines: only `generate` is asked for."""

    def __init__(self, says: Says) -> None:
        self.says = says

    def generate(self, messages: Sequence[Sequence[dict[str, str]]], *_: object, **__: object) -> list[str]:
        return [self.says(one[-1]["content"]) for one in messages]

    def close(self) -> None:
        self.says = str


class _Answering:
    """`Answering` around an application that is there already."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, rows: Sequence[Row]) -> list:
        return self.application.answer(rows)


def subject(candidate: Candidate, task: Task, dataset: Dataset, step: Step, says: Says, count: int) -> Subject:
    """`count` items, asked of `candidate`, whose engine says `says(prompt)`."""
    retriever = load_retriever(candidate.retriever, step.store, step.machine) if candidate.retriever else None
    application = Application(candidate, _Engine(says), retriever)
    return Subject(candidate, _Answering(application), (), task, "f1", dataset, count, 0, step)


def found(
    name: str,
    says: Says,
    rows: list[Row],
    passages: list[Passage],
    step: Step,
    task: Task = TASK,
    table: Sequence[dict] = (),
) -> CheckResult:
    """What check `name` finds in an application that reads BM25's best passage and says `says(prompt)`."""
    splits = {"test": _split("rows.jsonl", rows, step)}
    knowledge = _split("passages.jsonl", passages, step)
    dataset = Dataset(splits=splits, knowledge=knowledge, provenance=knowledge.object)
    retriever = Retriever(scoring="bm25", knowledge=knowledge.object)
    prompt = Prompt(method="zero_shot", turns=(PromptTurn(user="{{context}}\nQuestion: {{input}}"),))
    candidate = Candidate(
        task=task.kind, abstain=task.abstain, runtime=Runtime(engine="transformers"), prompt=prompt, retriever=retriever
    )
    searcher = load_retriever(retriever, step.store, step.machine)
    with closing(Application(candidate, _Engine(says), searcher)) as application:
        return CHECKS[name].find(Subject(candidate, _Answering(application), table, task, "f1", dataset, 12, 0, step))


def _split(file: str, rows: list, step: Step) -> Split:
    path = step.scratch / file
    write_jsonl(path, rows)
    return Split(name="test", object=step.store.put(path), count=len(rows))
