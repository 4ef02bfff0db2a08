"""How far a checkpoint reads (`Runtime.context`): whether its positions and its attention allow it, and what it costs in
memory, all said from its `config.json` and the heads of its weight files before anything is loaded.

Positions are rotated (RoPE, Su et al. 2021, arXiv:2104.09864); beyond the trained length their angles are scaled: linear
(Chen et al. 2023, arXiv:2306.15595), dynamic (NTK-aware, with the length at hand) or YaRN (Peng et al. 2023,
arXiv:2309.00071), as transformers computes them. Not covered: training to use the added length; scalings with other keys
(longrope, llama3), which a checkpoint brings in its own config.json and keeps.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ValidationError

from components.core import BadInput, Candidate, Context, Machine, Store
from components.core.artifacts import opened
from components.core.headers import parameters

from .in_process import BATCH_ROWS, BATCH_TOKENS

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

BLOCK = 64
"""Queries whose scores are held at once (attention.py, which needs torch to be read)."""
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
LIBRARIES = 0.8e9
"""Bytes of a process that has torch and transformers loaded, and no weights."""
GIGABYTE = 1e9


class Memory(NamedTuple):
    """Bytes that a process needs at its peak, when its longest prompts are read."""

    weights: float
    cache: float
    """Keys and values of every token, of every layer. A window of attention does not shrink it."""
    activations: float
    """What one layer holds at once while a prompt is read."""

    @property
    def gigabytes(self) -> float:
        """Of the whole process."""
        return (sum(self) + LIBRARIES) / GIGABYTE


def refused(candidate: Candidate, store: Store, machine: Machine) -> str:
    """Why `candidate`, whose weights are in the store, cannot read so far here; empty where it can, or nothing is asked."""
    context, model = candidate.runtime.context, candidate.model
    if context is None or model is None or not model.object:
        return ""
    return refusal(opened(store, model.object), context, candidate.runtime.dtype, machine.memory_gb)


def refusal(folder: Path, context: Context, dtype: str, memory_gb: float) -> str:
    """Why the checkpoint in `folder` cannot be run with `context`, with the figures; empty where it can.

    memory_gb: of the machine
    """
    try:
        config = _config(folder)
    except BadInput as error:
        return str(error)
    if reason := _positions(config, context):
        return reason
    needs = memory(folder, context, dtype)
    if needs.gigabytes <= memory_gb:
        return ""
    rows, parts = _rows(context.length), [f"{one / GIGABYTE:.2f} GB of {name}" for name, one in needs._asdict().items()]
    return (
        f"a context of {context.length:,} tokens needs {needs.gigabytes:.1f} GB in {dtype} ({', '.join(parts)}, {rows} "
        f"prompts at once, {LIBRARIES / GIGABYTE:g} GB of libraries) and machine.memory_gb is {memory_gb:g}: shorten "
        "selection.context.length"
    )


def memory(folder: Path, context: Context, dtype: str) -> Memory:
    """What a process that runs the checkpoint in `folder` with `context` needs, in bytes."""
    config, bytes_each = _config(folder), BYTES[dtype]
    hidden, heads = config.hidden_size, config.num_attention_heads
    size, key_heads = config.head_dim or hidden // heads, config.num_key_value_heads or heads
    tokens = _rows(context.length) * context.length
    weights = sum(parameters(file) for file in folder.glob("*.safetensors")) * bytes_each
    cache = 2 * config.num_hidden_layers * key_heads * size * tokens * bytes_each
    # a layer holds its input, that normed in float32, and what it adds, beside the larger of its two parts: queries, keys
    # and values with the copies that rotating and regrouping make, or the gate, the values and their product; and the scores
    # of a block of queries, twice
    widest = max(5 * (heads + 2 * key_heads) * size, 3 * (config.intermediate_size or 4 * hidden))
    activations = tokens * ((2 * hidden + widest + 2 * heads * BLOCK) * bytes_each + 4 * hidden)
    return Memory(weights, cache, activations)


def read_config(folder: Path, context: Context | None) -> "PreTrainedConfig":
    """transformers' own configuration of the checkpoint in `folder`, with the scaling of `context` (ask `refusal` first).
    Raises BadInput where its positions are not rotated."""
    from transformers import AutoConfig

    config: PreTrainedConfig = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if context is None or context.rope is None:
        return config
    if not getattr(config, "rope_parameters", None):
        raise BadInput(
            f"its positions are not rotated ({config.model_type}), so that selection.context.rope cannot scale them"
        )
    scaled = {**config.rope_parameters, "rope_type": context.rope, "factor": float(context.factor)}
    if context.rope == "yarn":
        scaled["original_max_position_embeddings"] = config.max_position_embeddings
    config.rope_parameters = scaled
    return config


def _rows(length: int) -> int:
    """Prompts of that length that are read at once (in_process.batches)."""
    return max(1, min(BATCH_ROWS, BATCH_TOKENS // length))


class _Config(BaseModel):
    """What is read of a checkpoint's config.json."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    intermediate_size: int | None = None
    rope_parameters: dict[str, object] | None = None
    rope_scaling: dict[str, object] | None = None
    layer_types: tuple[str, ...] | None = None
    sliding_window: int | None = None

    @property
    def scaled(self) -> str:
        """The scaling that it brings; empty where it has none."""
        rope = self.rope_parameters or self.rope_scaling or {}
        kind = str(rope.get("rope_type") or rope.get("type") or "default")
        return "" if kind == "default" else kind


def _positions(config: _Config, context: Context) -> str:
    trained = config.max_position_embeddings
    if context.rope and config.scaled:
        return f"its positions are scaled already ({config.scaled}): leave selection.context.rope out"
    if context.window and (config.sliding_window or set(config.layer_types or ()) - {"full_attention"}):
        return "its layers have attention windows of their own: leave selection.context.window out"
    if context.length > trained * context.factor:
        return (
            f"a context of {context.length:,} tokens is beyond the {trained:,} that it was trained on"
            + (f" times the factor {context.factor:g}" if context.rope else "")
            + ": shorten selection.context.length, or scale its positions (rope and factor)"
        )
    return ""


def _config(folder: Path) -> _Config:
    try:
        return _Config.model_validate_json((folder / "config.json").read_bytes())
    except ValidationError as error:
        lacking = ".".join(map(str, error.errors()[0]["loc"]))
        raise BadInput(f"its config.json does not say '{lacking}', so that nobody knows how far it reads") from error
