"""How much of what an input says an answer says too, point by point: what expanding a short text must not lose.

A point is a line or a sentence of the input. It is kept as far as two sentences of the answer that follow each other hold
its content words (paraphrase.py): words scattered over a text do not say it. support.py reads the other way round.

Measured on XSum's documents, share of pairs (the text, the text with the fault) that it orders rightly, ties half: the first
three of ten sentences as points and the ten as text, one of the three left out 1.00 of 346, one name or number in it another
0.93 of 273, the first half of one said at the start and the rest at the end 0.99 of 346; a person's free summary as the one
point, and another document as text, 0.98 of 400. Of free words a text holds far less: documents keep 0.37 of their summary.

Not covered: a point in other words, which counts as lost; what is denied.
"""

from itertools import pairwise

from components.text import sentences
from components.text.paraphrase import stems

from . import Definition


def points_kept(answer: str, points: str) -> float | None:
    """Mean over the points of the share of their content words that two neighbouring sentences of `answer` hold, in [0, 1];
    None where no point has a content word."""
    wanted = [words for point in sentences(points) if (words := set(stems(point)))]
    if not wanted:
        return None
    said = [set(stems(sentence)) for sentence in sentences(answer)]
    together = [one | two for one, two in pairwise(said)] or said
    return sum(max((len(words & read) for read in together), default=0) / len(words) for words in wanted) / len(wanted)


METRICS = (
    Definition(
        name="points_kept",
        meaning="share of each point of the input that the answer says in one place",
        per_example=lambda case: points_kept(case.text, case.row.text),
    ),
)
