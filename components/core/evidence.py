"""Evidence, Decision, Release, and what every stage returns."""

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict, cast

from .candidate import Candidate
from .digest import Frozen

Verdict = Literal["adopt", "keep", "not enough evidence"]
LEVEL = 0.05
"""A p-value up to this is no chance: the share of false promotions that is let through."""


class Metric(Frozen):
    """A mean over `n` examples with its 95 % interval (None where none can be computed)."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0


class Evidence(Frozen):
    """One Candidate on one split. `table` is an object with `examples.jsonl`: one row an example, with its answer,
    passages and per-example figures, from which `metrics` can be computed again."""

    candidate: str
    split: str
    split_object: str
    table: str
    metrics: dict[str, Metric]


class Example(TypedDict):
    """A row of an Evidence's table. Beside these it has the figures of its answer, by metric: `figure_of` reads them."""

    id: str
    text: str
    answer: str
    reference: str
    origin: str
    passage: str | None
    passages: list[str]
    scores: list[float]
    context: list[str]
    context_passages: list[str]
    margin: float | None
    slices: dict[str, str]
    tests: NotRequired[str]
    cut: NotRequired[bool]
    """True where the model was shown less than all of the input and of `context`; else the row lacks it."""


def figure_of(row: Mapping[str, object], metric: str) -> float | None:
    """The figure that `metric` has in a row of a per-example table; None where the row has none."""
    value = row.get(metric)
    return None if value is None else float(cast(float, value))


class Power(Frozen):
    """How many rows such a comparison needs: 80 % power, at the spread of the paired differences that was seen."""

    effect: float
    """The gain that `rows` is for: the one seen, or twice the minimum effect where it does not lie above that."""
    rows: int | None
    """None: no number of rows shows a gain of nothing."""
    detectable: float
    """The smallest true gain that the rows at hand would have adopted four times in five."""


UNOPTIMIZED = "before optimization"
"""The reference that a faster form of it need not beat, and may not be surely worse than."""


class Comparison(Frozen):
    """Paired difference of a metric on the same examples, with a 95 % interval, or a wider one where looks shared the level
    (measure/looks.py), as the decision's reason says."""

    metric: str
    over: str
    """What it is compared with, in words."""
    before: float
    after: float
    gain: Metric
    minimum_effect: float = 0.0
    p_value: float | None = None
    """One-sided, of an exact paired test that it is not better."""
    power: Power | None = None
    """None where all differences are equal, or there are fewer than two."""


class Decision(Frozen):
    """`adopt`, `keep` (what was at hand) or `not enough evidence`, and why in one sentence."""

    verdict: Verdict
    reason: str
    comparison: Comparison | None = None

    @property
    def adopted(self) -> bool:
        return self.verdict == "adopt"


class StageResult(Frozen):
    """What a stage returns; each stage adds its own fields. No timings here (use `Step.measured`): a result has a digest.

    objects: digests of what it put into the store (besides those that its Candidates name)
    metrics: the few figures that the summary and MLflow show
    notes:   lines for the card and the final table (what was dropped, skipped, not measured)
    """

    decision: Decision
    metrics: dict[str, float] = {}
    objects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Approval(Frozen):
    """Who let a version become `champion`, on which evidence."""

    by: str
    policy: bool
    """True: a named policy of the contract, not a person."""
    reason: str
    candidate: str
    evidence: str
    at: str
    role: str = ""
    config: str = ""
    """Digest of the contract and the profile that the release was decided with."""
    card: str = ""
    """SHA-256 of the card's Markdown; empty for a policy, which approves before the card is written."""
    expires: str = ""


class Release(Frozen):
    """A registered Candidate with its card, approval and deployment."""

    candidate: Candidate
    model_name: str
    version: int
    alias: Literal["candidate", "champion"] | None
    """None: a trial that left `candidate` to a version that was released in earnest."""
    card: str
    approval: Approval | None = None
    deployments: tuple[dict[str, object], ...] = ()
    signer: str = ""
    """Name of the key that signed the folder that is served; empty: not signed."""
