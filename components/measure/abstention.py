"""When to abstain: a threshold on a score of confidence, set on rows whose answers are known.

As SQuAD 2.0's evaluation sets its no-answer threshold (Rajpurkar, Jia and Liang 2018, arXiv:1806.03822), but under the
contract's floors: the primary metric alone would never abstain. `calibration` makes a probability of the same score.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist

from components.core import Example, Metrics, Row, Task, figure_of

from .metrics import per_example

THRESHOLDS = 50
"""Quantiles of the scores that are tried; each is one pass over a table in memory."""
FEWEST = 10
"""Rows with an answer, and as many without, below which no probability is fitted."""


def abstain_below(
    task: Task, metrics: Metrics, table: Sequence[Example], scores: Sequence[float], confidence: float = 0.5
) -> float | None:
    """The score under which abstaining is best; None: never abstaining is best.

    table:      per-example rows of `measure`, answered without abstaining
    scores:     one a row, higher is surer
    confidence: how surely other rows, as many as these, are to reach a floor of the contract as well (0.5: no more than
                these do); where that cannot be had, reaching it on these counts
    The smallest of equally good thresholds is taken, since it answers most; it lies halfway between two scores, so that
    rounding them decides nothing.
    """
    ordered = sorted(set(scores))
    ordered += [ordered[-1] + 1] if ordered else []  # the last abstains from all
    tried = sorted({ordered[int(i * (len(ordered) - 1) / THRESHOLDS)] for i in range(THRESHOLDS + 1)}) if ordered else []
    spread = NormalDist().inv_cdf(confidence)
    best, best_rank = None, _rank(task, metrics, table, [False] * len(table), spread)
    for threshold in tried:
        rank = _rank(task, metrics, table, [score < threshold for score in scores], spread)
        if rank > best_rank:
            best, best_rank = threshold, rank
    if best is None:
        return None
    lower = [score for score in ordered if score < best]
    return (best + lower[-1]) / 2 if lower else best


def calibration(margins: Sequence[float], unanswerable: Sequence[bool]) -> tuple[float, float] | None:
    """Slope and intercept of the log-odds that a question has no answer, in the margin of its abstention (Platt 1999,
    "Probabilistic outputs for support vector machines"); None where fewer than ten rows have an answer, or have none.

    margins, unanswerable: one a row
    """
    if min(sum(unanswerable), len(unanswerable) - sum(unanswerable)) < FEWEST:
        return None
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit([[margin] for margin in margins], list(unanswerable))
    return round(float(fitted.coef_[0][0]), 6), round(float(fitted.intercept_[0]), 6)


def _rank(
    task: Task, metrics: Metrics, table: Sequence[Example], silent: Sequence[bool], spread: float
) -> tuple[int, int, float]:
    """Most floors reached, most of them surely, then the primary metric, if the `silent` rows were abstentions.

    surely: by `spread` standard errors of the difference between two shares over n rows each, √(2·p·(1 − p) / n)
    """
    figures = [_figures(task, row, quiet) for row, quiet in zip(table, silent, strict=True)]
    values = {name: _mean(figures, name) for name in metrics.floors}
    reached = sum(values[name] >= floor for name, floor in metrics.floors.items())
    surely = 0
    for name, floor in metrics.floors.items():
        n, share = sum(figure.get(name) is not None for figure in figures), values[name]
        surely += n > 0 and share - floor >= spread * sqrt(2 * share * (1 - share) / n)
    return reached, surely, _mean(figures, metrics.primary)


def _figures(task: Task, row: Example, silent: bool) -> Mapping[str, object]:
    if not silent:
        return row
    asked = Row(id=row["id"], text=row["text"], answer=row["reference"], passage=row["passage"])
    return per_example(task, asked, task.abstain or "", row["passages"])


def _mean(rows: Sequence[Mapping[str, object]], name: str) -> float:
    values = [value for row in rows if (value := figure_of(row, name)) is not None]
    return sum(values) / len(values) if values else 0.0
