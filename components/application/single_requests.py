"""What one request costs: a Candidate in a fresh process, asked one question at a time; seconds and peak memory.

    python -m components.application.single_requests < request.json

A process of its own, because memory is only honest where nothing else was loaded, as in the endpoint that will serve it. Not
covered: concurrent requests, the network.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from components.core import Candidate, Frozen, Machine, MachineFault, Prices, Row, Step, Store, canonical, digest_of

ROOT = Path(__file__).resolve().parents[2]
CODE = ("components.application.single_requests", "components.application.load")


class Requests(Frozen):
    """Seconds of single requests (retrieval included) and the peak resident memory of their process."""

    p50: float
    p95: float
    mean: float
    n: int
    memory_gb: float
    processor: float
    """Processor seconds of one, on average: what an estimate of its energy starts from."""
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    """Of one, on average, as the server of a hosted model counts them; 0 where nobody does."""

    def cost_of_1000(self, prices: Prices) -> float:
        """What 1,000 answers cost, asked one after another: a hosted model's tokens where they have a price and are counted,
        else the time of this machine."""
        if prices.million_tokens and (self.input_tokens or self.output_tokens):
            spent = self.input_tokens * prices.million_tokens.input + self.output_tokens * prices.million_tokens.output
            return spent * 1000 / 1e6
        return self.mean * 1000 / 3600 * prices.machine_hour


def single_requests(candidate: Candidate, rows: Sequence[Row], step: Step) -> Requests:
    """Ask `candidate` each of `rows` alone. Kept for equal inputs in this workspace, so that a resumed run decides the same.

    Raises MachineFault with the process's last line when it fails.
    """

    def make(inner: Step) -> Requests:
        root = str(inner.store.root)
        asked = canonical({"candidate": candidate, "rows": list(rows), "machine": inner.machine, "store": root})
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, "-m", "components.application.single_requests"]
        done = subprocess.run(command, input=asked, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise MachineFault(f"the process that times single requests failed: {reason}")
        return Requests.model_validate_json(done.stdout.strip().splitlines()[-1])

    inputs = [candidate.digest, digest_of(list(rows)), step.machine]
    return step.memo("single requests", Requests, inputs, make, code=CODE, named=candidate)


def latency(answer: Callable[[Sequence[Row]], object], rows: Sequence[Row], n: int = 10) -> dict[str, float]:
    """Seconds of `n` single requests, one row a call, after one that warms up: {"p50", "p95", "mean", "n", "processor"}."""
    import numpy as np

    if not rows:
        raise ValueError("latency: needs at least one row")
    answer(rows[:1])
    seconds, used = [], time.process_time()
    for i in range(n):
        start = time.perf_counter()
        answer([rows[i % len(rows)]])
        seconds.append(time.perf_counter() - start)
    processor = (time.process_time() - used) / n
    p50, p95 = (float(one) for one in np.percentile(seconds, [50, 95]))
    figures = {"p50": p50, "p95": p95, "mean": float(np.mean(seconds)), "processor": processor}
    return {name: round(value, 4) for name, value in figures.items()} | {"n": n}


def main() -> None:
    """Answer the request on stdin; the figures go to stdout as one JSON line."""
    from components.application import load

    asked = json.load(sys.stdin)
    rows = [Row.model_validate(row) for row in asked["rows"]]
    candidate, machine = Candidate.model_validate(asked["candidate"]), Machine.model_validate(asked["machine"])
    with load(candidate, Store(Path(asked["store"])), machine) as application:
        seconds = latency(application.answer, rows, n=len(rows))
        counted = getattr(application.engine, "billed", {})
        billed = {name: round(tokens / (len(rows) + 1), 2) for name, tokens in counted.items()}  # one more warms up
    sys.stdout.write(json.dumps({**seconds, **billed, "memory_gb": round(_peak_bytes() / 1e9, 3)}) + "\n")


def _peak_bytes() -> int:
    """Peak resident memory of this process. On Linux from /proc, since ru_maxrss there starts at the parent's peak."""
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
