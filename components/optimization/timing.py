"""How fast a Candidate answers single requests, and how fast its engine reads and writes tokens.

Measured once a candidate and workspace (`Step.memo`), so that a choice made on it does not change when a run is resumed. Not
covered: throughput under load, memory (evaluation measures both in a process of its own).
"""

from collections.abc import Sequence

from components.application import latency, load
from components.core import Candidate, Frozen, Row, Step, Store, digest_of


class Timing(Frozen):
    """Seconds of a single request (retrieval included), tokens a second, size of the weights."""

    p50: float
    p95: float
    requests: int
    prefill_tokens_per_second: float
    """Tokens of the prompts; a prefix that all of them share counts as read."""
    decode_tokens_per_second: float | None
    """Tokens after an answer's first; None where no answer has one."""
    megabytes: float


def timing(candidate: Candidate, rows: Sequence[Row], step: Step) -> Timing:
    """Time `candidate` on `rows`, one request a row."""

    def make(inner: Step) -> Timing:
        with load(candidate, inner.store, inner.machine) as application:
            single = latency(application.answer, rows, n=len(rows))
            counted = application.engine.counted
            passes = counted["decode_passes"]
        return Timing(
            p50=single["p50"],
            p95=single["p95"],
            requests=len(rows),
            prefill_tokens_per_second=round(counted["prompt_tokens"] / counted["prefill_seconds"], 1),
            decode_tokens_per_second=round(passes / counted["decode_seconds"], 1) if passes else None,
            megabytes=megabytes(candidate, inner.store),
        )

    inputs = [candidate.digest, digest_of(list(rows)), step.machine]
    code = ("components.optimization.timing", "components.application.load")
    return step.memo("timing", Timing, inputs, make, code=code, named=candidate)


def megabytes(candidate: Candidate, store: Store) -> float:
    """Size of the model's and the adapter's files, in 10⁶ bytes."""
    digests = [candidate.model.object if candidate.model else None, candidate.adapter.object if candidate.adapter else None]
    files = [file for digest in digests if digest for file in store.path(digest).rglob("*") if file.is_file()]
    return round(sum(file.stat().st_size for file in files) / 1e6, 1)
