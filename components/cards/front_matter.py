"""The head of a card as Hugging Face's hub reads it: metadata with `model-index`, checked here against a local schema.

`ModelCard.validate` asks the hub; nothing here uses the network. Schema: huggingface.co/docs/hub/model-cards.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from components.core import Task
from components.tasks import kind_of

from .figures import ENOUGH, test_metrics
from .record import Record


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Named(_Strict):
    name: str
    type: str


class Dataset(Named):
    split: str


class Figure(Named):
    value: float


class Result(_Strict):
    task: Named
    dataset: Dataset
    metrics: list[Figure] = Field(min_length=1)


class Indexed(_Strict):
    name: str
    results: list[Result] = Field(min_length=1)


class FrontMatter(_Strict):
    """What our cards put there, and the types that the hub asks for."""

    language: list[str]
    license: str = Field(pattern=r"^[a-z0-9.-]+$")
    license_name: str | None = None
    library_name: Literal["ninefold"]
    pipeline_tag: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    tags: list[str]
    base_model: str | None = None
    model_index: list[Indexed] | None = Field(None, alias="model-index")


def front_matter(record: Record) -> str:
    """The YAML between the two `---` lines. Raises ValueError where it breaks the schema."""
    from huggingface_hub import EvalResult, ModelCardData

    contract, model = record.use_case, record.candidate.model
    kind = contract["task"]["kind"]
    tag = kind_of(kind).pipeline_tag
    licence, known = _licence(model.licence if model else "apache-2.0")
    results = [
        EvalResult(
            task_type=tag,
            task_name=kind.replace("_", " "),
            dataset_type=contract["name"],
            dataset_name=contract["name"],
            dataset_split="test",
            metric_type=name,
            metric_name=name,
            metric_value=round(metric["value"], 4),
        )
        for name, metric in test_metrics(record).items()
        if metric.get("n", 0) >= ENOUGH
    ]
    data = ModelCardData(
        language=[*kind_of(kind).languages(Task.model_validate(contract["task"]))],
        license=licence,
        license_name=known,
        library_name="ninefold",
        pipeline_tag=tag,
        tags=["ninefold", *([record.candidate.runtime.engine] if model else ["baseline"])],
        base_model=model.name if model else None,
        model_name=contract["name"],
        eval_results=results or None,
    )
    checked = data.to_dict()
    checked.pop("model_name", None)
    FrontMatter.model_validate(checked)
    text: str = data.to_yaml()
    return text


def check(text: str) -> FrontMatter:
    """Parse a card's text the way the hub does and check its metadata; raises ValueError."""
    from huggingface_hub import ModelCard

    head: dict[str, object] = ModelCard(text, ignore_metadata_errors=False).data.to_dict()
    return FrontMatter.model_validate(
        {key: value for key, value in head.items() if value is not None and key != "model_name"}
    )


def _licence(identifier: str) -> tuple[str, str | None]:
    """The hub's licence key; one that is not a lower-case SPDX identifier goes by `other` and its name."""
    key = identifier.lower()
    fits = " " not in key and not key.startswith("licenseref")
    return (key, None) if fits else ("other", identifier)
