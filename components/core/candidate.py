"""The Candidate: the full description of a runnable application, every part by content or by digest."""

from math import tanh
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from .digest import Frozen, short
from .errors import Damaged, OtherVersion


class Checkpoint(Frozen):
    """Model weights in the store: safetensors, or what the runtime's engine reads."""

    name: str
    object: str
    """Empty where a server has them."""
    licence: str
    origin: str
    """Hub id with revision, asset with version, or `made on the spot`."""
    derived_from: "Derivation | None" = None
    """How they were made from other weights; None: they are used as they came."""

    @property
    def trained(self) -> bool:
        """Whether training changed these weights anywhere in their chain; where nobody knows the chain, it may have."""
        step = self.derived_from
        return step is not None and (step.trained or step.checkpoint is None or step.checkpoint.trained)

    @property
    def taught(self) -> tuple[str, ...]:
        """How training changed these weights, first to last, in words: `lora sft` of a merged adapter, `full`, `head`."""
        step = self.derived_from
        if step is None:
            return ()
        merged = f"{step.adapter.technique} {step.adapter.objective}" if step.adapter else ""
        here = merged or (step.technique if step.trained else "")
        return (*(step.checkpoint.taught if step.checkpoint else ()), *([here] if here else []))

    @property
    def first(self) -> "Checkpoint":
        """The first weights of the chain, as far as it is known."""
        before = self.derived_from.checkpoint if self.derived_from else None
        return before.first if before else self


class Derivation(Frozen):
    """How weights were made from others: full tuning, merging, pruning, distillation, quantising."""

    technique: str
    """A file of `training/techniques` or `optimization/techniques`, or `elsewhere`."""
    checkpoint: Checkpoint | None
    """What they were made from; None: made elsewhere, and nobody said from what."""
    runtime: "Runtime | None" = None
    """What ran that checkpoint; None: what runs these weights."""
    prompt: "Prompt | None" = Field(None, exclude_if=lambda prompt: prompt is None)  # others keep their digests
    """What asked that checkpoint, where these weights answer without a prompt."""
    adapter: "Adapter | None" = None
    """Merged into the weights first."""
    settings: dict[str, object] = {}
    """The technique's own settings."""
    trained: bool = False
    """Whether training changed the weights, here or in the merged adapter."""


class PromptTurn(Frozen):
    """One call of the model. Fields in double braces: {{input}}, {{context}}, {{previous}} (the turn before); in
    place of {{input}} {{message}}, where inputs are conversations: the user's last turn, those before it are chat turns."""

    system: str = ""
    user: str
    max_new_tokens: int = 24
    examples: tuple[tuple[str, str], ...] = ()
    """Solved cases, shown as chat turns before `user`: (asked, answered). Fields are not filled in them."""


class Refinement(Frozen):
    """One more turn for answers that have a fault."""

    fault: str
    """A file of `application/refinements`: too_long, too_short, wrong_focus, wrong_form."""
    settings: dict[str, object]
    """What that file must know of the contract to find it."""


class Prompt(Frozen):
    """A prompt as data: turns asked in order; the answer is what follows `answer_marker` in the last one."""

    method: str
    """basic, bare (the input alone), zero_shot, one_shot, few_shot, chain_of_thought, iterative, negative, hybrid,
    chaining, or tuned."""
    turns: tuple[PromptTurn, ...]
    answer_marker: str = ""
    elements: dict[str, str] = {}
    """task, context, examples, persona, format, tone, input, output_indicator, and those that were added (prompting/
    principles): what the turns were made of."""
    delimited: bool = Field(False, exclude_if=lambda delimited: not delimited)  # others keep their digests
    """What fills the fields stands between marks that it cannot close (components/text/fenced.py)."""
    refinements: tuple[Refinement, ...] = Field((), exclude_if=lambda refinements: not refinements)
    """Faults for which an answer is asked for once more, in this order."""


class Retriever(Frozen):
    """How context is found: `scoring` ranks, over vectors that `store` keeps."""

    scoring: str
    """A file of `application/scoring`: bm25, vector, rrf, convex, rerank."""
    store: str | None = None
    """A file of `application/stores` (numpy, lance), for a scoring that reads vectors."""
    knowledge: str
    """Object with the passages."""
    top_k: int = 1
    index: str | None = None
    """Object with `chunks.jsonl` and `vectors.npy` (float32, unit length); a store's own form is made from it."""
    embedder: Checkpoint | None = None
    fitted: str | None = Field(None, exclude_if=lambda fitted: fitted is None)  # others keep their digests
    """Object with what its scoring learned from training rows (rerank), as a file."""

    @property
    def learned(self) -> bool:
        """Whether its scoring or its embedder learned from training rows here."""
        return self.fitted is not None or (self.embedder is not None and self.embedder.trained)


class Adapter(Frozen):
    """Weights beside `Candidate.model` (PEFT folder in the store)."""

    object: str
    technique: str
    """A file of `training/techniques`: lora, ia3, …"""
    objective: str
    """A file of `training/objectives`, the last one trained by: sft, dpo."""


class Baseline(Frozen):
    """An application without a language model."""

    kind: str
    """The name of a file in `components/application/baselines/`."""
    constant: str | None = None
    object: str | None = None
    """What was fitted, as a file."""
    abstain_below: float | None = None
    """Retrieval score under which it abstains."""
    sentences: int = 1
    """How many of them an answer has."""


class Quoted(Frozen):
    """Answers are words of the context in their order, or the abstention (application/quotes.py). Needs a retriever, or
    texts that come with the questions."""

    abstain_bias: float = 0.0
    """Added to the logit of the abstention's first token: above 0 it abstains more often. Set on validation (tuning)."""
    calibration: tuple[float, float] | None = Field(None, exclude_if=lambda calibration: calibration is None)
    """Slope and intercept: how the margin of the abstention over the best quote, in logits and before the bias, becomes the
    log-odds that there is no answer. Fitted on validation (tuning)."""

    def no_answer(self, margin: float | None) -> float | None:
        """Probability that there is no answer, by the `margin` of the abstention; None where one of the two is missing."""
        if self.calibration is None or margin is None:
            return None
        slope, intercept = self.calibration
        return 0.5 + 0.5 * tanh((slope * margin + intercept) / 2)  # the logistic function, which cannot overflow


class Context(Frozen):
    """How far a decoder of engine `transformers` reads, in place of the model's own window and of the first words of a text
    that prompts show otherwise."""

    length: int = Field(ge=64)
    """Tokens of a prompt with its answer. What lies beyond is cut, and counted."""
    rope: Literal["linear", "dynamic", "yarn"] | None = None
    """How the angles of its positions are scaled to reach beyond the length that it was trained on."""
    factor: float = Field(1.0, ge=1)
    """By how much; of `rope`."""
    window: int | None = Field(None, ge=1)
    """Tokens that each one attends to, itself and those before it; None: all of them (full attention)."""

    @model_validator(mode="after")
    def _a_scaling_has_its_factor(self) -> "Context":
        if (self.rope is None) != (self.factor == 1):
            raise ValueError("'rope' and a 'factor' above 1 go together: give both, or none of them")
        return self


class Reading(Frozen):
    """How a text longer than `words` is read in parts (components/application/reading)."""

    way: str
    """A file of `application/reading`: sliding_window, map_reduce."""
    words: int = Field(300, ge=20)
    """Of a part."""
    overlap: int = Field(60, ge=0)
    """Words that neighbouring parts share."""

    @model_validator(mode="after")
    def _parts_go_on(self) -> "Reading":
        if self.overlap >= self.words:
            raise ValueError(f"parts of {self.words} words cannot share {self.overlap}: share fewer")
        return self


class Runtime(Frozen):
    """What executes it."""

    engine: str
    """A file of `application/engines`: transformers, onnx, openai, baseline."""
    dtype: str = "float32"
    """Of the weights while they run: float32, bfloat16, float16, int8, int4. One for base, tuned and finalist of a run."""
    url: str | None = None
    """openai: the endpoint."""
    context: Context | None = Field(None, exclude_if=lambda context: context is None)  # others keep their digests
    """How far it reads; None: as far as the model's own window goes, and of a text only its first words."""

    @property
    def whole(self) -> bool:
        """Whether prompts show texts whole, as far as the window goes, and not their first words."""
        return self.context is not None


class Candidate(Frozen):
    """A runnable application; `candidate.digest` is its name everywhere."""

    task: str
    """The kind of task: a file in `components/tasks/`."""
    labels: tuple[str, ...] = ()
    """The allowed answers; none: answers are free."""
    abstain: str | None = None
    """What it says when there is no answer."""
    own: dict[str, Any] = {}
    """What else its kind of task must know of an answer, as the contract has it; of a classifier also `model_labels`: what
    its own labels are among `labels`, where they have other names; of an endpoint `fixed_answers`: what its model answered
    when it was selected."""
    runtime: Runtime
    model: Checkpoint | None = None
    baseline: Baseline | None = None
    prompt: Prompt | None = None
    retriever: Retriever | None = None
    adapter: Adapter | None = None
    quoted: Quoted | None = None
    reading: Reading | None = Field(None, exclude_if=lambda reading: reading is None)  # others keep their digests
    """None: a text is read whole, as far as the prompt shows it."""

    @property
    def given(self) -> bool:
        """Whether each question comes with the text that it is about (components/text/given.py)."""
        return self.own.get("context") == "given"

    @property
    def texts_shown(self) -> int:
        """How many texts its prompt shows beside the question: those that are retrieved, or the one that comes with it."""
        return self.retriever.top_k if self.retriever else int(self.given)

    @property
    def base(self) -> "Candidate | None":
        """The same application on the first weights of the chain, as they came: what worsening is measured against. None
        without a model, where the weights were changed elsewhere and nobody said from what, or are on a server."""
        model, runtime, prompt = self.model, self.runtime, self.prompt
        while model and model.derived_from:
            runtime, prompt = model.derived_from.runtime or runtime, model.derived_from.prompt or prompt
            model = model.derived_from.checkpoint
        if model is None or not model.object:
            return None
        return self.model_copy(update={"model": model, "runtime": runtime, "prompt": prompt, "adapter": None})

    @property
    def instructed(self) -> bool:
        """Whether it reads an instruction, so that another prompt could change what it says."""
        return self.prompt is not None and self.prompt.method != "bare"

    @property
    def trained(self) -> bool:
        """Whether its weights are others than those of the model as it came; where nobody knows, they may be."""
        return self.model is not None and (self.adapter is not None or self.model.trained)

    @property
    def label(self) -> str:
        """A short name for people: `smollm2-135m-instruct · few_shot · convex · lora sft · int4 [digest]`."""
        parts = [self.model.name if self.model else "", *(self.model.taught if self.model else ())]
        parts += [self.baseline.kind if self.baseline else ""]
        parts += [self.prompt.method if self.prompt else "", self.reading.way if self.reading else ""]
        parts += [self.retriever.scoring if self.retriever else ""]
        parts += [f"{self.adapter.technique} {self.adapter.objective}" if self.adapter else ""]
        parts += [self.runtime.dtype if self.model else ""]
        return " · ".join(part for part in parts if part) + f" [{short(self.digest)}]"

    @property
    def objects(self) -> list[str]:
        """Digests of every object that it needs to run: what a bundle holds."""
        digests = [self.model.object if self.model else None, self.baseline.object if self.baseline else None]
        digests += [self.adapter.object if self.adapter else None]
        if self.retriever:
            embedder = self.retriever.embedder
            digests += [self.retriever.knowledge, self.retriever.index, embedder.object if embedder else None]
            digests += [self.retriever.fitted]
        return sorted({digest for digest in digests if digest})


def read_candidate(path: Path, what: str) -> Candidate:
    """The Candidate in the file `path`; what: what it is of, for people.

    Raises OtherVersion for one that another Ninefold described in other words, Damaged for a torn file.
    """
    try:
        return Candidate.model_validate_json(path.read_bytes())
    except ValidationError as error:
        wrong = error.errors()[0]
        if wrong["type"] == "json_invalid":
            advice = f"delete {path.parent} and run its use case again: the deployment stage makes it again"
            raise Damaged(path, wrong["msg"], advice) from error
        key = ".".join(map(str, wrong["loc"]))
        raise OtherVersion(
            f"{what} was described by another version of Ninefold (key '{key}': {wrong['msg'].lower()}), and "
            "this one does not read it. Run its use case again (`ninefold run <use case>`), which releases it anew as the "
            "next version; or use the Ninefold that made it"
        ) from error
