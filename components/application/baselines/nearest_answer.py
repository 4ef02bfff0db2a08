"""The answer to the training input that shares most words with what is asked, by BM25; the first of equally near ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Store, read_jsonl

from ..lexical import PACKAGES, Lexical
from . import Reply

if TYPE_CHECKING:
    from ..answer import Hit

__all__ = ["PACKAGES", "READS_INPUT", "load"]
READS_INPUT = True


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers from its object, lines of {"text", "answer"}. Raises BadInput where there is none."""
    if candidate.baseline is None or not candidate.baseline.object:
        raise BadInput("candidate: baseline 'nearest_answer' needs an object with inputs and answers")
    lines = list(read_jsonl(store.file(candidate.baseline.object)))
    answers, index = [str(line["answer"]) for line in lines], Lexical([str(line["text"]) for line in lines])

    def reply(texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        return [answers[int(row.argmax())] for row in index.scores(texts)]

    return reply
