"""Compare logged traffic with the window a version was released on. Not covered: whether answers are still right."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from components.core import Frozen, digest_of
from components.core.tracking import Tracking

from .window import COLUMNS, descriptors


class Config(Frozen):
    """Settings of monitoring."""

    minimum_rows: int = Field(30, ge=5)
    """Fewer rows than this in either window: no decision."""
    window: int = Field(2000, ge=30)
    """Compare the newest so many requests."""
    false_alarms: float = Field(0.01, gt=0, lt=0.5)
    """Chance that a window without drift raises an alarm, over all columns together."""
    permutations: int = Field(2000, ge=200)
    """Rounds that the thresholds are calibrated on."""
    seed: int = 0


class Drift(Frozen):
    """What the comparison found. `drift` is None where there are too few rows to say."""

    drift: bool | None
    reason: str
    columns: tuple[dict[str, Any], ...] = ()
    """column, p, threshold, drifted, reference (mean), current (mean)."""
    not_compared: tuple[str, ...] = ()
    """Columns without values in one of the windows, or with one value in both."""
    reference_rows: int
    current_rows: int
    report: str | None = None
    """Path of Evidently's HTML."""


def monitor(
    config: Config,
    *,
    reference: Sequence[Mapping[str, object]],
    current: Sequence[Mapping[str, object]],
    folder: Path,
    abstain: str | None = None,
    tracking: Tracking | None = None,
    name: str = "monitor",
) -> Drift:
    """Say whether `current` traffic has drifted from `reference`, and write `drift.html` and `drift.json` to `folder`.

    reference, current: answered requests, oldest first, {"id", "input", "answer", "scores", "seconds"}
    tracking, name:     where given, the comparison becomes an MLflow run; comparing the same windows again finds it again
    """
    newest = list(current)[-config.window :]
    drift = _compare(config, descriptors(reference, abstain), descriptors(newest, abstain), folder)
    if tracking:
        _record(tracking, name, config, drift, [list(reference), newest])
    return drift


def _compare(
    config: Config, before: list[dict[str, float | None]], after: list[dict[str, float | None]], folder: Path
) -> Drift:
    import numpy as np

    from .calibrate import thresholds

    counts = {"reference_rows": len(before), "current_rows": len(after)}
    if min(len(before), len(after)) < config.minimum_rows:
        few = f"{len(after)} logged requests against {len(before)} of the reference window"
        return Drift(drift=None, reason=f"{few}: at least {config.minimum_rows} of each are needed to say", **counts)
    columns = [name for name in COLUMNS if _comparable(name, before, after)]
    left_out = tuple(name for name in COLUMNS if name not in columns)
    if not columns:
        return Drift(drift=False, reason="every column is the same in both windows", not_compared=left_out, **counts)
    old, new = (np.array([[row[name] for name in columns] for row in rows], dtype=float) for rows in (before, after))
    limits = thresholds(old, new, config.false_alarms, config.permutations, config.seed)

    from .report import report

    p_values = report(columns, limits, old, new, folder)
    rows = [
        {
            "column": name,
            "p": p,
            "threshold": limit,
            "drifted": p <= limit,
            "reference": round(float(old[:, number].mean()), 4),
            "current": round(float(new[:, number].mean()), 4),
        }
        for number, (name, limit, p) in enumerate(zip(columns, limits, p_values, strict=True))
    ]
    drifted = [row for row in rows if row["drifted"]]
    return Drift(
        drift=bool(drifted),
        reason=_reason(drifted, len(columns), config.false_alarms),
        columns=tuple(rows),
        not_compared=left_out,
        report=str(folder / "drift.html"),
        **counts,
    )


def _comparable(name: str, before: list[dict[str, float | None]], after: list[dict[str, float | None]]) -> bool:
    values = {row[name] for row in (*before, *after)}
    return None not in values and len(values) > 1


def _reason(drifted: Sequence[Mapping[str, object]], columns: int, alpha: float) -> str:
    if not drifted:
        return f"none of {columns} columns differs more than clean traffic does ({alpha:.0%} false alarms over all columns)"
    means = ", ".join(f"{row['column']} (mean {row['reference']:g} → {row['current']:g})" for row in drifted)
    return f"{len(drifted)} of {columns} columns drifted: {means}"


def _record(
    tracking: Tracking, name: str, config: Config, drift: Drift, windows: Sequence[Sequence[Mapping[str, object]]]
) -> None:
    metrics: dict[str, float] = {"reference_rows": drift.reference_rows, "current_rows": drift.current_rows}
    if drift.drift is not None:
        metrics["drift"] = float(drift.drift)
    for row in drift.columns:
        metrics |= {f"p/{row['column']}": row["p"], f"threshold/{row['column']}": row["threshold"]}
        metrics |= {f"reference/{row['column']}": row["reference"], f"current/{row['column']}": row["current"]}
    report = Path(drift.report) if drift.report else None
    verdict = "not enough rows" if drift.drift is None else "drift" if drift.drift else "no drift"
    tracking.show(
        name,
        digest_of(["monitor", config, windows]),
        params=config.model_dump(),
        metrics=metrics,
        tags={"ninefold.drift": verdict, "mlflow.note.content": f"**{verdict}**: {drift.reason}"},
        files={"evidently": report, "evidently.json": report.with_suffix(".json")} if report else {},
    )
