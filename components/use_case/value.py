"""Expected business value a month, as a formula with its inputs: volume × (primary × saving − cost of an answer)."""

from components.core import Frozen, Limits, Metrics, Value


class ExpectedValue(Frozen):
    """low: the primary metric at its release threshold and each answer at the cost limit; high: the metric at `enough` and
    no cost. Both in `currency` a month; an expectation from the contract's own figures, nothing measured."""

    formula: str
    inputs: dict[str, float]
    currency: str
    low: float
    high: float


def expected_value(value: Value, metrics: Metrics, limits: Limits) -> ExpectedValue:
    """The range of `answers_per_month × (primary × saving_per_good_answer − cost_per_answer)`."""
    cost = limits.cost_per_1000_answers / 1000

    def at(primary: float, cost: float) -> float:
        return round(value.answers_per_month * (primary * value.saving_per_good_answer - cost), 2)

    return ExpectedValue(
        formula=f"answers_per_month × ({metrics.primary} × saving_per_good_answer − cost_per_answer)",
        inputs={
            "answers_per_month": value.answers_per_month,
            "saving_per_good_answer": value.saving_per_good_answer,
            f"{metrics.primary} (low)": metrics.at_least,
            f"{metrics.primary} (high)": metrics.enough,
            "cost_per_answer (low)": cost,
            "cost_per_answer (high)": 0.0,
        },
        currency=value.currency,
        low=at(metrics.at_least, cost),
        high=at(metrics.enough, 0.0),
    )
