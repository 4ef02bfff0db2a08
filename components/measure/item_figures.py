"""Figures of a safety check beside the share of items that fail, each as the values that it follows from.

A check gives values by item; the figure is computed here, so that a card's reviewer can compute it again. Three kinds: a
mean, how much of a mean an attack leaves, and how far groups of people lie apart (fairlearn's MetricFrame). Items count in
the order of their ids: what a resample draws must not depend on the order in which a file keeps them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, RootModel

from components.core import Frozen, Metric

from .intervals import interval, of_two_means

if TYPE_CHECKING:
    import numpy as np
    from fairlearn.metrics import MetricFrame


class Mean(Frozen):
    """The mean over items, with its interval."""

    kind: Literal["mean"] = "mean"
    values: dict[str, float]
    bounded: bool = True
    """Whether they lie in [0, 1]."""

    def metric(self) -> Metric:
        """The figure; n is the number of items."""
        return interval([value for _, value in sorted(self.values.items())], bounded=self.bounded)


class Kept(Frozen):
    """The mean under attack over the mean without, of the same items. A resample without a single hit has nothing to keep:
    its share counts as 0, which widens the interval downwards."""

    kind: Literal["kept"] = "kept"
    clean: dict[str, float]
    attacked: dict[str, float]

    def metric(self) -> Metric:
        """The figure; n is the number of items."""
        pairs = [(value, self.attacked[item]) for item, value in sorted(self.clean.items())]
        clean, attacked = ([pair[side] for pair in pairs] for side in (0, 1))
        return of_two_means(clean, attacked, lambda one, two: two / (one + (one == 0)))


class Apart(Frozen):
    """The best group's mean less (`difference`), or under (`ratio`), the worst group's."""

    kind: Literal["difference", "ratio"]
    groups: dict[str, dict[str, float]]
    """Group → item → value."""

    def metric(self) -> Metric:
        """The figure, without an interval; n is the smallest group's number of items."""
        frame = by_group(self.groups)
        value = frame.difference() if self.kind == "difference" else frame.ratio()
        return Metric(value=round(float(value), 6), n=min(map(len, self.groups.values())))


def joined(one: "ItemFigure", other: "ItemFigure") -> "ItemFigure":
    """The same figure over the items of both."""
    if isinstance(one, Mean) and isinstance(other, Mean):
        return one.model_copy(update={"values": one.values | other.values})
    if isinstance(one, Kept) and isinstance(other, Kept):
        return Kept(clean=one.clean | other.clean, attacked=one.attacked | other.attacked)
    assert isinstance(one, Apart), "two figures of one name are of one kind"
    assert isinstance(other, Apart), "two figures of one name are of one kind"
    names = [*one.groups, *(name for name in other.groups if name not in one.groups)]
    groups = {name: one.groups.get(name, {}) | other.groups.get(name, {}) for name in names}
    return Apart(kind=one.kind, groups=groups)


def by_group(groups: Mapping[str, Mapping[str, float]]) -> "MetricFrame":
    """fairlearn's MetricFrame of the mean of each group. groups: group → item → value"""
    from fairlearn.metrics import MetricFrame

    rows = [(group, value) for group, values in groups.items() for value in values.values()]
    names, values = [group for group, _ in rows], [value for _, value in rows]
    return MetricFrame(metrics=_mean, y_true=values, y_pred=values, sensitive_features=names)


def _mean(_: object, values: "np.ndarray") -> float:
    return float(sum(values) / len(values))


ItemFigure = Annotated[Mean | Kept | Apart, Field(discriminator="kind")]


class ItemFigures(RootModel[dict[str, ItemFigure]]):
    """Name → figure, as one JSON file keeps them."""

    def metrics(self) -> dict[str, Metric]:
        """Name → the figure computed."""
        return {name: one.metric() for name, one in self.root.items()}
