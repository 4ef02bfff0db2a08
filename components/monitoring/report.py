"""The Evidently report: for people the page, for us its p-values, so that page and decision cannot differ."""

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import publish_text

if TYPE_CHECKING:
    from .calibrate import Values


def report(columns: list[str], thresholds: list[float], reference: "Values", current: "Values", folder: Path) -> list[float]:
    """Write `drift.html` (about 4 MB, self-contained) and `drift.json` to `folder`; returns the p-value of each column.

    columns, thresholds: names, and the p-value at or below which Evidently calls a column drifted
    reference, current:  arrays (rows, columns)
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    logging.getLogger("evidently").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import ValueDrift

        definition = DataDefinition(numerical_columns=columns)
        frames = [pd.DataFrame(values, columns=columns) for values in (reference, current)]
        before, after = (Dataset.from_pandas(frame, definition) for frame in frames)
        metrics = [
            ValueDrift(column=name, method="ks", threshold=limit) for name, limit in zip(columns, thresholds, strict=True)
        ]
        snapshot = Report(metrics, include_tests=True).run(after, before)
        publish_text(folder / "drift.html", snapshot.get_html_str(as_iframe=False))
        publish_text(folder / "drift.json", snapshot.json())
    return [float(metric["value"]) for metric in snapshot.dict()["metrics"]]
