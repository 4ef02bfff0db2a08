"""Curves of a step's trainings in MLflow, sent while they train, each step once.

A training that was killed and goes on reports its earlier steps once more, and trains those behind its checkpoint again, to
the same figures: what MLflow holds already is not sent a second time.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

logger = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds between two requests, each of some 10 ms on the workspace's own database."""
BATCH = 1000
"""Figures that MLflow takes in one request."""


class Curves:
    """A plotter (`progress.plotting`) into one MLflow run, which `run` opens or finds at the first figure."""

    def __init__(self, client: "MlflowClient", run: Callable[[], str], name: Callable[[str], str]) -> None:
        self._client, self._run, self._name = client, run, name
        self.run_id = ""
        """The MLflow run, once there is one."""
        self._known: dict[str, set[int]] = {}
        self._waiting: list[list[Metric]] = []
        self._sent, self._failed = 0.0, False

    def plot(self, what: str, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of one step of the training `what`. A tracking store that fails stops no training: the figures
        wait for `close`."""
        from mlflow.entities import Metric

        known = self._steps_of(what)
        if step in known:
            return
        known.add(step)
        now = int(time.time() * 1000)
        self._waiting.append(
            [Metric(self._name(f"{what}/{name}"), float(value), now, step) for name, value in figures.items()]
        )
        if not self._failed and time.monotonic() - self._sent >= EVERY:
            self._try()

    def flush(self) -> None:
        """Send what waits. Raises MlflowException."""
        while self._waiting:
            several = max(1, BATCH // max(map(len, self._waiting)))
            batch = [metric for step in self._waiting[:several] for metric in step]
            self._client.log_batch(self.run_id, metrics=batch)
            del self._waiting[:several]
        self._sent = time.monotonic()

    def close(self, status: str | None = None) -> None:
        """Send what waits; with a status, end the run. A tracking store that fails is named and hides no other error."""
        if self.run_id:
            self._try(status)

    def _try(self, status: str | None = None) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.flush()
            if status:
                self._client.set_terminated(self.run_id, status)
        except MlflowException as error:
            self._failed = True
            logger.warning("MLflow does not show all of this training: %s", error)

    def _steps_of(self, what: str) -> set[int]:
        """Steps of a training that MLflow holds, or that wait."""
        if what not in self._known:
            self.run_id = self.run_id or self._run()
            history = self._client.get_metric_history(self.run_id, self._name(f"{what}/loss"))
            self._known[what] = {metric.step for metric in history}
        return self._known[what]
