"""How much longer work on two threads takes beside other busy processes: as the product's processes run, and as torch does.

    python -m bench neighbours

Threads of a pool that have finished their share wait for the others. libgomp, which torch's CPU wheels bring, lets them
spin for milliseconds: beside a busy process the spinning thread holds the very core that the thread it waits for needs.
`flows/__init__.py` says how long they may. The work is that of SmolLM2-135M's linear layers on 512 tokens, between
element-wise operations, so that threads meet as often as in a model; the busy neighbours are plain Python loops. Each
figure is the best of three, all in one session, whose processes the kernel treats alike. Not covered: busy memory.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from . import Figure

NEIGHBOURS = {1: 1.6, 2: 2.5}
"""Busy neighbours → times as long that work may take beside them. A fair share alone is 1.5 to 2 times."""
REPEATS = 3
WORK = """
import sys, time, flows, torch
from components.core.rates import SHAPES
torch.set_num_threads(2)
layers = [(torch.randn(512, size), torch.randn(width, size)) for size, width in SHAPES["smollm2-135m"]]
def block():
    for x, weight in layers:
        torch.nn.functional.silu(torch.nn.functional.linear(x, weight)).add_(1)
for _ in range(5):
    block()
start = time.perf_counter()
for _ in range(60):
    block()
print(time.perf_counter() - start)
"""
PLAIN = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"


def run(step_home: Path) -> dict[str, Figure]:
    """Seconds beside one and two busy neighbours, against those alone; the same where torch's threads spin as they come."""
    figures: dict[str, Figure] = {}
    for side, work in (("", WORK), (", with torch's own waiting", WORK.replace("flows, ", ""))):
        alone = _seconds(work)
        for count, limit in NEIGHBOURS.items():
            busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
            try:
                time.sleep(0.5)
                beside = _seconds(work)
            finally:
                for process in busy:
                    process.kill()
                    process.wait()
            words = f"work on two threads beside {count} busy process{'es' if count > 1 else ''}{side}"
            figures[f"{words} (aim: {limit:g})"] = {
                "value": round(beside, 3), "unit": "s", "against": round(alone, 3), "ratio": round(beside / alone, 2)
            }  # fmt: skip
    return figures


def _seconds(work: str) -> float:
    own = {name: value for name, value in os.environ.items() if name not in PLAIN}
    command = [sys.executable, "-c", work]
    return min(
        float(subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout) for _ in range(REPEATS)
    )
