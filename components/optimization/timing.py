"""How fast a Candidate answers single requests, and how fast its engine reads and writes tokens.

Measured once a candidate and workspace (`Step.memo`), so that a choice made on it does not change when a run is resumed. Not
covered: throughput under load, memory (evaluation measures both in a process of its own).
"""

import time
from collections.abc import Sequence

from components.application import Application, load, render
from components.core import Candidate, Frozen, Row, Step, Store, digest_of
from components.measure import latency

DECODED = 32
"""Tokens decoded to find the rate: enough that one step's noise is small, little beside the prefill."""


class Timing(Frozen):
    """Seconds of a single request (retrieval included), tokens a second, size of the weights."""

    p50: float
    p95: float
    requests: int
    prefill_tokens_per_second: float
    decode_tokens_per_second: float | None
    """None where answers end with their first token, so that there is no decoding to time."""
    megabytes: float


def timing(candidate: Candidate, rows: Sequence[Row], step: Step) -> Timing:
    """Time `candidate` on `rows`, one request a row."""

    def make(inner: Step) -> Timing:
        with load(candidate, inner.store, inner.machine) as application:
            single = latency(application.answer, rows, n=len(rows))
            prefill, decode = _rates(application, rows[: max(1, len(rows) // 2)])
        return Timing(
            p50=single["p50"],
            p95=single["p95"],
            requests=len(rows),
            prefill_tokens_per_second=prefill,
            decode_tokens_per_second=decode,
            megabytes=megabytes(candidate, inner.store),
        )

    inputs = [candidate.digest, digest_of(list(rows)), step.machine]
    return step.memo("timing", Timing, inputs, make, code=("components.optimization.timing", "components.application.load"))


def megabytes(candidate: Candidate, store: Store) -> float:
    """Size of the model's and the adapter's files, in 10⁶ bytes."""
    digests = [candidate.model.object if candidate.model else None, candidate.adapter.object if candidate.adapter else None]
    files = [file for digest in digests if digest for file in store.path(digest).rglob("*") if file.is_file()]
    return round(sum(file.stat().st_size for file in files) / 1e6, 1)


def _rates(application: Application, rows: Sequence[Row]) -> tuple[float, float | None]:
    """Prompt tokens a second up to the first new token, and new tokens a second after it; a shared prefix counts as read."""
    engine, prompt = application.engine, application.candidate.prompt
    assert prompt is not None, "a candidate with a model has a prompt"
    first = second = 0.0
    read = engine.counted["prompt_tokens"]
    written = 0
    for row in rows:
        (context,) = application.contexts([row.text])
        messages = render(prompt, len(prompt.turns) - 1, row.text, context)
        start = time.perf_counter()
        engine.generate([messages], 1)
        middle = time.perf_counter()
        before = engine.counted["new_tokens"]
        engine.generate([messages], 1 + DECODED)
        first, second = first + middle - start, second + time.perf_counter() - middle
        # the last pass of an answer that ends by itself gives its end, so passes are tokens but where the limit ended it
        written += min(engine.counted["new_tokens"] - before, DECODED)
    read = (engine.counted["prompt_tokens"] - read) / 2
    decoding = second - first
    return round(read / first, 1), round(written / decoding, 1) if decoding > 0 and written > 0 else None
