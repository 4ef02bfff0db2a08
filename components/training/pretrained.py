"""What continued pre-training came to: how likely texts of the domain and others are to the model before and after it; and
its table for summary and card."""

import math
from collections.abc import Iterator, Mapping
from typing import Literal, NotRequired, TypedDict

from components.core import Frozen, Metric

from .trials import STEP, Dump


class Texts(Frozen):
    """The model on texts that it was not trained on, in nats a token."""

    where: Literal["in the domain", "outside"]
    source: str
    """What they are."""
    documents: int
    tokens: int
    """That are predicted: of each document the first ones, without the very first."""
    before: float
    after: float
    change: Metric
    """after − before, with its interval over documents; above 0 the model has forgotten."""

    @property
    def told(self) -> str:
        """The figures in words."""
        low, high = (f"{value:+.3f}" if value is not None else "?" for value in (self.change.low, self.change.high))
        return (
            f"{self.where} ({self.source}, n = {self.documents}) {self.before:.3f} → {self.after:.3f} nats a token "
            f"({self.change.value:+.3f} [{low}, {high}]), perplexity {perplexity(self.before)} → {perplexity(self.after)}"
        )


class Pretrained(Frozen):
    """Pre-training of a step that tuned. Its seconds and rates are in `measured["pretraining"]`."""

    objective: str
    technique: str
    documents: int
    """That were trained on."""
    texts: tuple[Texts, ...]
    """In the domain, then outside."""

    @property
    def note(self) -> str:
        """What it came to, in a sentence."""
        told = "; ".join(one.told for one in self.texts)
        return f"pre-training ({self.objective}, {self.technique}) on {self.documents:,} documents: {told}"


class PretrainedRow(TypedDict):
    """Texts before and after one pre-training, for people and machines. before, after: nats a token."""

    step: str
    objective: str
    technique: str
    trained_documents: int
    where: str
    source: str
    documents: int
    tokens: int
    before: float
    after: float
    change: float
    low: float | None
    high: float | None
    perplexity_before: str
    perplexity_after: str
    tokens_per_second: NotRequired[float]
    """Real tokens that were trained on, a second."""


def perplexity(nats: float) -> str:
    """exp of nats a token, to three digits."""
    value = math.exp(min(nats, 700.0))
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def pretrained_rows(results: Mapping[str, Dump], measured: Mapping[str, Dump]) -> list[PretrainedRow]:
    """Every pre-training of a run. results, measured: of its steps, by their names."""
    return [row for name in results if name.partition(".")[0] == STEP for row in _rows(name, results[name], measured)]


def _rows(step: str, result: Dump, measured: Mapping[str, Dump]) -> Iterator[PretrainedRow]:
    if not result.get("pretraining"):
        return
    found = Pretrained.model_validate(result["pretraining"])
    rate = measured.get(step, {}).get("pretraining", {}).get("tokens_per_second")
    for one in found.texts:
        row: PretrainedRow = {
            "step": step,
            "objective": found.objective,
            "technique": found.technique,
            "trained_documents": found.documents,
            "where": one.where,
            "source": one.source,
            "documents": one.documents,
            "tokens": one.tokens,
            "before": one.before,
            "after": one.after,
            "change": one.change.value,
            "low": one.change.low,
            "high": one.change.high,
            "perplexity_before": perplexity(one.before),
            "perplexity_after": perplexity(one.after),
        }
        yield row | {"tokens_per_second": rate} if rate is not None else row
