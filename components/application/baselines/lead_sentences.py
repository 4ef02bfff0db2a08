"""The first sentences (the "lead" baseline of summarisation)."""

import re

from components.core import Candidate, Store

from . import Reply

PACKAGES = ()
_END = re.compile(r"(?<=[.!?])\s+(?=\S)")


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers with the first `sentences` sentences of a text."""
    count = candidate.baseline.sentences if candidate.baseline else 1
    return lambda texts, hits: [" ".join(sentences(text)[:count]) for text in texts]


def sentences(text: str) -> list[str]:
    """`text` cut after . ! or ? and white space."""
    return [part for part in _END.split(text.strip()) if part]
