"""Every part answers the question, and the likeliest answer is taken: after Alberti et al. 2019 (arXiv:1901.08634), whose
reader takes the best span over overlapping windows.

An abstention loses against every answer: a part that does not hold the fact says nothing against one that does. Of quotes,
the margin over the abstention decides, which decoding tells; of other answers the probability of the whole answer, its end
included, for which each part is run once more where parts disagree.
"""

from collections.abc import Sequence
from itertools import groupby

from components.core import Candidate, Reading

from ..asking import Asked, Asker, Said
from ..parts import parts_of

PACKAGES = ()


def read(asker: Asker, asked: Sequence[Asked], how: Reading) -> list[Said]:
    """See reading/__init__.py."""
    parts = [parts_of(one, how) for one in asked]
    said = iter(asker.ask([part for of_one in parts for part in of_one]))
    return [_best(asker, [next(said) for _ in of_one]) for of_one in parts]


def refusal(candidate: Candidate, scored: bool) -> str:
    """See reading/__init__.py."""
    if scored or candidate.quoted:
        return ""
    return f"engine '{candidate.runtime.engine}' tells no likelihoods, by which the best window is found"


def _best(asker: Asker, said: list[Said]) -> Said:
    """The answer of the row, cut where any part was."""
    answers = [one for one in said if one.text and one.text != asker.candidate.abstain] or said
    margins = [one.margin for one in answers if one.margin is not None]
    if len({one.text for one in answers}) == 1 and not margins:
        best = answers[0]
    elif len(margins) == len(answers):
        best = answers[margins.index(min(margins))]
    else:
        likelihoods = _likelihoods(asker, answers)
        best = answers[likelihoods.index(max(likelihoods))]
    return best._replace(cut=any(one.cut for one in said))


def _likelihoods(asker: Asker, said: list[Said]) -> list[float]:
    """Log-probability of each answer, as it was said, after what was asked; equal ones are scored together."""
    found = dict[int, float]()
    places = sorted(range(len(said)), key=lambda place: said[place].words)
    for words, group in groupby(places, key=lambda place: said[place].words):
        alike = list(group)
        scores = asker.engine.score([said[place].asked for place in alike], [words + asker.engine.end])
        found |= {place: score for place, (score,) in zip(alike, scores, strict=True)}
    return [found[place] for place in range(len(said))]
