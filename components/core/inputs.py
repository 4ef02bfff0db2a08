"""Splits of a Dataset as MLflow's dataset inputs: name, digest, where they lie, and what a run used them for."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .dataset import Dataset, Split
from .digest import short
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

CONTEXTS = {"train": "training", "test": "testing"}
"""Split → what MLflow's users call its use; of any other split its own name."""


class Input(NamedTuple):
    """A split that a run used."""

    dataset: str
    """Name of the use case."""
    split: Split
    file: Path

    @property
    def name(self) -> str:
        return f"{self.dataset} {self.split.name}".replace("_", " ")

    @property
    def digest(self) -> str:
        """As MLflow shows it, which takes at most 36 characters."""
        return short(self.split.object)


def inputs_in(dataset: Dataset, name: str, store: Store) -> list[Input]:
    """The splits of `dataset` and its knowledge base. name: of the use case."""
    splits = [*dataset.splits.values(), *filter(None, [dataset.knowledge])]
    return [Input(name, split, store.file(split.object)) for split in splits if split.count]


def dataset_inputs(inputs: Sequence[Input]) -> "list[DatasetInput]":
    """`inputs` as MLflow's entities: `mlflow.data.get_source(…).load()` gives the file of one on this machine."""
    from mlflow.entities import Dataset as Logged
    from mlflow.entities import DatasetInput, InputTag

    return [
        DatasetInput(
            Logged(
                name=one.name,
                digest=one.digest,
                source_type="local",
                source=json.dumps({"uri": one.file.as_uri()}),
                profile=json.dumps({"num_rows": one.split.count, "object": one.split.object}),
            ),
            [InputTag("mlflow.data.context", CONTEXTS.get(one.split.name, one.split.name))],
        )
        for one in inputs
    ]
