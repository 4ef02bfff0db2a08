"""The promotion decision: every condition of the contract, in order; the first that fails decides, and gives the reason.

Not covered: approval by a person (governance), the card.
"""

from collections.abc import Iterator, Sequence

from components.application import Requests
from components.core import BadInput, Comparison, Decision, Evidence, Frozen, Limits, Metric, Metrics, Policy, Verdict
from components.measure import Bound, SliceGain, shown_p

from .checks import CHECKS
from .items import BENCHMARKS


class Figures(Frozen):
    """What the decision rests on. `gain`: the paired comparison with the best reference, None where there is none."""

    evidence: Evidence
    gain: Decision | None
    bounds: tuple[Bound, ...] = ()
    """Each bound of the contract that was measured, and after optimization that of `optimization.worse_at_most`."""
    changes: dict[str, dict[str, Metric]]
    """Benchmark or check → before, after, worsening; a check that the base model could not take has only `after`."""
    can_worsen: bool = True
    """False for a plain baseline: it has no model."""
    unmeasured: dict[str, str] = {}
    """Benchmark or check → why it, or its worsening, has no figure."""
    inapplicable: tuple[str, ...] = ()
    """Checks that the candidate cannot fail."""
    slices_over: str = ""
    """What slices are held against; empty where there is nothing."""
    slice_gains: dict[str, dict[str, SliceGain]] = {}
    """Slice → value → paired difference to the best reference that reads its input; empty where there is none."""
    requests: Requests
    cost: float | None
    """Of 1,000 answers, asked one after another."""


def check_bounds(policy: Policy, benchmarks: dict[str, int], checks: dict[str, int]) -> None:
    """Raise BadInput where the policy bounds a figure that is unknown or that the settings leave out."""
    for key, bounded, allowed in (
        (
            "bias_at_most",
            policy.bias_at_most,
            {**dict.fromkeys((*BENCHMARKS, *benchmarks), "benchmarks"), **dict.fromkeys(CHECKS, "checks")},
        ),
        ("failing_at_most", policy.failing_at_most, dict.fromkeys(CHECKS, "checks")),
    ):
        for name in bounded:
            if name not in allowed:
                raise BadInput(f"policy.{key}: '{name}' is not known; allowed: {', '.join(allowed)}")
            if not (benchmarks if allowed[name] == "benchmarks" else checks).get(name):
                raise BadInput(
                    f"policy.{key} bounds '{name}', but evaluation.{allowed[name]}.{name} is 0: give it some items"
                )


def decide(measured: Figures, metrics: Metrics, policy: Policy, limits: Limits) -> tuple[Decision, tuple[str, ...]]:
    """The Decision, and one line for each condition that failed."""
    comparison = measured.gain.comparison if measured.gain else None
    failed = list(_failures(measured, metrics, policy, limits))
    if failed:
        verdict, reason = failed[0]
        return Decision(verdict=verdict, reason=reason, comparison=comparison), tuple(line for _, line in failed)
    return Decision(verdict="adopt", reason=_success(measured, metrics, policy, comparison), comparison=comparison), ()


def _failures(measured: Figures, metrics: Metrics, policy: Policy, limits: Limits) -> Iterator[tuple[Verdict, str]]:
    figures = measured.evidence.metrics
    primary = figures.get(metrics.primary)
    value = primary.value if primary else 0.0
    if value < metrics.at_least:
        yield "keep", f"{metrics.primary} {value:.3f} on test is below the release threshold of {metrics.at_least:g}"
    for name, least in metrics.floors.items():
        if (floor := _bound(measured, "floors", name)) is None:
            yield "keep", f"{name} has no value on test, and the contract sets a floor of {least:g}"
        elif floor.verdict == "broken":
            yield "keep", f"{name} {floor.value:.3f} on test is below its floor of {least:g}"
        else:
            yield from _not_shown(floor, policy)
    if measured.gain and not measured.gain.adopted:
        yield measured.gain.verdict, f"on test, {measured.gain.reason}"
    if (lost := _bound(measured, "worse_at_most", metrics.primary)) and lost.verdict != "holds":
        yield (
            "keep" if lost.verdict == "broken" else "not enough evidence",
            f"on test it is not shown to be as good as before optimization: {lost} (optimization.worse_at_most)",
        )
    for name in metrics.slices_worse_at_most if measured.slices_over else ():
        if name not in measured.slice_gains:
            yield "not enough evidence", f"no row of test has the slice '{name}', which the contract sets a margin for"
    yield from _worse_slices(measured.slice_gains)
    yield from _over_limits(measured, limits)
    yield from _worse_than_base(measured, policy)
    for name in policy.failing_at_most:
        if name in measured.inapplicable:
            continue
        if (share := _bound(measured, "failing_at_most", name)) is None:
            reason = measured.unmeasured.get(name, "it has no figure")
            yield "not enough evidence", f"{name} could not be checked, and the contract bounds it: {reason}"
        elif share.verdict == "broken":
            yield "keep", f"{name}: {share.value:.3f} of {share.n} items fail, over the bound of {share.bound:g}"
        else:
            yield from _not_shown(share, policy)


def _bound(measured: Figures, key: str, name: str) -> Bound | None:
    return next((one for one in measured.bounds if (one.key, one.name) == (key, name)), None)


def _not_shown(bound: Bound, policy: Policy) -> Iterator[tuple[Verdict, str]]:
    if bound.verdict == "not shown" and policy.not_shown == "refuse":
        yield "not enough evidence", f"{bound} (policy.not_shown: refuse)"


def _worse_than_base(measured: Figures, policy: Policy) -> Iterator[tuple[Verdict, str]]:
    for name in policy.bias_at_most if measured.can_worsen else ():
        if name in measured.inapplicable:
            continue
        if (worse := _bound(measured, "bias_at_most", name)) is None:
            reason = measured.unmeasured.get(name, "it has no figure")
            yield "not enough evidence", f"worsening on {name} was not measured, and the contract bounds it: {reason}"
        elif worse.verdict == "broken":
            change = measured.changes.get(name, {})
            span = f" ({change['before'].value:.3f} → {change['after'].value:.3f})" if "before" in change else ""
            yield "keep", f"{name} worsens by {worse.value:.3f}{span}, over the bound of {worse.bound:g}"
        else:
            yield from _not_shown(worse, policy)


def _worse_slices(slices: dict[str, dict[str, SliceGain]]) -> Iterator[tuple[Verdict, str]]:
    for name, values in slices.items():
        for value, one in values.items():
            if not one.failed:
                continue
            gain, margin = one.gain, f"{one.margin:g}"
            span = "" if gain.low is None else f" [{gain.low:+.3f}, {gain.high:+.3f}]"
            change = f"{name} = {value}: {one.metric} {gain.value:+.3f}{span}, n = {gain.n}"
            if one.verdict == "worse":
                yield "keep", f"{change}: surely worse than the bound of {margin} allows"
            else:
                rows = f"; about {one.rows:,} such rows would do" if one.rows else ""
                unsettled = f"not enough evidence that it is worse by less than {margin} ({shown_p(one.p_value)})"
                yield "not enough evidence", f"{change}: {unsettled}{rows}"


def _over_limits(measured: Figures, limits: Limits) -> Iterator[tuple[Verdict, str]]:
    asked = {
        "latency_p95_seconds": (measured.requests.p95, limits.latency_p95_seconds),
        "memory_gb": (measured.requests.memory_gb, limits.memory_gb),
        "cost_per_1000_answers": (measured.cost or 0.0, limits.cost_per_1000_answers),
    }
    for name, (value, limit) in asked.items():
        if value > limit:
            yield "keep", f"{name} is {value:.3g}, over the contract's limit of {limit:g}"


def _success(measured: Figures, metrics: Metrics, policy: Policy, comparison: Comparison | None) -> str:
    value = measured.evidence.metrics[metrics.primary]
    reached = f"{metrics.primary} {value.value:.3f} on test reaches {metrics.at_least:g}"
    held = ["floors", "limits", *(["slices"] if metrics.slices_worse_at_most and measured.slice_gains else [])]
    held += ["bias bounds"] if policy.bias_at_most and measured.can_worsen else []
    held += ["safety bounds"] if policy.failing_at_most else []
    hold = f"{', '.join(held[:-1])} and {held[-1]} hold"
    if open_ones := [one for one in measured.bounds if one.verdict == "not shown"]:
        hold = (
            f"{_listed([one for one in held if one in ('limits', 'slices')])} hold; {_counted(measured.bounds, open_ones)}"
        )
    hold += "; without a model nothing can worsen" if policy.bias_at_most and not measured.can_worsen else ""
    if comparison is None:
        return f"{reached}; {hold}, and there is nothing cheaper to beat"
    low, high = comparison.gain.low or 0.0, comparison.gain.high or 0.0
    gain = f"{comparison.gain.value:+.3f} [{low:+.3f}, {high:+.3f}], {shown_p(comparison.p_value)}"
    gain += f" over {comparison.over} ({comparison.before:.3f})"
    return f"{reached}, {gain}; {hold}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _counted(bounds: Sequence[Bound], open_ones: Sequence[Bound]) -> str:
    """How many bounds hold, and which are not shown, each with the value that is not excluded."""
    shown = len(bounds) - len(open_ones)
    each = ", ".join(f"{one.name} ({one.edge}, {one.asked} asked)" for one in open_ones)
    return f"of {len(bounds)} bounds {shown} {'holds' if shown == 1 else 'hold'}, not shown: {each}"
