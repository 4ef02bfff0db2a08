"""Continued pre-training on unlabelled documents before supervised tuning, by the same technique.

An adapter that documents taught is where supervised tuning starts; weights that they changed are what it changes further. It
is done once (`Step.memo`): made rows, and another rung with the same settings, start from the same weights. How likely the
model holds the domain's held-out documents and a general text is measured before and after, so that what it forgets is seen.
Supervised tuning is not run a second time without it: what the two together gain over the candidate at hand decides.
Not covered: a search (`minutes`); documents of other languages than the general text.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from components.core import Candidate, Dataset, Frozen, Passage, Split, Step, part, read_passages
from components.core.artifacts import opened
from components.core.memory import give_back
from components.measure import of_two_means
from components.training import DOCUMENTS, Pretrained, Recipe, Texts, tuned
from components.training.objectives import objective

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from .stage import Config

CODE = ("components.tuning.pretraining",)
LONGEST = 512
"""Tokens of a document that measure the model."""


class Pretraining(Frozen):
    """How documents are learned from. Technique, layers, batches and seed are those of tuning."""

    objective: str = "causal"
    """A file of `training/objectives` that takes documents: causal (each next token), denoising (spans that were taken
    out), mixture (some blocks one way, some the other)."""
    documents_at_most: int = Field(1000, ge=1)
    """Documents that are trained on, in an order that the splits' seed gives."""
    epochs: float = Field(1, gt=0)
    """Passes over them."""
    learning_rate: float | None = Field(None, gt=0)
    """As learning_rate, for the documents."""
    perplexity_tokens: int = Field(20_000, ge=100)
    """About so many tokens of held-out documents, and as many of the general text, measure the model before and after."""
    settings: dict[str, object] = {}
    """The objective's own."""

    @field_validator("objective")
    @classmethod
    def _objective_takes_documents(cls, name: str) -> str:
        if name not in DOCUMENTS:
            raise ValueError(f"'{name}' learns from no documents; allowed: {', '.join(DOCUMENTS)}")
        return name

    @model_validator(mode="after")
    def _settings_are_the_objectives(self) -> Self:
        kind = objective(self.objective).Settings
        if unknown := sorted(self.settings.keys() - kind.model_fields.keys()):
            known = ", ".join(kind.model_fields)
            raise ValueError(f"settings: key '{unknown[0]}' is not known; objective '{self.objective}' has: {known}")
        try:
            kind.model_validate(self.settings)
        except ValidationError as error:
            wrong = error.errors()[0]
            raise ValueError(f"settings: key '{wrong['loc'][0]}': {wrong['msg']} (found {wrong['input']!r})") from error
        return self


class Begun(Frozen):
    """candidate: with what the documents taught. told: what it came to."""

    candidate: Candidate
    told: Pretrained


def begun(config: "Config", candidate: Candidate, dataset: Dataset, step: Step) -> Begun | None:
    """`candidate` after pre-training, which is sealed by itself; None where the settings ask for none. Raises Diverged."""
    asked = config.pretraining
    if asked is None:
        return None
    documents, inside, outside = dataset.documents, dataset.documents_in_domain, dataset.documents_out_of_domain
    assert documents is not None, "check_settings asks for a source"
    assert inside is not None, "the data stage holds some out"
    assert outside is not None, "and brings a general text"
    rates = {"epochs": asked.epochs, "learning_rate": asked.learning_rate}
    recipe = config.recipe(candidate.runtime).model_copy(update=rates)

    def make(inner: Step) -> Begun:
        with part("pretraining"):
            return _made(asked, recipe, candidate, documents, (inside, outside), inner)

    beside = replace(step, measured={})
    found = beside.memo("pretraining", Begun, [asked, recipe, candidate, documents, inside, outside], make, code=CODE)
    (step.measured["pretraining"],) = beside.measured["pretraining"].values()
    return found


def _made(
    asked: Pretraining, recipe: Recipe, candidate: Candidate, documents: Split, measured_on: tuple[Split, Split], step: Step
) -> Begun:
    from components.training.loop import load_tokenizer

    assert candidate.model is not None, "tune checks it"
    base = opened(step.store, candidate.model.object)
    tokenizer, way = load_tokenizer(base), objective(asked.objective)
    read = read_passages(documents, step.store)[: asked.documents_at_most]
    passages = [read_passages(split, step.store) for split in measured_on]
    texts = [_first(tokenizer, some, asked.perplexity_tokens) for some in passages]
    before = [_nats(recipe, candidate, some, step) for some in texts]
    own = way.Settings.model_validate(asked.settings)
    trained = way.train(recipe, own, base, _tokens(tokenizer, read), step.scratch, step.machine)
    step.measured.update(trained.measured)
    after_it = tuned(candidate, recipe, asked.objective, trained, step.store)
    after = [_nats(recipe, after_it, some, step) for some in texts]
    told = Pretrained(
        objective=asked.objective,
        technique=recipe.technique,
        documents=len(read),
        texts=(
            *_compared("in the domain", passages[0], texts[0], before[0], after[0]),
            *_compared("outside", passages[1], texts[1], before[1], after[1]),
        ),
    )
    return Begun(candidate=after_it, told=told)


def _tokens(tokenizer: "PreTrainedTokenizerBase", passages: Sequence[Passage]) -> list[list[int]]:
    texts = [one.text for one in passages]
    return list(tokenizer(texts, add_special_tokens=False, verbose=False).input_ids) if texts else []


def _first(tokenizer: "PreTrainedTokenizerBase", passages: Sequence[Passage], tokens: int) -> list[list[int]]:
    """The beginnings of the first documents, until there are `tokens` of them."""
    chosen: list[list[int]] = []
    for ids in _tokens(tokenizer, passages):
        if sum(map(len, chosen)) >= tokens:
            break
        if len(ids) > 1:
            chosen.append(ids[:LONGEST])
    return chosen


def _nats(recipe: Recipe, candidate: Candidate, texts: Sequence[Sequence[int]], step: Step) -> list[float]:
    from components.training.perplexity import nats

    assert candidate.model is not None, "tune checks it"
    base = opened(step.store, candidate.model.object)
    adapter = opened(step.store, candidate.adapter.object, "adapter") if candidate.adapter else None
    try:
        return nats(recipe, base, adapter, texts, step.machine)
    finally:
        give_back()


def _compared(
    where: Literal["in the domain", "outside"],
    passages: Sequence[Passage],
    texts: Sequence[Sequence[int]],
    before: Sequence[float],
    after: Sequence[float],
) -> list[Texts]:
    """One Texts; none where there is no text."""
    tokens = [float(len(ids) - 1) for ids in texts]
    if not tokens:
        return []
    changes = [late - early for early, late in zip(before, after, strict=True)]
    source = ", ".join(dict.fromkeys(one.source for one in passages))
    return [
        Texts(
            where=where,
            source=source,
            documents=len(texts),
            tokens=int(sum(tokens)),
            before=round(sum(before) / sum(tokens), 4),
            after=round(sum(after) / sum(tokens), 4),
            change=of_two_means(changes, tokens, lambda change, count: change / count),
        )
    ]
