"""Applications without a language model: the honest bar for every model.

best_sentence   the sentence of the retrieved passages that shares most words with the question (Hermann et al. 2015's
                word-overlap baseline), or the abstention where the best retrieval score is below a threshold
tfidf_linear    a scikit-learn pipeline stored by skops; types from outside scikit-learn are refused
lead_sentences  the first sentences (the "lead" baseline of summarisation)
constant        always the same text
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.core import BadInput, Candidate, Machine, Store

if TYPE_CHECKING:
    from ..answer import Hit

_END = re.compile(r"(?<=[.!?])\s+(?=\S)")
_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be by did do does for from had has have how in is it of on or that the to was were what when "
        "where which who whom whose why will with no not i mean sorry rather actually uh um er well wait make"
    )
)
"""Words that say nothing about which sentence answers: function words, and what disfluent speech repeats."""


class Engine:
    """See engines/__init__.py: `reply` instead of `generate`."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        if candidate.baseline is None:
            raise BadInput("candidate: engine 'baseline' needs a baseline")
        self.candidate, self.baseline = candidate, candidate.baseline
        self._linear: Any = None
        if self.baseline.kind == "tfidf_linear":
            if not self.baseline.object:
                raise BadInput("candidate: baseline 'tfidf_linear' needs an object with its skops file")
            self._linear = _load_linear(store.file(self.baseline.object))

    def reply(self, texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        """One answer a text. hits: what was retrieved for each, best first (empty without a retriever)."""
        kind = self.baseline.kind
        if kind == "constant":
            return [self.baseline.constant or ""] * len(texts)
        if kind == "lead_sentences":
            return [" ".join(sentences(text)[: self.baseline.sentences]) for text in texts]
        if kind == "tfidf_linear":
            return [str(label) for label in self._linear.predict(list(texts))] if len(texts) else []
        return [self._best_sentence(text, found) for text, found in zip(texts, hits, strict=True)]

    def close(self) -> None:
        """Free the linear model."""
        self._linear = None

    def _best_sentence(self, question: str, hits: Sequence["Hit"]) -> str:
        threshold = self.baseline.abstain_below
        unsure = not hits or (threshold is not None and hits[0].score < threshold)
        if unsure and (self.candidate.abstain or not hits):
            return self.candidate.abstain or ""
        top_k = self.candidate.retriever.top_k if self.candidate.retriever else 1
        asked = _content(question)
        found = [sentence for hit in hits[:top_k] for sentence in sentences(hit.text)]
        # sorted() is stable: of equal sentences the earlier one stays first
        best = sorted(found, key=lambda sentence: -len(asked & _content(sentence)))[: self.baseline.sentences]
        return " ".join(best)


def sentences(text: str) -> list[str]:
    """`text` cut after . ! or ? and white space."""
    return [part for part in _END.split(text.strip()) if part]


def _content(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if word not in _COMMON}


def _load_linear(path: Path) -> Any:
    from skops.io import get_untrusted_types, load

    # skops itself trusts the types of scikit-learn, numpy and scipy; anything else could run code when built
    refused = get_untrusted_types(file=path)
    if refused:
        raise BadInput(
            f"{path.name}: refused, since it names types outside scikit-learn, numpy and scipy: {', '.join(refused)}"
        )
    return load(path, trusted=[])
