"""Weights in int4 (blocks of 32, activations in int8; k-quant, sensitive layers in int8) on ONNX Runtime GenAI, for a CPU.

The sensitive layers cost 26 MB over plain int4 on SmolLM2-135M, and k-quant is faster.
"""

from components.core import Candidate, Frozen, Step

from ..builder import build as onnx
from . import Given

BITS = 4
PACKAGES = ("onnxruntime-genai",)


class Settings(Frozen):
    """None of its own."""


def build(candidate: Candidate, own: Settings, given: Given, step: Step) -> Candidate:
    """`candidate` with its weights in int4."""
    return onnx(candidate, "int4", ("prune_lm_head=true", "algo_config=k_quant_mixed"), step)
