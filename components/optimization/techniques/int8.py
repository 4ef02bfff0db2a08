"""Weights in int8 (blocks of 32, activations in int8) on ONNX Runtime GenAI, for a CPU.

Logits at the last position only raise prefill from 700 to 900 tokens a second (SmolLM2-135M, prompts of 239 tokens, two
cores).
"""

from components.core import Candidate, Frozen, Step

from ..builder import build as onnx
from . import Given

BITS = 8
PACKAGES = ("onnxruntime-genai",)


class Settings(Frozen):
    """None of its own."""


def build(candidate: Candidate, own: Settings, given: Given, step: Step) -> Candidate:
    """`candidate` with its weights in int8."""
    return onnx(candidate, "int8", ("prune_lm_head=true",), step)
