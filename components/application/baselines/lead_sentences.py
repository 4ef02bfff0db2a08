"""The first sentences (the "lead" baseline of summarisation)."""

from components.core import Candidate, Store
from components.text import sentences

from . import Reply

PACKAGES = ()
READS_INPUT = True


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers with the first `sentences` sentences of a text."""
    count = candidate.baseline.sentences if candidate.baseline else 1
    return lambda texts, hits: [" ".join(sentences(text, lines=False)[:count]) for text in texts]
