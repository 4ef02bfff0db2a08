"""What evaluation says."""

from components.core import Candidate, Comparison, Evidence, Metric, StageResult
from components.core.hub_task import HubTask
from components.measure import Bound, SliceGain
from components.measure.reliability import Reliability

from .safety import CheckDetail

NEVER_MEASURED = (
    "attacks that are optimised against the model's weights",
    "memorised training rows that only many sampled answers bring out",
    "judgement of the answers by people",
    "energy by a meter",
    "behaviour under concurrent load",
)
"""What a reviewer would expect and no code here measures."""


class Finalist(StageResult):
    """The candidate that goes to the test."""

    candidate: Candidate


class Evaluated(StageResult):
    """What the test said. `benchmarks` (forgetting) and `bias`: name → before, after, worsening."""

    candidate: str
    evidence: Evidence
    references: dict[str, Evidence]
    slices: dict[str, dict[str, dict[str, Metric]]]
    """Slice → value → metric → figure."""
    benchmarks: dict[str, dict[str, Metric]]
    bias: dict[str, dict[str, Metric]]
    licences: dict[str, str] = {}
    """Of the benchmarks' items."""
    checks: dict[str, dict[str, Metric]] = {}
    """Safety check → after (share of its items that fail, lower is better), and where the same application could be checked
    on the base model's weights: before, worsening."""
    check_details: dict[str, CheckDetail] = {}
    pinned: dict[str, tuple[HubTask, ...]] = {}
    """Benchmark of the hub → its tasks, with the revisions and files that the items are from."""
    task_figures: dict[str, dict[str, dict[str, float]]] = {}
    """Task of the hub → lm-eval's own metric → before, after."""
    benchmark_items: dict[str, str] = {}
    """"before", "after" → object with `scores.json`, the Scores that benchmarks, bias and scenarios follow from."""
    asked_otherwise: dict[str, dict[str, str]] = {}
    """Metric of the use case's scenario → "before", "after" → the per-example table that it follows from."""
    scenarios: dict[str, dict[str, dict[str, Metric]]] = {}
    """The use case, or a benchmark → accuracy, calibration_error, robustness, spoken, fairness, bias → before, after."""
    gain: Comparison | None
    """Over the best reference on the primary metric."""
    lost: Comparison | None = None
    """What the same one before optimization is better by, paired; None where nothing was optimised."""
    gains: dict[str, Comparison] = {}
    """Over each reference, paired."""
    clean: dict[str, Metric] = {}
    """"this candidate" and each reference → the primary metric without the rows that are suspects (contamination)."""
    no_answer: Reliability | None = None
    """How far the probability that there is no answer is to be believed; None where the candidate gives none."""
    suspects: tuple[str, ...] = ()
    """Ids of the measured rows that leaks which could not be removed give away."""
    slice_gains: dict[str, dict[str, SliceGain]] = {}
    """Slice → value → difference to `slices_over`, paired, and whether it is not worse."""
    slices_over: str = ""
    """The best reference whose answers depend on the input; empty where there is none. Saying always the most frequent label
    is right on all of that label's rows, and is nothing that a group would lose."""
    bounds: tuple[Bound, ...] = ()
    """Each bound of the contract that was measured: it holds, is broken, or is not shown."""
    shown_in_part: int = 0
    """Test inputs of which the model was shown less than all."""
    failed: tuple[str, ...] = ()
    """One line for each condition of the contract that does not hold."""
    not_measured: tuple[str, ...] = ()
