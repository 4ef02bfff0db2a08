"""What a use case's answers are like, told from its training rows: a few that come again and again, or words of texts."""

from collections import Counter
from collections.abc import Mapping, Sequence

from components.core import Row
from components.text import holds

from .normalise import normalise

FEW = 12
"""Distinct answers that are still a closed set, as labels are."""
EACH = 5
"""Rows that each of them has on average: fewer, and they are answers that happen to come twice."""
HALF = 0.5


def few_answers(rows: Sequence[Row]) -> bool:
    """Whether the answers are a closed set (yes and no, a rating), which a classifier can learn."""
    kinds = {normalise(row.answer) for row in rows}
    return 2 <= len(kinds) <= FEW and len(rows) >= EACH * len(kinds)


def stand_in_texts(rows: Sequence[Row], texts: Mapping[str, str]) -> bool:
    """Whether answers are words of a passage: they are no closed set, whose words stand anywhere by chance, and most of
    those whose passage is known stand in it. texts: passage → its text"""
    if few_answers(rows):
        return False
    known = [(row.answer, texts[row.passage]) for row in rows if row.passage and row.passage in texts]
    return not known or sum(holds(text, answer) for answer, text in known) >= HALF * len(known)


def most_frequent(answers: Sequence[str]) -> str:
    """The most frequent answer, counted up to case, articles and punctuation, in its most frequent spelling; of equally
    frequent ones the first in order. "" where there is none."""
    kinds, spelled = Counter(map(normalise, answers)), Counter(answers)
    if not kinds:
        return ""
    kind = min(kinds, key=lambda one: (-kinds[one], one))
    return min((one for one in spelled if normalise(one) == kind), key=lambda one: (-spelled[one], one))
