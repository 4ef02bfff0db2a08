"""What a candidate was made from: the model as it came, and the same application on its weights."""

from collections.abc import Sequence

from components.core import Candidate, Evidence


def base_of(candidate: Candidate, references: Sequence[Candidate]) -> Candidate | None:
    """The model as it came: the candidate without its adapter, or where its weights were rebuilt for a faster runtime, the
    reference with the same model in its first form."""
    assert candidate.model is not None, "a baseline has no base model"
    if candidate.runtime.engine == "transformers":
        return candidate.model_copy(update={"adapter": None})
    if candidate.runtime.engine == "openai":
        return None
    same = [
        one.model_copy(update={"adapter": None})
        for one in references
        if one.model and one.model.name == candidate.model.name and one.runtime.engine == "transformers"
    ]
    return same[0] if same else None


def on_base_weights(candidate: Candidate, references: dict[str, Candidate], origin_known: bool) -> Candidate | None:
    """The same application (prompt, retriever, quotes) on the base model's weights; None where these are not here."""
    base = base_of(candidate, list(references.values())) if candidate.model is not None and origin_known else None
    if base is None:
        return None
    same = {"prompt": candidate.prompt, "retriever": candidate.retriever, "quoted": candidate.quoted}
    return base.model_copy(update=same)


def known(candidate: Candidate, measured: dict[str, Evidence]) -> Evidence | None:
    """What was measured of `candidate`, under whichever name."""
    return next((evidence for evidence in measured.values() if evidence.candidate == candidate.digest), None)
