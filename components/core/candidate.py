"""The Candidate: the full description of a runnable application, every part by content or by digest."""

from typing import Literal

from .digest import Frozen, short
from .use_case import TaskKind


class Checkpoint(Frozen):
    """Model weights in the store (safetensors, or ONNX where `Runtime.engine` is `onnx`)."""

    name: str
    object: str
    licence: str
    origin: str
    """Hub id with revision, asset with version, or `made on the spot`."""


class PromptTurn(Frozen):
    """One call of the model. Fields in double braces: {{input}}, {{context}}, {{previous}} (the turn before)."""

    system: str = ""
    user: str
    max_new_tokens: int = 24
    examples: tuple[tuple[str, str], ...] = ()
    """Solved cases, shown as chat turns before `user`: (asked, answered). Fields are not filled in them."""


class Prompt(Frozen):
    """A prompt as data: turns asked in order; the answer is what follows `answer_marker` in the last one."""

    method: str
    """zero_shot, one_shot, few_shot, chain_of_thought, iterative, negative, hybrid, chaining, or tuned."""
    turns: tuple[PromptTurn, ...]
    answer_marker: str = ""
    elements: dict[str, str] = {}
    """task, context, examples, persona, format, tone, input, output_indicator: what the turns were made of."""


class Retriever(Frozen):
    """How context is found. `bm25` indexes `knowledge` when loaded; the other modes read `index`. `hybrid` fuses the
    ranks of vectors and full text (LanceDB), `convex` their scores."""

    mode: Literal["bm25", "vector", "hybrid", "convex"]
    knowledge: str
    """Object with the passages."""
    top_k: int = 1
    index: str | None = None
    """Object with `chunks.jsonl` and `vectors.npy` (float32, unit length); LanceDB's table is made from it."""
    embedder: Checkpoint | None = None


class Adapter(Frozen):
    """LoRA weights (PEFT folder in the store) for `Candidate.model`."""

    object: str
    method: Literal["sft", "dpo"]


class Baseline(Frozen):
    """An application without a language model."""

    kind: Literal["best_sentence", "tfidf_linear", "lead_sentences", "constant"]
    constant: str | None = None
    object: str | None = None
    """tfidf_linear: the skops file."""
    abstain_below: float | None = None
    """best_sentence: retrieval score under which it abstains."""
    sentences: int = 1


class Quoted(Frozen):
    """Answers are words of the context in their order, or the abstention (application/quotes.py). Needs a retriever."""

    abstain_bias: float = 0.0
    """Added to the logit of the abstention's first token: above 0 it abstains more often. Set on validation (tuning)."""


class Runtime(Frozen):
    """What executes it."""

    engine: Literal["transformers", "onnx", "openai", "baseline"]
    dtype: Literal["float32", "bfloat16", "float16", "int8", "int4"] = "bfloat16"
    url: str | None = None
    """openai: the endpoint."""


class Candidate(Frozen):
    """A runnable application; `candidate.digest` is its name everywhere."""

    task: TaskKind
    labels: tuple[str, ...] = ()
    abstain: str | None = None
    runtime: Runtime
    model: Checkpoint | None = None
    baseline: Baseline | None = None
    prompt: Prompt | None = None
    retriever: Retriever | None = None
    adapter: Adapter | None = None
    quoted: Quoted | None = None

    @property
    def label(self) -> str:
        """A short name for people: `smollm2-135m-instruct · few_shot · hybrid · sft · int4 [digest]`."""
        parts = [self.model.name if self.model else "", self.baseline.kind if self.baseline else ""]
        parts += [self.prompt.method if self.prompt else "", self.retriever.mode if self.retriever else ""]
        parts += [self.adapter.method if self.adapter else "", self.runtime.dtype if self.model else ""]
        return " · ".join(part for part in parts if part) + f" [{short(self.digest)}]"

    @property
    def objects(self) -> list[str]:
        """Digests of every object that it needs to run: what a bundle holds."""
        found = [self.model.object if self.model else None, self.baseline.object if self.baseline else None]
        found += [self.adapter.object if self.adapter else None]
        if self.retriever:
            embedder = self.retriever.embedder
            found += [self.retriever.knowledge, self.retriever.index, embedder.object if embedder else None]
        return sorted({digest for digest in found if digest})
