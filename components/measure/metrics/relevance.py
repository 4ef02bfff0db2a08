"""Whether an answer is one to its question: how much of the question the sentence holds that the answer came from.

A short answer repeats nothing of its question, so its words are looked for in the sources: the sentences that hold most of
them are read together with the answer (passages that answer lie close to the question's words: Yih et al. 2013, ACL, on
sentence selection by lexical overlap). Words have canonical forms (paraphrase.py), and of a question that repairs itself the
part after the repair counts.

Measured, share of pairs (the question's own answer, another's) that it orders rightly, ties half: NarrativeQA in free words,
n = 404, against an answer to another question on the same text 0.79, on another text 0.94; Disfl-QA, n = 306: 0.80 and 0.95.
An embedder does not help itself in: candidates have different ones or none, and figures of two could not be compared.
Agreement of kinds (who: a name, when: a date) was tried: alone 0.59 to 0.73, and with this it adds 0.01. Not covered:
whether the answer is right; synonyms; an answer in words that no source holds has 0 unless it repeats the question.
"""

from collections.abc import Sequence

from components.text import sentences
from components.text.paraphrase import readings, stems

from ..salience import salience
from . import Case, Definition


def relevance(question: str, answer: str, sources: Sequence[str]) -> float | None:
    """Share of the question's content words that stand in the answer or in the sentence of `sources` that holds most of it.
    None where the question or the answer has no content word, or there is no source."""
    asked, answered = readings(question)[-1].stems, set(stems(answer))
    if not asked or not answered or not sources:
        return None
    added = answered - asked  # what it says beyond the question: an echo of the question has nothing, and is found nowhere
    read = [set(stems(sentence)) for source in sources for sentence in sentences(source)]
    held = [len(added & sentence) for sentence in read]
    most = max(held, default=0)
    if not most:
        return len(asked & answered) / len(asked) if added else 0.0
    fitting = [sentence for sentence, count in zip(read, held, strict=True) if count == most]
    return max(len(asked & (sentence | answered)) for sentence in fitting) / len(asked)


def _of(case: Case) -> float | None:
    if case.abstained:
        return None
    # a summary answers no question: what its document is about takes the question's place
    return relevance(case.asked, case.text, case.context) if case.kind.asks else salience(case.text, case.row.text)


METRICS = (
    Definition(
        name="relevance",
        meaning="share of a question's words that stand in the answer or in the sentence it came from",
        per_example=_of,
    ),
)
