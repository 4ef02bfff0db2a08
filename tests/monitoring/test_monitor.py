"""Planted drift is found, clean traffic raises no more alarms than asked for, and too little traffic says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core import Workspace
from components.core.tracking import Tracking
from components.deployment.bundle import reference_rows
from components.monitoring import Config, descriptors, monitor
from components.monitoring.calibrate import thresholds
from components.monitoring.window import COLUMNS


def traffic(rows: int, seed: int, words: float = 12, score: float = 8.0, abstains: float = 0.2) -> list[dict[str, Any]]:
    """Requests as the endpoint logs them."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(rows):
        first = float(random.gamma(4, score / 4))
        said = "unknown" if random.random() < abstains else " ".join(["word"] * int(random.integers(1, 5)))
        question = " ".join(["question"] * int(1 + random.poisson(words)))
        scores = [first, first * float(random.uniform(0.4, 1))]
        made.append({"id": f"{seed}-{number}", "input": question, "answer": said, "scores": scores, "seconds": None})
    return made


def flagged(before: np.ndarray, after: np.ndarray, limits: list[float]) -> bool:
    from scipy.stats import ks_2samp

    return any(ks_2samp(before[:, n], after[:, n]).pvalue <= limit for n, limit in enumerate(limits))


def values(rows: list[dict[str, Any]]) -> np.ndarray:
    return np.array([[row[name] for name in COLUMNS[:-1]] for row in descriptors(rows, "unknown")], dtype=float)


@pytest.mark.parametrize(("before", "after"), [(80, 40), (200, 120)])
def test_clean_windows_raise_no_more_alarms_than_asked_for(before: int, after: int) -> None:
    """At 5 % over all columns, 200 clean windows give 10 alarms; more than 20 has a chance below 0.2 %."""
    alarms = 0
    for seed in range(200):
        old, new = values(traffic(before, 2 * seed)), values(traffic(after, 2 * seed + 1))
        alarms += flagged(old, new, thresholds(old, new, alpha=0.05, rounds=400, seed=seed))
    assert alarms <= 20


@pytest.mark.parametrize("planted", [{"words": 20}, {"score": 3.5}, {"abstains": 0.75}])
def test_planted_drift_in_one_column_is_found(planted: dict[str, float]) -> None:
    found = 0
    for seed in range(20):
        old, new = values(traffic(200, 2 * seed)), values(traffic(100, 2 * seed + 1, **planted))
        found += flagged(old, new, thresholds(old, new, alpha=0.01, rounds=1000, seed=seed))
    assert found >= 19


def test_thresholds_of_equal_windows_are_the_same_again() -> None:
    old, new = values(traffic(80, 0)), values(traffic(40, 1))
    assert thresholds(old, new, 0.01, 500, 0) == thresholds(old, new, 0.01, 500, 0)


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    return Tracking(Workspace(tmp_path_factory.mktemp("monitoring")), "voice_helpdesk")


def test_drift_is_reported_recorded_and_found_again(tracking: Tracking, tmp_path: Path) -> None:
    old, new = traffic(200, 0), traffic(100, 1, words=22)
    settings: dict[str, Any] = {"abstain": "unknown", "tracking": tracking, "name": "monitor v1"}
    found = monitor(Config(), reference=old, current=new, folder=tmp_path / "one", **settings)
    assert found.drift is True
    assert {row["column"] for row in found.columns if row["drifted"]} == {"input_words", "input_characters"}
    assert "input_words (mean" in found.reason
    assert found.not_compared == ("seconds",)
    page = (tmp_path / "one" / "drift.html").read_text()
    assert "input_words" in page
    assert (tmp_path / "one" / "drift.json").stat().st_size > 1000
    again = monitor(Config(), reference=old, current=new, folder=tmp_path / "two", **settings)
    assert again.columns == found.columns
    (run,) = tracking.client.search_runs([tracking.experiment])
    assert run.data.metrics["drift"] == 1
    assert run.data.tags["ninefold.drift"] == "drift"
    assert {item.path for item in tracking.client.list_artifacts(run.info.run_id)} == {"evidently", "evidently.json"}


def test_clean_traffic_is_no_drift(tmp_path: Path) -> None:
    found = monitor(Config(), reference=traffic(200, 2), current=traffic(100, 3), abstain="unknown", folder=tmp_path)
    assert found.drift is False
    assert "clean traffic" in found.reason


def test_too_few_rows_give_no_decision(tmp_path: Path) -> None:
    found = monitor(Config(), reference=traffic(200, 2), current=traffic(29, 3), folder=tmp_path)
    assert found.drift is None
    assert "at least 30" in found.reason
    assert not list(tmp_path.iterdir())


def test_only_the_newest_requests_are_compared(tmp_path: Path) -> None:
    moved = traffic(200, 4, words=30) + traffic(100, 3)
    found = monitor(Config(window=100), reference=traffic(200, 2), current=moved, abstain="unknown", folder=tmp_path)
    assert found.current_rows == 100
    assert found.drift is False


def test_an_evidence_table_becomes_a_reference_window() -> None:
    table = [{"id": "1", "text": "who is it", "answer": "Unknown.", "passages": ["p"], "scores": [2.0, 0.5], "f1": 1.0}]
    (row,) = descriptors(reference_rows(table), "unknown")
    assert row == {
        "input_words": 3.0, "input_characters": 9.0, "answer_words": 1.0, "abstained": 1.0, "top_score": 2.0,
        "score_margin": 1.5, "seconds": None,
    }  # fmt: skip
    assert descriptors([{"input": "x", "answer": "", "scores": [], "seconds": 0.2}])[0]["top_score"] == 0.0


def test_columns_that_never_differ_are_no_drift(tmp_path: Path) -> None:
    same = [{"id": str(number), "input": "a", "answer": "b", "scores": [], "seconds": None} for number in range(40)]
    assert monitor(Config(), reference=same, current=same, folder=tmp_path).drift is False
