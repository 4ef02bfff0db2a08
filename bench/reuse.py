"""A finished run repeated, and `--help`, beside what Prefect alone needs for nine steps that do nothing; whole processes.

The finished run is the smoke profile's: what is measured is recognising it, not running it. Median of five. Not covered:
a shared Prefect server (it saves the peer its start of about six seconds).
"""

import os
import statistics
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from components.core.code import ROOT

from . import Figure

REPEATS = 5
PEER = textwrap.dedent("""
    from prefect import flow, task
    from prefect.cache_policies import INPUTS

    @task(cache_policy=INPUTS, persist_result=True)
    def step(number):
        return number

    @flow
    def nine():
        for number in range(9):
            step(number)

    nine()
""")


def run(step_home: Path) -> dict[str, Figure]:
    """Seconds of a whole process, ours and Prefect's nine cached no-op steps."""
    home = step_home / "home"
    home.mkdir()
    assets = ROOT / ".ninefold" / "assets"
    if assets.is_dir():
        (home / "assets").symlink_to(assets)
    environment = {**os.environ, "NINEFOLD_HOME": str(home), "PREFECT_HOME": str(step_home / "prefect")}
    environment |= {"PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    ninefold = [sys.executable, "-m", "flows.cli"]
    again = [*ninefold, "run", "flows/use_cases/voice_helpdesk.yaml", "--profile", "smoke"]
    _seconds(again, environment)
    peer = statistics.median(_seconds([sys.executable, "-c", PEER], environment) for _ in range(REPEATS))
    ours = statistics.median(_seconds(again, environment) for _ in range(REPEATS))
    help_ = statistics.median(_seconds([*ninefold, "--help"], environment) for _ in range(REPEATS))
    peer_help = statistics.median(_seconds([sys.executable, "-m", "prefect", "--help"], environment) for _ in range(REPEATS))
    return {
        "a finished run repeated, against nine cached no-op Prefect tasks": _figure(ours, peer),
        "ninefold --help, against prefect --help": _figure(help_, peer_help),
    }


def _figure(ours: float, peer: float) -> Figure:
    return {"value": round(ours, 3), "unit": "s", "against": round(peer, 3), "ratio": round(ours / peer, 3)}


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} failed: {done.stderr[-500:]}")
    return time.perf_counter() - started
