"""Small real files, and a way to prepare them."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.core import Data, Machine, Policy, Step, Task, Workspace, parse
from components.core.hub_task import HubTask
from components.data import Config, Prepared, found_formats, prepare, source_digests
from components.text.suppression import Suppressed

QUESTIONS = Task(kind="question_answering", instruction="Answer.", abstain="unknown")
REVIEWS = Task(kind="classification", instruction="Sort.", labels=("bad", "good"))
DOCUMENTS = Task(kind="summarization", instruction="Summarise.")
TOPICS = [
    *("amber", "basalt", "cedar", "delta", "ember", "fjord", "garnet", "heron"),
    *("indigo", "juniper", "kelp", "lagoon", "maple", "nectar", "onyx", "pebble"),
]
SPLITS = {"train": 8, "feedback": 2, "validation": 4, "test": 6}


def question_rows(count: int = 24) -> list[dict[str, Any]]:
    """Questions, two for a passage; every fourth has no answer."""
    rows = []
    for number in range(count):
        topic, other = TOPICS[number // 2 % len(TOPICS)], TOPICS[(number // 2 + 5) % len(TOPICS)]
        passage = f"The {topic} of region {number // 2} lies near the {other} and was first named in {1700 + number // 2}."
        ask = (
            f"When was the {topic} {number // 2} named"
            if number % 2
            else f"Where no wait which place is {topic} {number} near"
        )
        answer = "unknown" if number % 4 == 3 else str(1700 + number // 2) if number % 2 else f"the {other}"
        rows.append({"question": ask, "answer": answer, "passage": passage})
    return rows


def write(path: Path, rows: list[Any]) -> Path:
    """Rows as JSONL; a string is written as it is."""
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


class Bench:
    """A folder with source files, and a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = Workspace(folder / "home")

    @property
    def store(self) -> Any:
        return self.workspace.store

    def data(self, *sources: dict[str, Any], **more: Any) -> Data:
        """The contract's section `data`; sources are JSONL examples unless they say otherwise."""
        usual = {"role": "examples", "licence": "CC0-1.0", "origin": "made for a test"}
        given = {"sources": [usual | source for source in sources], "splits": SPLITS, "minimum_rows": 4, **more}
        return parse(Data, given, "data")

    def prepare(
        self, task: Task, data: Data, policy: Policy | None = None, hub: tuple[HubTask, ...] = (), **config: Any
    ) -> Prepared:
        """Run the stage as the flow does."""
        step = Step("k" * 64, self.store.scratch("k" * 64), self.workspace, Machine())
        sources = source_digests(data, self.folder, self.workspace)
        settings = Config(**({"benchmarks": ()} | config))
        forgotten = Suppressed.read(self.workspace.forgotten)
        return prepare(
            settings,
            task=task,
            data=data,
            policy=policy or Policy(),
            sources=sources,
            folder=self.folder,
            formats=found_formats(data, self.folder, self.workspace),
            suppressed=forgotten,
            hub=hub,
            step=step,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
