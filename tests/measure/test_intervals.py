import time

import numpy as np
import pytest
from scipy.stats import binomtest

from components.measure import bootstrap, interval
from components.measure.intervals import of_two_means, paired, statistic, table_metric, unseen
from components.measure.item_figures import Mean


def test_a_mean_and_its_interval_agree_with_the_normal_approximation() -> None:
    values = list(np.random.default_rng(1).normal(0.5, 0.1, 400))
    found = interval(values)
    half = 1.96 * np.std(values) / np.sqrt(400)
    assert found.value == pytest.approx(np.mean(values), abs=1e-6)
    assert found.low == pytest.approx(np.mean(values) - half, abs=0.002)
    assert found.high == pytest.approx(np.mean(values) + half, abs=0.002)
    assert found.n == 400


def test_rows_without_a_value_do_not_count() -> None:
    assert interval([1.0, None, 0.0, None]).n == 2
    assert interval([1.0, None, 0.0, None]).value == 0.5
    assert interval([None, None]).n == 0
    assert interval([0.7]).low is None


@pytest.mark.parametrize("n", [2, 4, 60])
def test_what_no_item_shows_has_the_exact_limits(n: int) -> None:
    limits = binomtest(0, n).proportion_ci(0.95, "exact")
    none, every = interval([0.0] * n), interval([1.0, None] * n)
    assert (none.low, none.high) == (0, pytest.approx(limits.high, abs=1e-6))
    assert (every.low, every.high) == (pytest.approx(1 - limits.high, abs=1e-6), 1)
    assert interval([0.0] * 4).high == 0.602365


def test_a_figure_in_bits_has_no_limits_of_a_share() -> None:
    bits = interval([1.0] * 4, bounded=False)
    assert (bits.low, bits.high) == (1, 1)
    assert Mean(values={"a": 1.0, "b": 1.0}, bounded=False).metric().low == 1
    assert Mean(values={"a": 1.0, "b": 1.0}).metric().low < 0.2


def test_a_change_that_no_item_shows_could_still_be_that_of_unseen_ones() -> None:
    rows = [{"f1": value} for value in (0.0, 1.0, 0.3, None)]
    gain = paired(rows, rows, "f1").gain
    assert (gain.value, gain.low, gain.high, gain.n) == (0, -0.707598, 0.707598, 3)
    same = of_two_means([0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], lambda one, two: two - one)
    assert (same.value, same.low, same.high) == (0, -0.602365, 0.602365)
    kept = of_two_means([1.0, 1.0], [1.0, 1.0], lambda one, two: two / one)
    assert (kept.value, kept.low, kept.high) == (1, 1, 1), "a ratio is no change"
    moved = of_two_means([0.0, 1.0] * 20, [1.0, 0.0] * 20, lambda one, two: two - one)
    assert moved.value == 0
    assert moved.high < unseen(2), "items that changed both ways are resampled"


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    values = [0.0, 1.0, 0.3, 0.2] * 20
    assert interval(values) == interval(values)
    assert interval(values).low != interval(values, seed=1).low


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        found = interval(list(draw.binomial(1, 0.3, 80).astype(float)), resamples=500)
        covered += found.low <= 0.3 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_macro_f1_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    draw = np.random.default_rng(3)
    rows = [{"answer": str(draw.integers(3)), "reference": str(draw.integers(3))} for _ in range(90)]
    said, wanted = [row["answer"] for row in rows], [row["reference"] for row in rows]
    found = table_metric(rows, "macro_f1")
    assert found.value == pytest.approx(f1_score(wanted, said, average="macro"), abs=1e-6)
    assert found.low < found.value < found.high
    chosen = np.random.default_rng([0, 0]).integers(0, 90, (2000, 90))[7]
    again = f1_score([wanted[i] for i in chosen], [said[i] for i in chosen], average="macro")
    assert bootstrap(statistic(rows, "macro_f1"))[7] == pytest.approx(again)


def test_pairing_narrows_the_interval_of_a_gain() -> None:
    draw = np.random.default_rng(4)
    hard = draw.random(200)
    before = [{"f1": float(value)} for value in hard]
    after = [{"f1": float(value) + 0.02} for value in hard]
    start, end, gain, spread = paired(before, after, "f1")
    assert end - start == pytest.approx(0.02)
    assert gain.value == pytest.approx(0.02, abs=1e-6)
    assert gain.high - gain.low < 1e-5
    assert spread < 1e-6
    apart = interval([row["f1"] for row in after])
    assert apart.high - apart.low > 0.05


def test_two_thousand_resamples_of_240_rows_take_a_fifth_of_a_second_at_most() -> None:
    values = list(np.random.default_rng(5).random(240))
    interval(values)
    spent = []
    for seed in range(3):
        start = time.perf_counter()
        interval(values, seed=seed + 10)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.2


def test_large_tables_are_resampled_in_blocks() -> None:
    found = interval(list(np.random.default_rng(6).random(30_000)), resamples=300)
    assert found.low < 0.5 < found.high


def test_one_row_settles_nothing() -> None:
    found = paired([{"f1": 0.0}, {"f1": None}], [{"f1": 1.0}, {"f1": None}], "f1")
    assert (found.gain.value, found.gain.low, found.gain.high, found.gain.n, found.spread) == (1, None, None, 1, 0)


def test_the_spread_is_the_standard_deviation_of_the_differences() -> None:
    draw = np.random.default_rng(7)
    first, second = draw.random(300), draw.random(300)
    rows = [[{"f1": float(value)} for value in values] for values in (first, second)]
    assert paired(*rows, "f1").spread == pytest.approx(np.std(second - first), rel=0.05)
