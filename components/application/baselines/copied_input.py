"""The input as it is: a translation that is none, a text in which nothing was changed."""

from components.core import Candidate, Store

from . import Reply

PACKAGES = ()
READS_INPUT = True


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers with the text, without outer space."""
    return lambda texts, hits: [text.strip() for text in texts]
