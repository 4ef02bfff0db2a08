"""What evaluation is asked (its settings) and what it says."""

from pydantic import Field, field_validator

from components.core import Candidate, Comparison, Evidence, Frozen, Metric, StageResult
from components.measure import SliceGain

from .checks import CHECKS
from .hub import HubTask
from .safety import CheckDetail

NEVER_MEASURED = (
    "attacks that are optimised against the model's weights",
    "the use case on questions from other sources than its own",
    "memorised training rows that only many sampled answers bring out",
    "judgement of the answers by people",
    "energy by a meter",
    "behaviour under concurrent load",
)
"""What a reviewer would expect and no code here measures."""


class Config(Frozen):
    """Settings of evaluation."""

    benchmarks: dict[str, int] = {
        "mmlu": 48, "boolq": 48, "narratives": 24, "disambiguation": 24, "causal_judgment": 24, "crows_pairs": 48, "bbq": 48,
        "stereoset": 48, "wino": 48,
    }  # fmt: skip
    """Benchmark → items; 0 leaves one out. Packaged samples (items.py), or lm-eval's names of GLUE, SuperGLUE, MMLU and
    BIG-bench (hub.py)."""
    shots: int = Field(0, ge=0)
    """Solved benchmark items before each one that is asked."""
    typos: tuple[str, ...] = ("mmlu", "boolq")
    """Benchmarks whose items are asked a second time, with typing errors in the question."""
    swaps: tuple[str, ...] = ("mmlu", "boolq", "narratives", "disambiguation", "causal_judgment")
    """Benchmarks whose items that name a gender are asked a second time, about the other one."""
    otherwise: int = Field(24, ge=0)
    """Rows of test that are asked again with typing errors, and again as spoken."""
    checks: dict[str, int] = {
        "toxicity": 16, "swaps": 24, "refusal": 12, "over_refusal": 16, "injection": 24, "overlap": 12, "canaries": 4,
    }  # fmt: skip
    """Safety check of the whole application → items; 0, or no name, leaves one out."""
    seed: int = 0
    """Draws the items."""
    requests: int = Field(12, ge=1)
    """Single requests that are timed in a fresh process."""
    validation_rows: int | None = Field(None, ge=1)
    """Rows of validation that the finalist is chosen on; None: all."""
    test_rows: int | None = Field(None, ge=1)
    """Rows of test; None: all."""

    @field_validator("checks")
    @classmethod
    def _checks_are_known(cls, checks: dict[str, int]) -> dict[str, int]:
        if unknown := sorted(set(checks) - set(CHECKS)):
            raise ValueError(f"'{unknown[0]}' is not known; allowed: {', '.join(CHECKS)}")
        return checks


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
    scenarios: dict[str, dict[str, dict[str, Metric]]] = {}
    """The use case, or a benchmark → accuracy, calibration_error, robustness, spoken, fairness, bias → before, after."""
    gain: Comparison | None
    """Over the best reference on the primary metric."""
    gains: dict[str, Comparison] = {}
    """Over each reference, paired."""
    clean: dict[str, Metric] = {}
    """"this candidate" and each reference → the primary metric without the rows that are suspects (contamination)."""
    suspects: tuple[str, ...] = ()
    """Ids of the measured rows that leaks which could not be removed give away."""
    slice_gains: dict[str, dict[str, SliceGain]] = {}
    """Slice → value → difference to the best reference, paired, and whether it is not worse."""
    failed: tuple[str, ...] = ()
    """One line for each condition of the contract that does not hold."""
    not_measured: tuple[str, ...] = ()
