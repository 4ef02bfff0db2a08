"""The sentence of the retrieved passages that shares most words with the question (Hermann et al. 2015's word-overlap
baseline), or the abstention where the best retrieval score is below a threshold."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import Baseline, Candidate, Store
from components.text import sentences, words

from . import Reply

if TYPE_CHECKING:
    from ..answer import Hit

PACKAGES = ()
READS_INPUT = True
_COMMON = frozenset(
    words(
        "a an and are as at be by did do does for from had has have how in is it of on or that the to was were what when "
        "where which who whom whose why will with no not i mean sorry rather actually uh um er well wait make"
    )
)
"""Words that say nothing about which sentence answers: function words, and what disfluent speech repeats."""


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers from `hits`, as `baseline.abstain_below` and `baseline.sentences` say."""
    baseline = candidate.baseline or Baseline(kind="best_sentence")
    return lambda texts, hits: [
        _answer(candidate, baseline, text, of_text) for text, of_text in zip(texts, hits, strict=True)
    ]


def _answer(candidate: Candidate, baseline: Baseline, question: str, hits: Sequence["Hit"]) -> str:
    unsure = not hits or (baseline.abstain_below is not None and hits[0].score < baseline.abstain_below)
    if unsure and (candidate.abstain or not hits):
        return candidate.abstain or ""
    asked = _content(question)
    shown = [sentence for hit in hits[: candidate.texts_shown] for sentence in sentences(hit.text, lines=False)]
    # sorted() is stable: of equal sentences the earlier one stays first
    best = sorted(shown, key=lambda sentence: -len(asked & _content(sentence)))[: baseline.sentences]
    return " ".join(best)


def _content(text: str) -> set[str]:
    return {word for word in words(text) if word not in _COMMON}
