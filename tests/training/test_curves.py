"""Curves of a training in MLflow: there while it trains, each step once, whatever was killed."""

from pathlib import Path

import pytest

from components.core import Workspace, curves, part, plot, plotting
from components.core.curves import Curves
from components.core.tracking import Tracking
from components.training.checkpoints import newest_whole
from tests.core.test_tracking import show
from tests.training.killed import kill, started
from tests.training.test_techniques import base, train, world  # noqa: F401


def trained_and_tracked(home: Path, base: Path, scratch: Path) -> None:  # noqa: F811
    curves.EVERY = 0.4
    tracking = Tracking(Workspace(home), "desk")
    with tracking.training(tracking.begin("run", "a run", {}, {}), "tuning", "step"):
        train("lora", base, scratch)


def curve(tracking: Tracking, run_id: str, name: str = "training/loss") -> list[tuple[int, float]]:
    return sorted((point.step, point.value) for point in tracking.client.get_metric_history(run_id, name))


def test_a_killed_training_shows_its_curve_while_it_trains_and_each_step_once(base: Path, tmp_path: Path) -> None:  # noqa: F811
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    tracking = Tracking(Workspace(home), "desk")
    parent = tracking.begin("run", "a run", {}, {})

    def shows_its_curve() -> bool:
        runs = tracking.client.search_runs([tracking.experiment], "tags.`ninefold.key` = 'step'")
        seen = curve(tracking, runs[0].info.run_id) if runs else []
        return bool(seen) and newest_whole(scratch / "checkpoints") is not None

    kill(started(trained_and_tracked, home, base, scratch), shows_its_curve)
    (left,) = tracking.client.search_runs([tracking.experiment], "tags.`ninefold.key` = 'step'")
    assert left.info.status == "RUNNING"
    assert 0 < len(curve(tracking, left.info.run_id)) < 12
    tracking.bury()
    assert tracking.client.get_run(left.info.run_id).info.status == "KILLED"
    with tracking.training(parent, "tuning", "step"):
        trained = train("lora", base, scratch)
    assert trained.resumed
    assert tracking.client.get_run(left.info.run_id).info.status == "RUNNING"
    assert show(tracking, parent, "step") == left.info.run_id
    shown = curve(tracking, left.info.run_id)
    assert [step for step, _ in shown] == list(range(1, 13))
    assert [value for _, value in shown] == trained.losses
    assert len(curve(tracking, left.info.run_id, "training/learning_rate")) == 12
    assert tracking.client.get_run(left.info.run_id).info.status == "FINISHED"


def test_what_a_kill_kept_from_being_sent_is_sent_when_the_training_goes_on(base: Path, tmp_path: Path) -> None:  # noqa: F811
    """A checkpoint lies behind steps whose figures were still waiting: they come from its history."""
    tracking = Tracking(Workspace(tmp_path / "home"), "desk")

    class Killed(Exception):
        """In place of a signal, so that nothing is flushed."""

    def lost(what: str, step: int, figures: object) -> None:
        if step == 5:
            raise Killed

    with pytest.raises(Killed), plotting(lost):
        train("lora", base, tmp_path / "scratch")
    with tracking.training("", "tuning", "step"):
        assert train("lora", base, tmp_path / "scratch").resumed
    run_id = show(tracking, "", "step")
    assert [step for step, _ in curve(tracking, run_id)] == list(range(1, 13))


def test_two_trainings_of_one_step_have_a_curve_each_and_an_error_ends_the_run(tmp_path: Path) -> None:
    tracking = Tracking(Workspace(tmp_path), "desk")

    def both(then: int = 1) -> None:
        plot("training", 1, {"loss": 2.0})
        with part("with made rows"):
            plot("training", 1, {"loss": 3.0 / then})

    with pytest.raises(ZeroDivisionError), tracking.training("", "tuning", "step"):
        both(then=0)
    (run,) = tracking.client.search_runs([tracking.experiment])
    assert run.info.status == "FAILED"
    assert curve(tracking, run.info.run_id) == [(1, 2.0)]
    with tracking.training("", "tuning", "step"):
        both()
    with tracking.training("", "use_case", "trains nothing"):
        pass
    assert show(tracking, "", "step") == run.info.run_id
    assert curve(tracking, run.info.run_id) == [(1, 2.0)]
    assert curve(tracking, run.info.run_id, "training with made rows/loss") == [(1, 3.0)]
    assert len(tracking.client.search_runs([tracking.experiment])) == 1


def test_a_tracking_store_that_fails_stops_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException

    class Store:
        """Refuses the first request."""

        def __init__(self) -> None:
            self.asked, self.kept = 0, []

        def get_metric_history(self, run_id: str, name: str) -> list:
            return []

        def log_batch(self, run_id: str, metrics: list) -> None:
            self.asked += 1
            if self.asked == 1:
                raise MlflowException("away")
            self.kept += metrics

    monkeypatch.setattr("components.core.curves.EVERY", 0)
    store = Store()
    curves = Curves(store, lambda: "run", str)
    for step in range(1, 2502):
        curves.plot("training", step, {"loss": 1.0, "rate": float("nan")})
    assert store.asked == 1, "one try: a store that is away would keep each step waiting"
    curves.close()
    assert sorted({metric.step for metric in store.kept}) == list(range(1, 2502))
    assert store.asked > 2, "as many figures in one request as MLflow takes"
