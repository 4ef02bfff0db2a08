"""One of the training answers, drawn by the input's text: right as often as the answers' frequencies alone make it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Store, digest_of, read_jsonl

from . import Reply

if TYPE_CHECKING:
    from ..answer import Hit

PACKAGES = ()
READS_INPUT = False


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers from its object, `answers.jsonl`. Raises BadInput where there is none."""
    if candidate.baseline is None or not candidate.baseline.object:
        raise BadInput("candidate: baseline 'shuffled' needs an object with the answers")
    answers = [str(line["answer"]) for line in read_jsonl(store.file(candidate.baseline.object))]

    def reply(texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        return [answers[int(digest_of(text), 16) % len(answers)] for text in texts]

    return reply
