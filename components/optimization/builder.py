"""Building an ONNX Runtime GenAI checkpoint for the CPU out of a model and its adapter, by the runtime's own builder.

The builder runs in a process of its own with its output in a log, since it prints much and keeps several copies of the
weights. Equal inputs give equal bytes (built twice and compared). Not covered: GPU execution providers, calibration.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

from components.core import Candidate, Checkpoint, Derivation, MachineFault, MissingPackage, Step
from components.core.artifacts import opened

Kind = Literal["int8", "int4"]

OPTIONS: dict[Kind, tuple[str, ...]] = {
    "int8": ("prune_lm_head=true",),
    "int4": ("prune_lm_head=true", "algo_config=k_quant_mixed"),
}
"""Weights in blocks of 32, activations in int8. Measured on SmolLM2-135M, prompts of 239 tokens, 2 cores: logits at the last
position only raise prefill from 700 to 900 tokens a second; k-quant with its sensitive layers in int8 costs 26 MB over plain
int4, and is faster."""

CODE = ("components.optimization.builder",)


def build(candidate: Candidate, kind: Kind, step: Step) -> Checkpoint:
    """The weights of `candidate`, its adapter merged in, as a GenAI checkpoint in the store; made once (`Step.memo`).

    Raises MachineFault with the builder's last line when it fails, e.g. on an architecture that it does not know.
    """
    model = candidate.model
    assert model is not None, "only a candidate with a model is built"
    adapter = candidate.adapter.object if candidate.adapter else None

    def make(inner: Step) -> Checkpoint:
        source = base = opened(inner.store, model.object)
        if adapter:
            source = _merged(base, opened(inner.store, adapter, "adapter"), inner)
        target = inner.scratch / "onnx"
        shutil.rmtree(target, ignore_errors=True)
        _run(source, target, kind, inner)
        return Checkpoint(
            name=model.name,
            object=inner.store.put(target),
            licence=model.licence,
            origin=f"{model.origin}; {'adapter merged, ' if adapter else ''}{kind} by onnxruntime-genai's builder",
            derived_from=Derivation(
                technique="onnx",
                checkpoint=model,
                runtime=candidate.runtime,
                adapter=candidate.adapter,
                settings={"precision": kind, "options": list(OPTIONS[kind])},
                trained=candidate.adapter is not None,
            ),
        )

    return step.memo("onnx", Checkpoint, [model, candidate.adapter, candidate.runtime, kind, OPTIONS[kind]], make, code=CODE)


def _merged(model: Path, adapter: Path, step: Step) -> Path:
    """The model with the adapter's product added to its weights, in float32 so that quantising is the only loss."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()
    torch.set_num_threads(step.machine.threads)
    target = step.scratch / "merged"
    shutil.rmtree(target, ignore_errors=True)
    base = AutoModelForCausalLM.from_pretrained(
        model, dtype=torch.float32, use_safetensors=True, local_files_only=True, trust_remote_code=False
    )
    PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(target)
    AutoTokenizer.from_pretrained(model, local_files_only=True, trust_remote_code=False).save_pretrained(target)
    return target


def _run(source: Path, target: Path, kind: Kind, step: Step) -> None:
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(source), "-o", str(target)]
    command += ["-p", kind, "-e", "cpu", "-c", str(step.scratch / "cache")]
    command += ["--extra_options", "hf_remote=false", *OPTIONS[kind]]
    quiet = {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "DO_NOT_TRACK": "1"}
    # the builder writes the commit of any git repository around the environment into the model: with none to be found it
    # writes its own, and equal inputs give equal bytes
    quiet["GIT_DIR"] = os.devnull
    environment = {**os.environ, **quiet, "OMP_NUM_THREADS": str(step.machine.threads)}
    log = step.scratch / f"builder-{kind}.log"
    with log.open("w") as file:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False
        )
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    if "No module named 'onnxruntime_genai" in lines[-1] or "No module named onnxruntime_genai" in lines[-1]:
        raise MissingPackage("onnxruntime-genai", "stage optimization")
    if done.returncode or not (target / "genai_config.json").is_file():
        raise MachineFault(f"optimization: onnxruntime-genai's builder failed on {kind}: {lines[-1]}. Its log: {log}")
