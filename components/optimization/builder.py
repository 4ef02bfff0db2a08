"""Building an ONNX Runtime GenAI checkpoint for the CPU out of a model and its adapter, by the runtime's own builder.

The builder runs in a process of its own with its output in a log, since it prints much and keeps several copies of the
weights. Equal inputs give equal bytes (built twice and compared). Not covered: GPU execution providers, calibration.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from components.application import weights
from components.core import Candidate, Checkpoint, Derivation, MachineFault, MissingPackage, Runtime, Step

CODE = ("components.optimization.builder",)


def build(candidate: Candidate, technique: str, options: tuple[str, ...], step: Step) -> Candidate:
    """`candidate` on ONNX Runtime, its weights (adapter merged in) as a GenAI checkpoint of the precision `technique` (int8,
    int4) in the store; made once (`Step.memo`).

    options: of the builder. Raises MachineFault with the builder's last line when it fails, e.g. on an architecture that it
    does not know.
    """
    model, adapter = candidate.model, candidate.adapter
    assert model is not None, "only a candidate with a model is built"

    def make(inner: Step) -> Checkpoint:
        target = inner.scratch / "onnx"
        shutil.rmtree(target, ignore_errors=True)
        # float32, so that quantising is the only loss
        source = weights(candidate, inner.store, inner.scratch / "merged", "float32")
        _run(source, target, technique, options, inner)
        return Checkpoint(
            name=model.name,
            object=inner.store.put(target),
            licence=model.licence,
            origin=f"{model.origin}; {'adapter merged, ' if adapter else ''}{technique} by onnxruntime-genai's builder",
            derived_from=Derivation(
                technique=technique,
                checkpoint=model,
                runtime=candidate.runtime,
                adapter=adapter,
                settings={"options": list(options)},
                trained=adapter is not None,
            ),
        )

    onnx = step.memo("onnx", Checkpoint, [model, adapter, candidate.runtime, technique, options], make, code=CODE)
    return candidate.model_copy(update={"model": onnx, "adapter": None, "runtime": Runtime(engine="onnx", dtype=technique)})


def _run(source: Path, target: Path, precision: str, options: tuple[str, ...], step: Step) -> None:
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(source), "-o", str(target)]
    command += ["-p", precision, "-e", "cpu", "-c", str(step.scratch / "cache")]
    command += ["--extra_options", "hf_remote=false", *options]
    quiet = {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "DO_NOT_TRACK": "1"}
    # the builder writes the commit of any git repository around the environment into the model: with none to be found it
    # writes its own, and equal inputs give equal bytes
    quiet["GIT_DIR"] = os.devnull
    environment = {**os.environ, **quiet, "OMP_NUM_THREADS": str(step.machine.threads)}
    log = step.scratch / f"builder-{precision}.log"
    with log.open("w") as file:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False
        )
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    if "No module named 'onnxruntime_genai" in lines[-1] or "No module named onnxruntime_genai" in lines[-1]:
        raise MissingPackage("onnxruntime-genai", "stage optimization")
    if done.returncode or not (target / "genai_config.json").is_file():
        raise MachineFault(f"optimization: onnxruntime-genai's builder failed on {precision}: {lines[-1]}. Its log: {log}")
