"""Every part answers by itself, then one more call answers over the parts' answers: map and reduce (Dean and Ghemawat 2004),
for summaries as in Wu et al. 2021 (arXiv:2109.10862), who summarise the summaries until one is left.

Parts that abstain are left out of the second call, and where all do the row abstains.
"""

from collections.abc import Sequence

from components.core import Candidate, Reading
from components.tasks import kind_of
from components.text import count

from ..asking import Asked, Asker, Said
from ..parts import parts_of

PACKAGES = ()


def read(asker: Asker, asked: Sequence[Asked], how: Reading) -> list[Said]:
    """See reading/__init__.py."""
    parts = [parts_of(one, how) for one in asked]
    said = iter(asker.ask([part for of_one in parts for part in of_one]))
    by_row = [[next(said) for _ in of_one] for of_one in parts]
    return [_reduced(asker, one, answers, how) for one, answers in zip(asked, by_row, strict=True)]


def refusal(candidate: Candidate, scored: bool) -> str:
    """See reading/__init__.py."""
    if candidate.labels or kind_of(candidate.task).formed:
        return "an answer over answers is a text, and here answers are labels or of a form: read by sliding_window"
    return ""


def _reduced(asker: Asker, one: Asked, said: list[Said], how: Reading) -> Said:
    """The answer over the answers of the parts of `one`, cut where any part was."""
    answers = [part for part in said if part.text and part.text != asker.candidate.abstain] or said[:1]
    if len({part.text for part in answers}) == 1:
        best = answers[0]
    else:
        texts = tuple(dict.fromkeys(part.text for part in answers))
        over = Asked(one.text, texts) if one.context else Asked("\n\n".join(texts))
        shorter = sum(map(count, texts)) < sum(map(count, one.context or (one.text,)))
        (best,) = read(asker, [over], how) if shorter else asker.ask([over])
    return best._replace(cut=best.cut or any(part.cut for part in said))
