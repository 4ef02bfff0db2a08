"""Climbing the ladder: which rung is next, what each one reached, and why those above were not climbed.

`Climb` is used by the lifecycle's page, between its stages. What is shown of the rungs is in components/ladder/rows.py.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from components.core import Candidate, Dataset, Metrics, Task
from components.ladder import STAGE, Config, NotClimbed, measure_rung, stage_of, technique_of

if TYPE_CHECKING:
    from flows.steps import Steps


class Common(TypedDict):
    """What every stage after the data is given."""

    task: Task
    metrics: Metrics
    dataset: Dataset


@dataclass
class Climb:
    """The rungs of one run, from the cheapest on. `met`: the first that meets the contract; empty while none does."""

    do: "Steps"
    common: Common
    met: str = ""

    @cached_property
    def rungs(self) -> tuple[str, ...]:
        """What the settings list."""
        return self.do.run.settings("ladder", Config).rungs

    @property
    def goes_on(self) -> bool:
        """Whether there is a rung above the baseline that is to be climbed."""
        return not self.met and len(self.rungs) > 1

    def tunings(self) -> list[tuple[str, str | None]]:
        """The listed rungs of tuning, each with its technique (None: the use case's own); all of tuning where none is."""
        listed = [(rung, technique_of(rung)) for rung in self.rungs if stage_of(rung) == "tuning"]
        return listed or [("tuning", None)]

    def stop(self, reason: str) -> None:
        """Climb nothing above the baseline. reason: why not; where it is empty, the ladder itself says why."""
        for rung in [*self.rungs[1:], *STAGE]:
            if rung not in ("baseline", "zero_shot"):
                self.to(rung, unless=reason)
        if "zero_shot" in self.rungs:
            self.do.unclimbed = {"zero_shot": self._not_climbed("zero_shot", reason)} | self.do.unclimbed

    def to(self, rung: str, unless: str = "") -> bool:
        """Whether to climb `rung`; if not, the reason is recorded, and its stage skipped where no rung of it is climbed.

        unless: why it cannot be climbed in this use case; empty where it can
        """
        if not (reason := self._reason(rung) or unless):
            return True
        if rung in self.rungs:
            self.do.unclimbed[rung] = self._not_climbed(rung, reason)
        stage = stage_of(rung)
        later = [one for one in self.rungs if stage_of(one) == stage and one != rung and one not in self.do.unclimbed]
        if not any(done.stage == stage for done in self.do.done) and not later:
            self.do.skip(stage, reason=reason)
        return False

    def on(self, rung: str, tried: Candidate | None, goes_on: Candidate, why: str = "") -> Candidate:
        """Measure what `rung` proposes; returns that (`tried`) where it meets the contract, else what its stage chose.

        tried: None where the stage had nothing to propose, and `why` says so: the rung was not climbed
        """
        if tried is None:
            self.do.unclimbed[rung] = NotClimbed(reason=why)
            return goes_on
        contract = self.do.run.use_case
        measured = self.do(
            stage_of(rung),
            measure_rung,
            called=f"ladder.{rung}",
            rung=rung,
            candidate=tried,
            limits=contract.limits,
            prices=contract.value.prices,
            **self.common,
        )
        if not measured.decision.adopted:
            return goes_on
        self.met = rung
        return tried

    def _reason(self, rung: str) -> str:
        if self.met:
            return f"{self.met} meets the contract"
        return "" if rung in self.rungs else "the ladder does not list it"

    def _not_climbed(self, rung: str, reason: str) -> NotClimbed:
        return NotClimbed(reason=reason or self._reason(rung), seconds=self.do.estimates.get(rung))
