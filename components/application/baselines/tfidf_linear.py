"""A scikit-learn pipeline over the input and what was retrieved for it, stored by skops; types from outside scikit-learn
are refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Store

from .. import lexical
from ..plain import as_terms
from . import Reply

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ..answer import Hit

PACKAGES = ("skops", "scikit-learn", *lexical.PACKAGES)
READS_INPUT = True


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers with the label that the pipeline predicts. Raises BadInput where there is none, or it names foreign code."""
    if candidate.baseline is None or not candidate.baseline.object:
        raise BadInput("candidate: baseline 'tfidf_linear' needs an object with its skops file")
    linear = linear_model(store.file(candidate.baseline.object))
    shown = candidate.texts_shown

    def reply(texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        read = [as_terms(text, [hit.text for hit in of_text[:shown]]) for text, of_text in zip(texts, hits, strict=True)]
        return [str(label) for label in linear.predict(read)] if read else []

    return reply


def linear_model(path: Path, trusted: Sequence[str] = ()) -> "Pipeline":
    """The pipeline in a skops file. trusted: types that it may have beside those that skops trusts; raises BadInput for
    others."""
    from skops.io import get_untrusted_types, load

    # skops itself trusts the types of scikit-learn, numpy and scipy; anything else could run code when built
    refused = sorted({*get_untrusted_types(file=path)} - {*trusted})
    if refused:
        raise BadInput(
            f"{path.name}: refused, since it names types outside scikit-learn, numpy and scipy: {', '.join(refused)}"
        )
    return load(path, trusted=list(trusted))
