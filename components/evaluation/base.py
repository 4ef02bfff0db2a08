"""The same application on the weights as they came, and what is known of it."""

from components.core import Candidate, Evidence

UNKNOWN = (
    "the model was trained elsewhere, and what it was made from is not known "
    "(ninefold register --made-from says it, and its weights are then the base)"
)


def on_base_weights(candidate: Candidate) -> tuple[Candidate | None, str]:
    """(the same application (prompt, retriever, quotes) on the first weights of the chain, or None; why it is None)."""
    if candidate.model is None:
        return None, "there is no base model to compare with"
    base = candidate.base
    if base is None:
        return None, "the base model's weights are not here to be asked" if not candidate.model.object else UNKNOWN
    return base, ""


def known(candidate: Candidate, measured: dict[str, Evidence]) -> Evidence | None:
    """What was measured of `candidate`, under whichever name."""
    return next((evidence for evidence in measured.values() if evidence.candidate == candidate.digest), None)
