"""What training together with other use cases came to: whose rows were learned from, and whether it helped; and its table
for summary and card."""

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

from components.core import Decision, Frozen, Learned

from .trials import STEP, Dump, Figure


class Taught(Frozen):
    """What one use case brought."""

    use_case: str
    kind: str
    """Of its task."""
    examples: int
    """That were trained on; of a question answered from passages there may be two of a row, or none."""
    sources: tuple[Learned, ...]
    """Of its training rows, as far as they were brought."""
    removed: int
    """Rows and passages that give the evaluation of another use case away."""


class Joined(Frozen):
    """One training on the rows of several use cases, in the result of the step that tuned one of them."""

    use_case: str
    """The one that was tuned."""
    taught: tuple[Taught, ...]
    """All of them, by name."""
    object: str = ""
    """What was trained; empty where the training diverged."""
    decision: Decision
    """On validation of the use case that was tuned, over the same training on its rows alone."""


class TaughtRow(TypedDict):
    """What one use case brought to a training. sources: dumps of Learned"""

    use_case: str
    kind: str
    examples: int
    removed: int
    sources: list[dict[str, object]]


class JoinedRow(TypedDict):
    """A training on the rows of several use cases, for people and machines."""

    step: str
    object: str
    """Digest of what was trained; empty where it diverged."""
    verdict: str
    """adopt: it was proposed in place of the one on this use case's rows alone."""
    reason: str
    alone: NotRequired[float]
    """The primary metric on validation of the training on this use case's rows alone."""
    together: NotRequired[float]
    gain: NotRequired[Figure]
    taught: list[TaughtRow]


def joined_rows(results: Mapping[str, Dump]) -> list[JoinedRow]:
    """Every training with other use cases of a run. results: of its steps, by their names."""
    return [row for name in results if name.partition(".")[0] == STEP for row in _rows(name, results[name])]


def _rows(step: str, result: Dump) -> Iterator[JoinedRow]:
    if not result.get("together"):
        return
    found = Joined.model_validate(result["together"])
    decision = found.decision
    row: JoinedRow = {
        "step": step,
        "object": found.object,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "taught": [
            {
                "use_case": one.use_case,
                "kind": one.kind,
                "examples": one.examples,
                "removed": one.removed,
                "sources": [source.model_dump(mode="json") for source in one.sources],
            }
            for one in found.taught
        ],
    }
    if compared := decision.comparison:
        gain = compared.gain
        row |= {
            "alone": compared.before,
            "together": compared.after,
            "gain": {"value": gain.value, "low": gain.low, "high": gain.high, "n": gain.n},
        }
    yield row
