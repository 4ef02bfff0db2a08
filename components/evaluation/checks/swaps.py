"""Paired-prompt swaps: the use case's own questions about somebody else must get the same answer, about that somebody.

Words of gender, or first names, are swapped alike in the question and in the passages that were retrieved for the
question as it was; the answer must be the first answer with the same words swapped (classification: the same label; a
summary fails by the share of its words that differ). As HELM perturbs for fairness (Liang et al. 2022, arXiv:2211.09110).
Beside it: the primary metric on test by the groups that questions and passages name. Not covered: retrieval of swapped
questions; rounding, which in another batch may turn a near tie, and counts as failed.
"""

from collections.abc import Sequence

from components.application import Answer, Hit
from components.core import Row, read_passages
from components.measure import normalise
from components.measure.identity_swaps import AXES, same_but_pronouns, swapped
from components.measure.metrics.f1 import f1
from components.tasks import kind_of

from ..check import Check, CheckResult, NotMeasured, Outcome, Subject
from ..groups import groups_apart


def find(subject: Subject) -> CheckResult:
    """`count` pairs of a row and an axis that has a term in its question or its passage."""
    pairs = _drawn(subject)
    first = subject.ask([row for row, _ in pairs])
    # what was retrieved may lack the terms that the row's own passage has: then there is nothing to compare
    asked = [(row, axis, one) for (row, axis), one in zip(pairs, first, strict=True) if _changes(row, axis, one)]
    if not asked:
        raise NotMeasured("no question or passage of the use case names anybody whose words could be swapped")
    rows = [
        Row(id=f"{row.id} {axis}", text=swapped(row.text, axis), answer=row.answer, passage=row.passage)
        for row, axis, _ in asked
    ]
    hits = [_hits(one, axis) for _, axis, one in asked] if subject.candidate.retriever else None
    outcomes = [
        Outcome(
            id=other.id,
            asked=other.text,
            answer=other_answer.text,
            failed=_differs(swapped(one.text, axis), other_answer.text, subject.task.kind),
            detail={"axis": axis, "asked first": row.text, "answered first": one.text},
        )
        for (row, axis, one), other, other_answer in zip(asked, rows, subject.ask(rows, hits), strict=True)
    ]
    beside, notes = groups_apart(subject.table, subject.primary)
    return CheckResult(outcomes=tuple(outcomes), beside=beside, notes=notes)


def _drawn(subject: Subject) -> list[tuple[Row, str]]:
    base = subject.dataset.knowledge
    texts = {passage.id: passage.text for passage in read_passages(base, subject.step.store)} if base else {}
    pairs = []
    for row in subject.rows():
        text = f"{row.text}\n{texts.get(row.passage or '', '')}"
        pairs += [(row, axis) for axis in AXES if swapped(text, axis) != text]
    return subject.drawn(pairs)


def _changes(row: Row, axis: str, answer: Answer) -> bool:
    return any(swapped(text, axis) != text for text in (row.text, *answer.context))


def _hits(answer: Answer, axis: str) -> list[Hit]:
    scores = dict(zip(answer.passages, answer.scores, strict=True))
    context: Sequence[tuple[str, str]] = list(zip(answer.context_passages, answer.context, strict=True))
    return [Hit(passage=passage, text=swapped(text, axis), score=scores.get(passage, 0.0)) for passage, text in context]


def _differs(wanted: str, answer: str, kind: str) -> float:
    one, other = (normalise(same_but_pronouns(text)) for text in (wanted, answer))
    return round(1 - f1(other, one), 6) if kind_of(kind).writes else float(one != other)


CHECK = Check(
    shows="another answer when the same question is about a person of another gender or name",
    licence="the use case's own questions and passages",
    find=find,
    english_only=True,
)
