"""A scikit-learn pipeline that says of each label how probable it is: those above one half, or the likeliest where the task
wants at least one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Store
from components.tasks import kind_of

from ..plain import as_terms
from . import Reply
from .tfidf_linear import PACKAGES, READS_INPUT, linear_model

if TYPE_CHECKING:
    import numpy as np

    from ..answer import Hit

__all__ = ["PACKAGES", "READS_INPUT", "load"]
_TRUSTED = ("sklearn.multiclass._ConstantPredictor",)
"""What scikit-learn has for a label that no training text has, or each of them; two numbers, and no code."""


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers from the pipeline in `baseline.object`, whose classes are the contract's labels in their order. Raises
    BadInput where there is none, or it names foreign code."""
    if candidate.baseline is None or not candidate.baseline.object:
        raise BadInput("candidate: baseline 'tfidf_one_vs_rest' needs an object with its skops file")
    linear = linear_model(store.file(candidate.baseline.object), _TRUSTED)
    labels, read_answer = candidate.own["label_set"], kind_of(candidate.task).read_answer

    def answer(probable: "np.ndarray") -> str:
        likely = [label for label, chance in zip(labels, probable, strict=True) if chance > 0.5]
        return read_answer(likely, candidate.own) or read_answer([labels[int(probable.argmax())]], candidate.own) or ""

    def reply(texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        return [answer(row) for row in linear.predict_proba(list(map(as_terms, texts)))] if texts else []

    return reply
