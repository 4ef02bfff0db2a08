"""What a candidate was made from: the model as it came, and the same application on its weights."""

from collections.abc import Sequence

from components.core import Candidate, Checkpoint, Evidence

UNKNOWN = (
    "the model was trained elsewhere, and what it was made from is not known "
    "(ninefold register --made-from says it, and its weights are then the base)"
)


def base_of(candidate: Candidate, references: Sequence[Candidate], made_from: Checkpoint | None = None) -> Candidate | None:
    """The model as it came: the candidate without its adapter, or where its weights were rebuilt for a faster runtime, the
    reference with the same model in its first form. made_from: takes the model's place, where it was trained elsewhere."""
    assert candidate.model is not None, "a baseline has no base model"
    base = _first_form(candidate, references)
    if base is None:
        return None
    return base.model_copy(update={"adapter": None, "model": made_from or base.model})


def _first_form(candidate: Candidate, references: Sequence[Candidate]) -> Candidate | None:
    if candidate.runtime.engine == "transformers":
        return candidate
    assert candidate.model is not None, "asked for a model"
    same = (
        one
        for one in references
        if one.model and one.model.name == candidate.model.name and one.runtime.engine == "transformers"
    )
    return None if candidate.runtime.engine == "openai" else next(same, None)


def on_base_weights(
    candidate: Candidate, references: Sequence[Candidate], origin_known: bool, made_from: Checkpoint | None = None
) -> tuple[Candidate | None, str]:
    """(the same application (prompt, retriever, quotes) on the base model's weights, or None; why it is None)."""
    if candidate.model is None:
        return None, "there is no base model to compare with"
    if not (origin_known or made_from):
        return None, UNKNOWN
    base = base_of(candidate, references, made_from)
    if base is None:
        return None, "the base model's weights are not here to be asked"
    same = {"prompt": candidate.prompt, "retriever": candidate.retriever, "quoted": candidate.quoted}
    return base.model_copy(update=same), ""


def trained(candidate: Candidate, references: Sequence[Candidate], elsewhere: bool) -> bool:
    """Whether its weights are others than those of the model as it came; where nothing tells, they may be."""
    first = _first_form(candidate, references) if candidate.model else None
    return elsewhere or first is None or first.adapter is not None


def known(candidate: Candidate, measured: dict[str, Evidence]) -> Evidence | None:
    """What was measured of `candidate`, under whichever name."""
    return next((evidence for evidence in measured.values() if evidence.candidate == candidate.digest), None)
