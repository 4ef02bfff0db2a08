"""Items grow where bounds are: a bounded figure is looked at on n, 2n and 4n items until it is settled.

The items of one look are among those of the next, and the base and the candidate are asked the same. All looks that are
planned share the level (each is tested at a third of it, where there are three), so that a bound holds falsely in at most
5 % of releases however often it is looked at (bench/statistics_bounds.py).
Not covered: the rows of test and planted canaries, of which there are no more than there are.
"""

from collections.abc import Collection, Iterable, Mapping

from components.core import Frozen
from components.measure import LEVEL, Bound, sizes_of_looks


class Looks(Frozen):
    """Name of a benchmark or check → items at each look that is planned."""

    sizes: dict[str, tuple[int, ...]]

    @property
    def levels(self) -> dict[str, float]:
        """Name → one-sided level of each of its looks."""
        return {name: LEVEL / len(sizes) for name, sizes in self.sizes.items()}

    def wanted(self, bounds: Iterable[Bound], asked: Mapping[str, int], used_up: Collection[str] = ()) -> dict[str, int]:
        """Name → items at its next look, for each that has an open bound and that has one.

        asked: items of the look before; used_up: names of which there are no more
        """
        names = {bound.name for bound in bounds if _open(bound)} - set(used_up)
        following = {
            name: next((size for size in sizes if size > asked[name]), 0)
            for name, sizes in self.sizes.items()
            if name in names
        }
        return {name: size for name, size in following.items() if size}


def planned(counts: Mapping[str, int], looks: int, at_most: int) -> Looks:
    """n, 2n, 4n … up to `at_most`, which cuts the last look short. counts: name → items of the first look"""
    sizes = {}
    for name, count in counts.items():
        sizes[name] = sizes_of_looks(count, max(count, at_most))[:looks]
    return Looks(sizes=sizes)


def _open(bound: Bound) -> bool:
    """Whether more items could change the word: no share is shown to be 0, and what is far beyond its bound stays there."""
    return bound.verdict != "holds" and not bound.surely_broken and bound.bound > 0
