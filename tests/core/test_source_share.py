"""No source gives more than its share of what is chosen, and no larger choice would do."""

from collections import Counter
from itertools import combinations

import pytest

from components.core import ACCEPTED, SIMULATED, within_share


def rows(counts: dict[str, int]) -> list[dict]:
    return [{"source": source, "n": n} for source, count in counts.items() for n in range(count)]


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3, 0.5, 1.0])
@pytest.mark.parametrize(
    "counts",
    [{"a": 300}, {"a": 300, "b": 20}, {"a": 3, "b": 2, "c": 1}, {"a": 9, SIMULATED: 30}, {"a": 7, "b": 7, ACCEPTED: 3}],
    ids=str,
)
@pytest.mark.parametrize("most", [None, 10])
def test_no_source_gives_more_than_its_share(counts, share, most):
    given = rows(counts)
    chosen = within_share(given, share, most)
    assert chosen == [row for row in given if row in chosen], "the order stays"
    assert len(chosen) <= (most or len(given))
    for source, count in Counter(row["source"] for row in chosen).items():
        assert source in (SIMULATED, ACCEPTED) or count <= share * len(chosen)


@pytest.mark.parametrize("share", [0.2, 0.34, 0.5])
@pytest.mark.parametrize("counts", [{"a": 4, "b": 2, "c": 1}, {"a": 5, SIMULATED: 3}, {"a": 3, "b": 3, "c": 3}], ids=str)
def test_no_larger_choice_keeps_the_share(counts, share):
    given = rows(counts)
    chosen = within_share(given, share)
    for some in combinations(given, len(chosen) + 1):
        sizes = Counter(row["source"] for row in some if row["source"] != SIMULATED)
        assert max(sizes.values(), default=0) > share * len(some)
