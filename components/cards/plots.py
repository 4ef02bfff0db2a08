"""Plots as inline SVG in the page's own colours, so that they follow light, dark and print. Equal input, equal bytes."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from components.ladder import price
from components.ladder.rows import Figure as RungFigure
from components.measure.claims import Claim, Findings

from .colours import SERIES
from .figures import ENOUGH, key_metrics, ladder, test_metrics, trials, variants
from .gates import bounds
from .record import MetricDump, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

# Colours that stand for the page's own; the SVG is given CSS variables in their place.
INK, ACCENT, SOFT, FAINT = "#010203", "#010204", "#010205", "#010206"
OF_SERIES = [f"#0102{16 + number}" for number in range(len(SERIES))]
STYLES = {
    INK: "currentColor", ACCENT: "var(--accent)", SOFT: "var(--soft)", FAINT: "var(--faint)",
    **{stand_in: f"var(--{name})" for stand_in, name in zip(OF_SERIES, SERIES, strict=True)},
}  # fmt: skip
MARKERS = "osD^vPX"
"""Of each series: colours that are taken for each other still differ in shape."""
LEGEND = 108
"""Characters that fit beside each other above a plot 8 inches wide, at the legend's size."""
ENDS = {"holds": ("o", ACCENT), "not shown": ("D", INK), "broken": ("X", SOFT)}
"""Verdict on a bound → how it is drawn."""
RUNGS = {"meets": ("o", ACCENT), "not shown": ("D", INK), "does not meet": ("X", SOFT)}
"""Verdict on a rung → how it is drawn."""


def key_bars(record: Record) -> str | None:
    """The key figures of the candidate and of its references, with 95 % intervals."""
    return _metric_bars(record, "key figures", key_metrics(record))


def metric_bars(record: Record) -> str | None:
    """Each metric of the candidate and of its references, with 95 % intervals; None where all are key figures."""
    rows = {name: metric for name, metric in test_metrics(record).items() if metric.get("n", 0) >= ENOUGH}
    return _metric_bars(record, "metrics", rows) if set(rows) - set(key_metrics(record)) else None


def _metric_bars(record: Record, title: str, rows: dict[str, MetricDump]) -> str | None:
    references = record.evaluated.get("references") or {}
    if not rows:
        return None
    series = [("this candidate", rows), *((name, one["metrics"]) for name, one in references.items())]
    names = list(rows)
    with _figure(title, 8, 0.8 + len(names) * (0.11 * len(series) + 0.1)) as (axes, done):
        for number, (label, metrics) in enumerate(series):
            shown = [(at, metrics[name]) for at, name in enumerate(names) if metrics.get(name)]
            places = [at + (number - (len(series) - 1) / 2) * 0.8 / len(series) for at, _ in shown]
            drawn = number % len(SERIES)
            _points(axes, places, [metric for _, metric in shown], label, OF_SERIES[drawn], MARKERS[drawn])
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(-0.02, 1.02)
        _legend(axes)
        return done()


def bound_bars(record: Record) -> str | None:
    """How far each worsening lies from what the contract allows: the figure, a line to the value furthest off that the items
    do not exclude, and the bound."""
    rows = [one for one in bounds(record) if one.key in ("bias_at_most", "worse_at_most")]
    if not rows:
        return None
    with _figure("bounds", 8, 1.0 + 0.3 * len(rows)) as (axes, done):
        for verdict, (marker, colour) in ENDS.items():
            shown = [(at, one) for at, one in enumerate(rows) if one.verdict == verdict]
            if not shown:
                continue
            places = [at for at, _ in shown]
            axes.hlines(places, [one.value for _, one in shown], [one.end for _, one in shown], color=colour, linewidth=1.4)
            axes.plot([one.value for _, one in shown], places, marker, color=colour, markersize=6, label=verdict)
        axes.vlines(
            [one.bound for one in rows], [at - 0.38 for at in range(len(rows))], [at + 0.38 for at in range(len(rows))],
            color=INK, linewidth=2, label="bound of the contract",
        )  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.6)
        names = [f"{one.name}, in optimization" if one.key == "worse_at_most" else one.name for one in rows]
        axes.set_yticks(range(len(rows)), [f"{name} (n={one.n})" for name, one in zip(names, rows, strict=True)])
        axes.invert_yaxis()
        axes.margins(x=0.06)
        axes.set_xlabel("worse by")
        _legend(axes)
        return done()


def slice_bars(record: Record) -> str | None:
    """The primary metric on every slice, with 95 % intervals; the dashed line is the whole test split."""
    primary = record.use_case.get("metrics", {}).get("primary", "")
    rows = [
        (f"{name}: {value}", metrics[primary])
        for name, values in (record.evaluated.get("slices") or {}).items()
        for value, metrics in values.items()
        if metrics.get(primary)
    ]
    if not rows:
        return None
    with _figure("slices", 8, 0.6 + 0.3 * len(rows)) as (axes, done):
        _points(axes, list(range(len(rows))), [metric for _, metric in rows], primary, ACCENT, "o")
        axes.axvline(test_metrics(record)[primary]["value"], color=SOFT, linestyle="--", linewidth=1)
        axes.set_yticks(range(len(rows)), [f"{label} (n={metric.get('n', 0)})" for label, metric in rows])
        axes.invert_yaxis()
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel(primary)
        return done()


def data_flow(record: Record) -> str | None:
    """Where rows and passages went, from all that were read, through each step, to the splits and the base. A record from
    before what was read was counted shows the sum of its ends."""
    went = record.provenance.get("flow")
    if not went:
        return None
    steps = [(step["step"], sum(step["dropped"].values())) for step in went["steps"]]
    left = sum(went["left"].values()) + sum(count for _, count in steps)
    read = went.get("read", left)
    bars = [("read", 0, read, ACCENT, f"{read:,}")]
    if beside := went.get("beside"):
        bars.append(("passages of rows", read, beside, ACCENT, f"+{beside:,}"))
        left = read + beside
    for name, count in steps:
        left -= count
        bars.append((f"dropped: {name}", left, count, INK, f"−{count:,}"))
    for name, count in went["left"].items():
        left -= count
        bars.append((name.replace("_", " "), left, count, ACCENT, f"{count:,}"))
    with _figure("data", 8, 0.6 + 0.3 * len(bars)) as (axes, done):
        for at, (_, start, count, colour, label) in enumerate(bars):
            axes.barh(at, start, color=FAINT, height=0.6)
            axes.barh(at, count, left=start, color=colour, height=0.6)
            axes.text(start + count, at, f" {label}", va="center", color=INK, fontsize=9)
        axes.set_yticks(range(len(bars)), [name for name, *_ in bars])
        axes.invert_yaxis()
        axes.margins(x=0.1)
        axes.set_xlabel("rows and passages")
        return done()


def quality_and_speed(record: Record) -> str | None:
    """Each runtime variant: seconds of one request against the primary metric on validation."""
    primary = record.use_case.get("metrics", {}).get("primary", "")
    rows = [row for row in variants(record) if row.get("p50") is not None and primary in row.get("figures", {})]
    if not rows:
        return None
    with _figure("variants", 7, 3.2) as (axes, done):
        for row in rows:
            picked = row["verdict"] == "picked"
            axes.scatter(
                row["p50"], row["figures"][primary], s=8 + row["megabytes"] ** 0.5 * 6, color=ACCENT if picked else SOFT
            )
            axes.annotate(
                f"{row['variant']}, {row['megabytes']:.0f} MB",
                (row["p50"], row["figures"][primary]),
                xytext=(8, 8),
                textcoords="offset points",
                color=INK,
                fontsize=9,
            )
        axes.set_xlim(0, max(row["p50"] for row in rows) * 1.45)
        axes.set_ylim(0, max(row["figures"][primary] for row in rows) * 1.3 or 1)
        axes.set_xlabel("seconds of one request, median")
        axes.set_ylabel(f"{primary}, validation")
        return done()


def reliability_curve(record: Record) -> str | None:
    """The probability that there is no answer against the share of questions without one, with 95 % intervals."""
    points = (record.evaluated.get("no_answer") or {}).get("points")
    if not points:
        return None
    said, seen = [one["said"] for one in points], [one["seen"] for one in points]
    shares = [one["value"] for one in seen]
    low, high = ([one[end] for one in seen] for end in ("low", "high"))
    spread = [
        [max(0.0, share - end) for share, end in zip(shares, low, strict=True)],
        [max(0.0, end - share) for share, end in zip(shares, high, strict=True)],
    ]
    with _figure("reliability", 7, 3.6) as (axes, done):
        axes.plot([0, 1], [0, 1], color=SOFT, linestyle="--", linewidth=1)
        axes.errorbar(said, shares, yerr=spread, fmt="o-", color=ACCENT, ecolor=ACCENT, elinewidth=1.2, markersize=5)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("probability of no answer")
        axes.set_ylabel("share without an answer, test")
        return done()


def ladder_bars(record: Record) -> str | None:
    """Each rung that was climbed: the primary metric on validation with its interval, what 1,000 answers cost, and the line
    that a rung must reach."""
    rungs = [row for row in ladder(record) if row.get("metric")]
    if not rungs:
        return None
    asked, currency = record.use_case["metrics"], record.use_case.get("value", {}).get("currency", "")
    with _figure("ladder", 8, 1.0 + 0.34 * len(rungs)) as (axes, done):
        for verdict, (marker, colour) in RUNGS.items():
            shown = [(at, row["metric"]) for at, row in enumerate(rungs) if row["verdict"] == verdict]
            if shown:
                places, metrics = [float(at) for at, _ in shown], [_dump(metric) for _, metric in shown]
                _points(axes, places, metrics, verdict, colour, marker)
        for at, row in enumerate(rungs):
            cost = f"{price(row['cost_per_1000_answers'])} {currency}" if "cost_per_1000_answers" in row else "not measured"
            axes.text(1.03, at, cost, va="center", color=INK, fontsize=9)
        if asked["enough"] < 1:
            axes.axvline(asked["enough"], color=INK, linestyle="--", linewidth=1, label=f"{asked['enough']:g} is enough")
        axes.set_yticks(range(len(rungs)), [row["rung"] for row in rungs])
        axes.invert_yaxis()
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel(f"{asked['primary']}, validation; at the right: what 1,000 answers cost")
        _legend(axes)
        return done()


def trial_dots(record: Record) -> str | None:
    """What searches tried: the learning rate against the primary metric on the rows of the search, by technique."""
    rows = trials(record)
    if not rows:
        return None
    primary = record.use_case.get("metrics", {}).get("primary", "")
    figures = [row["figure"]["value"] for row in rows if "figure" in row]
    bottom = min(figures, default=0.0) - 0.1 * (max(figures, default=1.0) - min(figures, default=0.0) or 1.0)
    with _figure("trials", 8, 3.4) as (axes, done):
        for at, name in enumerate(dict.fromkeys(row["technique"] for row in rows)):
            own = [row for row in rows if row["technique"] == name]
            axes.scatter(
                [_number(row["settings"]["learning_rate"]) for row in own],
                [row["figure"]["value"] if "figure" in row else bottom for row in own],
                s=[18 + 60 * row["share"] if "figure" in row else 24 for row in own],
                color=OF_SERIES[at % len(SERIES)], marker=MARKERS[at % len(MARKERS)], label=name,
            )  # fmt: skip
        for row in rows:
            if row["verdict"] == "picked" and "figure" in row:
                place = _number(row["settings"]["learning_rate"]), row["figure"]["value"]
                axes.annotate("picked", place, xytext=(8, 6), textcoords="offset points", color=INK, fontsize=9)
        if len(figures) < len(rows):
            axes.axhline(bottom, color=SOFT, linewidth=0.8, linestyle="--")
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel(f"{primary}, rows of the search")
        _legend(axes)
        return done()


def _number(value: object) -> float:
    assert isinstance(value, int | float), "a learning rate is a number"
    return float(value)


def arm_bars(name: str, claim: Claim, found: Findings) -> str:
    """A study: what each of its arms came to, with intervals over rows and seeds; of what was counted the claimed range."""
    metrics: list[MetricDump] = [
        {"value": one.value, "low": one.low, "high": one.high} for one in (found.arms[arm] for arm in claim.arms)
    ]
    with _figure(name, 8, 0.8 + 0.34 * len(claim.arms)) as (axes, done):
        _points(axes, [float(at) for at in range(len(claim.arms))], metrics, name, ACCENT, "o")
        for bound in claim.counted or ():
            axes.axvline(bound, color=INK, linestyle="--", linewidth=1)
        axes.set_yticks(range(len(claim.arms)), claim.arms)
        axes.invert_yaxis()
        axes.margins(x=0.06)
        axes.set_xlabel(claim.metric)
        return done()


def _dump(figure: RungFigure) -> MetricDump:
    return {"value": figure["value"], "low": figure["low"], "high": figure["high"]}


def _points(axes: "Axes", places: Sequence[float], metrics: list[MetricDump], label: str, colour: str, marker: str) -> None:
    values = [metric["value"] for metric in metrics]
    lows, highs = [metric.get("low") for metric in metrics], [metric.get("high") for metric in metrics]
    spread = [
        [0.0 if low is None else max(0.0, value - low) for value, low in zip(values, lows, strict=True)],
        [0.0 if high is None else max(0.0, high - value) for value, high in zip(values, highs, strict=True)],
    ]
    axes.errorbar(
        values, places, xerr=spread, fmt=marker, label=label, color=colour, ecolor=colour, elinewidth=1.2, markersize=5
    )


def _legend(axes: "Axes") -> None:
    """What is what, above the plot, in as many columns as fit beside each other."""
    marks, labels = axes.get_legend_handles_labels()
    fitting = (count for count in (4, 3, 2) if sum(_longest(labels, count)) <= LEGEND)
    axes.figure.legend(
        marks, labels, loc="outside upper center", ncols=next(fitting, 1), frameon=False, labelcolor=INK, fontsize=9
    )


def _longest(labels: Sequence[str], columns: int) -> list[int]:
    """Characters of each column of a legend with its mark, which is filled column by column."""
    high, higher = divmod(len(labels), columns)
    ends = [number * high + min(number, higher) for number in range(columns + 1)]
    return [8 + max(map(len, labels[begin:end])) for begin, end in pairwise(ends) if end > begin]


@contextmanager
def _figure(name: str, width: float, height: float) -> Iterator[tuple["Axes", Callable[[], str]]]:
    import matplotlib

    settings: dict[RcKeyType, object] = {
        "svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif", "font.size": 10,
        "text.color": INK, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
        "xtick.major.size": 0, "ytick.major.size": 0, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.axisbelow": True, "grid.color": FAINT, "grid.linewidth": 0.6,
    }  # fmt: skip
    with matplotlib.rc_context(settings):
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure.subplots(), lambda: _svg(figure, name)


def _svg(figure: "Figure", name: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for colour, meaning in STYLES.items():
        svg = svg.replace(colour, meaning)
    svg = re.sub(
        r'id="((?:figure|axes|patch|text|line2d|matplotlib|PathCollection|LineCollection|legend|xtick|ytick)[^"]*)"', "", svg
    )
    return svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
