"""Whether a claim about ways to adapt a model holds: values of every arm, seed and row in, a verdict out.

A study fixes its `Claim` before it measures: contrasts between arms (weighted sums of their values), each with a direction
and a margin. All of them must hold: the largest p-value counts, which needs no correction (Berger 1982, intersection-union).
Holm (1979) then corrects over all studies that were measured.

`compare` takes rows as the only source of chance. A claim about training is about other seeds too, so a contrast's variance
has both: rows and seeds are crossed random effects, (MS_rows + MS_seeds) / (rows × seeds), with the degrees of freedom of
Satterthwaite 1946, less one: of 40,000 made studies without effect whose three seeds differ somewhat, 5.8 % pass by his
formula, 4.9 % so. The error's mean square is not subtracted, which errs on the safe side. Three seeds that differ much
leave two degrees of freedom: chance between seeds must be small for anything to be shown. Equivalence is two one-sided tests
(Schuirmann 1987). Not covered: very lopsided values on few rows, where t is no more than near.
"""

from collections.abc import Mapping, Sequence
from math import inf, sqrt
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from components.core import LEVEL, Frozen

from .sample_size import POWER
from .slices import holm

if TYPE_CHECKING:
    import numpy as np

ClaimVerdict = Literal["shown", "not shown", "the opposite here"]
Values = Mapping[str, Sequence[Sequence[float]]]
"""Arm → seed → row; rows in one order for all."""
Direction = Literal["above", "not below", "equal"]
FEWEST_SEEDS = 3


class Contrast(Frozen):
    """A weighted sum of arms, and where the claim says that it lies."""

    name: str
    weights: dict[str, float]
    """Arm → weight, summing to 0: {"full": 1, "lora": -1} is what full tuning has more than LoRA."""
    direction: Direction
    """above: more than the margin (the opposite: less than minus the margin). not below, "no loss": more than minus the
    margin (the opposite: less than that). equal: nearer to 0 than the margin (the opposite: further off)."""
    margin: float = Field(ge=0)
    """In units of the metric."""
    sensitive: bool = False
    """It claims nothing; it shows that the study could tell at all (that full tuning learned something). Without it neither
    the claim nor its opposite is shown."""

    @model_validator(mode="after")
    def _compares(self) -> "Contrast":
        if abs(sum(self.weights.values())) > 1e-9 or not any(self.weights.values()):
            raise ValueError(f"contrast '{self.name}': its weights must sum to 0, and not all be 0")
        if self.direction != "above" and self.margin == 0:
            raise ValueError(f"contrast '{self.name}': '{self.direction}' takes a margin above 0")
        return self


class Claim(Frozen):
    """What a study fixes before it measures."""

    claim: str
    """As people say it."""
    metric: str
    """What a value is, with its unit, and which way is better."""
    arms: tuple[str, ...] = Field(min_length=1)
    contrasts: tuple[Contrast, ...] = ()
    """Those that must hold; none: the values are `counted`."""
    counted: tuple[float, float] | None = None
    """Where nothing is drawn by chance: the range that every arm's value must lie in."""
    rows: int = Field(ge=1)
    """Values of each arm and seed."""
    seeds: tuple[int, ...] = Field(min_length=FEWEST_SEEDS)
    fixed: tuple[str, ...] = ()
    """Arms that no seed changes: measured once."""
    data: str
    """What it is measured on, and its licence."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Claim":
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is listed twice")
        if (self.counted is None) == (not self.contrasts):
            raise ValueError("give either contrasts or the range of what is counted")
        if self.contrasts and all(one.sensitive for one in self.contrasts):
            raise ValueError("every contrast is there for sensitivity, so that nothing is claimed")
        named = {arm for one in self.contrasts for arm in one.weights} | set(self.fixed)
        if unknown := sorted(named - set(self.arms)):
            raise ValueError(f"'{unknown[0]}' is no arm of it; arms: {', '.join(self.arms)}")
        return self


class Estimate(Frozen):
    """A mean over rows and seeds, with its 95 % interval for other rows and other seeds."""

    value: float
    low: float
    high: float


class Tested(Frozen):
    """A contrast as it was measured."""

    name: str
    estimate: Estimate
    p_shown: float
    p_opposite: float
    detectable: float
    """How far from its bound a true value must lie to be shown four times in five, with as many rows and seeds (Holm's
    correction left out)."""


class Findings(Frozen):
    """What a study measured. p_shown, p_opposite: of the whole claim, not yet corrected; None where it was counted."""

    arms: dict[str, Estimate]
    contrasts: tuple[Tested, ...] = ()
    p_shown: float | None = None
    p_opposite: float | None = None
    inside: int | None = None
    """Counted: how many arms lie in the range."""


def findings(claim: Claim, values: Values) -> Findings:
    """What `values` say of each arm and contrast. Raises AssertionError where an arm lacks a seed or a row."""
    import numpy as np

    for arm in claim.arms:
        shape = np.shape(values[arm])
        assert shape == (len(claim.seeds), claim.rows), f"arm '{arm}': {shape} values for (seeds, rows) of the claim"
    tables = {arm: np.asarray(values[arm], dtype=float) for arm in claim.arms}
    arms = {arm: _interval(*_spread(table)) for arm, table in tables.items()}
    if claim.counted:
        low, high = claim.counted
        return Findings(arms=arms, inside=sum(low <= one.value <= high for one in arms.values()))
    tested = tuple(_tested(one, tables) for one in claim.contrasts)
    claimed = [two for one, two in zip(claim.contrasts, tested, strict=True) if not one.sensitive]
    sensitive = [two.p_shown for one, two in zip(claim.contrasts, tested, strict=True) if one.sensitive]
    return Findings(
        arms=arms,
        contrasts=tested,
        p_shown=max([*sensitive, *(one.p_shown for one in claimed)]),
        p_opposite=max([*sensitive, *(one.p_opposite for one in claimed)]),
    )


def verdicts(measured: Mapping[str, Findings], level: float = LEVEL) -> dict[str, ClaimVerdict]:
    """Study → verdict, corrected over all of `measured` by Holm: the claims at `level`, and their opposites at `level`.

    What was counted is subject to no chance: shown where every arm lies in the range, the opposite where none does."""
    tested = {name: one for name, one in measured.items() if one.p_shown is not None}
    shown = dict(zip(tested, holm([one.p_shown or 0.0 for one in tested.values()]), strict=True))
    opposite = dict(zip(tested, holm([one.p_opposite or 0.0 for one in tested.values()]), strict=True))

    def verdict(name: str, one: Findings) -> ClaimVerdict:
        if name not in tested:
            return "shown" if one.inside == len(one.arms) else "not shown" if one.inside else "the opposite here"
        if shown[name] <= level:
            return "shown"
        return "the opposite here" if opposite[name] <= level else "not shown"

    return {name: verdict(name, one) for name, one in measured.items()}


def _tested(contrast: Contrast, tables: "Mapping[str, np.ndarray]") -> Tested:
    import numpy as np

    weighted = [weight * tables[arm] for arm, weight in contrast.weights.items()]
    value, error, freedom = _spread(np.sum(weighted, axis=0))
    margin = contrast.margin

    def above(bound: float) -> float:
        return _tail(value - bound, error, freedom)

    def below(bound: float) -> float:
        return _tail(bound - value, error, freedom)

    shown, opposite = {
        "above": (above(margin), below(-margin)),
        "not below": (above(-margin), below(-margin)),
        "equal": (max(above(-margin), below(margin)), min(1.0, 2 * min(above(margin), below(-margin)))),
    }[contrast.direction]
    # both one-sided tests must pass, each of which fails half as often as the two together
    reached = 1 - (1 - POWER) / 2 if contrast.direction == "equal" else POWER
    detectable = error * (_quantile(1 - LEVEL, freedom) + _quantile(reached, freedom))
    return Tested(
        name=contrast.name,
        estimate=_interval(value, error, freedom),
        p_shown=float(f"{shown:.3g}"),
        p_opposite=float(f"{opposite:.3g}"),
        detectable=round(detectable, 6),
    )


def _spread(table: "np.ndarray") -> tuple[float, float, float]:
    """(mean, its standard error, degrees of freedom) of a table [seeds, rows]; see the module's docstring."""
    seeds, rows = table.shape
    mean = float(table.mean())
    by_seed = rows * float(table.mean(1).var(ddof=1))
    by_row = seeds * float(table.mean(0).var(ddof=1)) if rows > 1 else 0.0
    both = by_seed + by_row
    if both <= 0:
        return mean, 0.0, inf
    freedom = both**2 / (by_seed**2 / (seeds - 1) + (by_row**2 / (rows - 1) if rows > 1 else 0.0))
    return mean, sqrt(both / (rows * seeds)), max(seeds - 1.0, freedom - 1)


def _interval(value: float, error: float, freedom: float) -> Estimate:
    half = error * _quantile(1 - LEVEL / 2, freedom)
    return Estimate(value=round(value, 6), low=round(value - half, 6), high=round(value + half, 6))


def _tail(distance: float, error: float, freedom: float) -> float:
    """How often chance alone makes an estimate so far above its bound; without any spread, never or always."""
    from scipy.stats import norm, t

    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float((norm if freedom == inf else t(freedom)).sf(distance / error))


def _quantile(share: float, freedom: float) -> float:
    from scipy.stats import norm, t

    return float((norm if freedom == inf else t(freedom)).ppf(share))
