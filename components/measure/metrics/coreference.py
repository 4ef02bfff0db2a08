"""CoNLL F1 of coreference: the mean of MUC (Vilain et al. 1995), B-cubed (Bagga and Baldwin 1998) and CEAF-e (Luo 2005),
as the reference scorer has them, over mentions as they were found (Pradhan et al. 2014, "Scoring coreference partitions of
predicted mentions: a reference implementation", ACL, doi:10.3115/v1/P14-2006).

A mention is a span of the input (components/text/marks.py), a cluster the spans with one number. Over a table the sums of
all texts are divided, as the scorer does over documents; `text_conll_f1` is that of one text. Where neither side has
anything to count (no cluster at all; MUC, where all clusters have one mention), F1 is 1 and not the scorer's 0: an oracle
has 1. Own code, since intervals need the sums of each text, and scorch 0.2.0 gives their shares alone; the two agree on 60
random pairs of clusterings and on all of them together (tests/measure/conll_scores.json). Not covered: heads of mentions,
BLANC, LEA.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from components.core import Example
from components.tasks.coreference import NUMBER
from components.text import places

from ..statistic import Statistic
from . import Case, Definition

if TYPE_CHECKING:
    import numpy as np

Span = tuple[int, int]
Clusters = list[frozenset[Span]]


def clusters(text: str, marked: str) -> Clusters:
    """The clusters that `marked` has in `text`; a span with two numbers is in the cluster of its inner mark."""
    number_of: dict[Span, str] = {}
    for start, end, number in places(text, marked, NUMBER):
        number_of.setdefault((start, end), number)
    spans: dict[str, set[Span]] = {}
    for span, number in number_of.items():
        spans.setdefault(number, set()).add(span)
    return [frozenset(one) for one in spans.values()]


def counts(answered: Clusters, wanted: Clusters) -> list[float]:
    """(right for recall, wanted, right for precision, answered) of MUC, of B-cubed and of CEAF-e, one after the other."""
    both = [[len(one & two) for two in answered] for one in wanted]  # wanted × answered
    links = float(sum(shared - 1 for row in both for shared in row if shared))
    recalled = sum(shared**2 / len(one) for one, row in zip(wanted, both, strict=True) for shared in row)
    precise = sum(shared**2 / len(two) for row in both for two, shared in zip(answered, row, strict=True))
    alike = _aligned(answered, wanted, both)
    return [
        *(links, sum(map(len, wanted)) - len(wanted), links, sum(map(len, answered)) - len(answered)),
        *(recalled, sum(map(len, wanted)), precise, sum(map(len, answered))),
        *(alike, len(wanted), alike, len(answered)),
    ]


def _aligned(answered: Clusters, wanted: Clusters, both: list[list[int]]) -> float:
    """How like the clusters are (Luo's φ4: Dice's coefficient), one of them to one, so that they are most alike in all."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if not answered or not wanted:
        return 0.0
    alike = np.array([
        [2 * shared / (len(one) + len(two)) for two, shared in zip(answered, row, strict=True)]
        for one, row in zip(wanted, both, strict=True)
    ])  # fmt: skip
    return float(alike[linear_sum_assignment(alike, maximize=True)].sum())


def _f1(sums: "np.ndarray") -> "np.ndarray":
    """F1 of the four sums of one figure (last axis)."""
    import numpy as np

    recalled, wanted, precise, answered = (sums[..., column] for column in range(4))
    recall = np.divide(recalled, wanted, out=np.zeros_like(wanted), where=wanted > 0)
    precision = np.divide(precise, answered, out=np.zeros_like(answered), where=answered > 0)
    nothing = np.array(wanted + answered == 0, dtype=float)
    return np.divide(2 * recall * precision, recall + precision, out=nothing, where=recall + precision > 0)


def _figure(number: int, sums: "np.ndarray") -> "np.ndarray":
    return _f1(sums[..., 4 * number : 4 * number + 4])


def _conll(sums: "np.ndarray") -> "np.ndarray":
    return (_figure(0, sums) + _figure(1, sums) + _figure(2, sums)) / 3


def _over(of: Callable[["np.ndarray"], "np.ndarray"], rows: Sequence[Example]) -> Statistic:
    import numpy as np

    found = [counts(clusters(row["text"], row["answer"]), clusters(row["text"], row["reference"])) for row in rows]
    return Statistic(np.array(found, dtype=float).reshape(-1, 12), of)


def _of_text(case: Case) -> float:
    import numpy as np

    text = case.row.text
    return float(_conll(np.array(counts(clusters(text, case.text), clusters(text, case.row.answer)), dtype=float)))


NAMES = ("conll_f1", "muc_f1", "b_cubed_f1", "ceaf_e_f1", "text_conll_f1")
METRICS = (
    Definition(name="conll_f1", meaning="mean of the F1 of MUC, B-cubed and CEAF-e", over_table=partial(_over, _conll)),
    *(
        Definition(name=name, meaning=f"F1 of {what}", over_table=partial(_over, partial(_figure, number)), is_goal=False)
        for number, (name, what) in enumerate(
            {
                "muc_f1": "links between mentions",
                "b_cubed_f1": "mentions, by the clusters that they are in",
                "ceaf_e_f1": "clusters, matched one to one",
            }.items()
        )
    ),
    Definition(name="text_conll_f1", meaning="conll_f1 text by text, averaged", per_example=_of_text),
)
