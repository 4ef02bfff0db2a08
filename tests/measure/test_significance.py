"""p-values against scipy's, and by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest, permutation_test

from components.measure import p_value, shown_p
from components.measure.bounded_mean import tails
from components.measure.significance import ENUMERATED, mcnemar

Rows = list[dict[str, float | None]]


def tables(change: list[float]) -> tuple[Rows, Rows]:
    """Two tables whose f1 differ by `change`."""
    return [{"f1": max(0.0, -one)} for one in change], [{"f1": max(0.0, -one) + one} for one in change]


def test_mcnemar_is_the_binomial_over_the_rows_that_differ() -> None:
    change = [1.0] * 12 + [-1.0] * 4 + [0.0] * 44
    assert p_value(*tables(change), "f1") == mcnemar(4, 12) == binomtest(12, 16, alternative="greater").pvalue
    # by hand: (1 + 16 + 120 + 560 + 1820) / 2^16 for 12 of 16 or more
    assert mcnemar(4, 12) == pytest.approx((1 + 16 + 120 + 560 + 1820) / 2**16)
    assert mcnemar(0, 0) == 1.0


def test_equal_answers_are_no_gain_at_all() -> None:
    assert p_value(*tables([0.0] * 20), "f1") == 1.0


def test_few_graded_differences_are_enumerated_as_scipy_does() -> None:
    change = [0.5, 0.25, -0.125, 0.75, 0.5, -0.25, 1.0, 0.5, 0.125, 0.5]
    assert len(change) <= ENUMERATED
    exact = permutation_test(
        (np.array(change),), lambda x, axis: x.mean(axis=axis), permutation_type="samples", vectorized=True,
        alternative="greater", n_resamples=9999,
    ).pvalue  # fmt: skip
    found = p_value(*tables([*change, *[0.0] * 30]), "f1")
    assert found == max(exact, tails([*change, *[0.0] * 30])[0])
    assert exact == 10 / 1024


def test_many_graded_differences_agree_with_scipy_within_the_draws() -> None:
    change = list(np.random.default_rng(3).normal(0.05, 0.3, 80).clip(-1, 1))
    drawn = permutation_test(
        (np.array(change),), lambda x, axis: x.mean(axis=axis), permutation_type="samples", vectorized=True,
        alternative="greater", n_resamples=9999, rng=1,
    ).pvalue  # fmt: skip
    before, after = tables(change)
    assert max(drawn, tails(change)[0]) == pytest.approx(p_value(before, after, "f1"), abs=0.01)
    assert p_value(after, before, "f1") > 0.5
    assert p_value(before, after, "f1") == p_value(before, after, "f1")


def test_rows_without_a_value_play_no_part() -> None:
    before, after = tables([0.3] * 10)
    unknown: Rows = [{"f1": None}] * 40
    assert p_value([*before, *unknown], [*after, *unknown], "f1") == p_value(before, after, "f1")


def test_macro_f1_is_tested_by_swapping_answers() -> None:
    labels = ["a", "b"] * 20
    wrong = [{"answer": label, "reference": other} for label, other in zip(labels, labels[::-1], strict=True)]
    right = [{"answer": label, "reference": label} for label in labels]
    assert p_value(wrong, right, "macro_f1") == 1 / 10_000, "none of the drawn swaps is as good"
    assert p_value(right, wrong, "macro_f1") == 1.0


def test_many_small_gains_with_no_loss_seen_yet_are_no_proof() -> None:
    # a sign flip would call 12 gains in 12 sure (1 in 4,096); one lost row in sixty would undo them
    change = [0.05] * 12 + [0.0] * 48
    assert p_value(*tables(change), "f1") > 0.3
    assert p_value(*tables([0.5] * 12 + [0.0] * 48), "f1") < 0.05


def test_the_bound_is_clopper_and_pearsons_on_values_of_two_kinds() -> None:
    losses, n, margin = 2, 60, 0.1
    exact = binomtest(losses, n, margin, alternative="less").pvalue
    assert tails([-1.0] * losses + [0.0] * (n - losses), margin)[0] == pytest.approx(exact, abs=0.01)
    assert tails([-1.0] * 20 + [0.0] * 40, margin)[1] < 0.001


def test_p_values_are_shown_short() -> None:
    assert [shown_p(value) for value in (0.04321, 0.00001, None)] == ["p = 0.043", "p < 0.0001", "p not computed"]
