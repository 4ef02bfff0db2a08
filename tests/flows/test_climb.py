"""Which rungs a run climbs: the logic between the stages, on a recorder in place of the steps."""

from types import SimpleNamespace
from typing import Any

import pytest

from components.core import Candidate, Decision, Prices, Runtime
from components.ladder import Config
from flows.climb import Climb

COMMON: Any = {"task": None, "metrics": None, "dataset": None}


class Recorder:
    """What `Climb` uses of Steps. meets: rungs whose measurement says that they meet the contract."""

    def __init__(self, rungs: tuple[str, ...], meets: tuple[str, ...] = ()) -> None:
        use_case = SimpleNamespace(limits=None, value=SimpleNamespace(prices=Prices(machine_hour=1.0)))
        self.run = SimpleNamespace(settings=lambda word, kind: Config(rungs=rungs), use_case=use_case)
        self.meets, self.unclimbed, self.estimates, self.done = meets, {}, {"tuning": 60.0}, []

    def __call__(self, stage: str, function: Any, *, called: str, rung: str, **given: Any) -> Any:
        self.done.append(SimpleNamespace(stage=stage, called=called))
        return SimpleNamespace(decision=Decision(verdict="adopt" if rung in self.meets else "keep", reason=""))

    def skip(self, stage: str, reason: str) -> None:
        self.done.append(SimpleNamespace(stage=stage, called=f"skip: {reason}"))


def candidate(name: str) -> Candidate:
    return Candidate(task=name, runtime=Runtime(engine="transformers"))


RUNGS = ("baseline", "zero_shot", "prompting", "retrieval", "tuning", "tuning.ia3", "preference")


def test_the_ladder_stops_at_the_first_rung_that_meets_the_contract() -> None:
    do = Recorder(RUNGS, meets=("prompting",))
    climb = Climb(do, COMMON)
    tried, kept = candidate("tried"), candidate("kept")
    assert climb.on("zero_shot", tried, kept) == kept
    assert climb.to("prompting")
    assert climb.on("prompting", tried, kept) == tried
    for rung in RUNGS[3:]:
        assert not climb.to(rung)
    assert {why.reason for why in do.unclimbed.values()} == {"prompting meets the contract"}
    assert (list(do.unclimbed), do.unclimbed["tuning"].seconds) == (list(RUNGS[3:]), 60.0)
    assert [done.stage for done in do.done] == ["selection", "prompting", "retrieval", "tuning", "feedback"]


def test_a_rung_that_is_not_listed_is_skipped_and_no_rung_of_the_run() -> None:
    do = Recorder(("baseline", "zero_shot", "few_shot"))
    climb = Climb(do, COMMON)
    assert not climb.to("prompting")
    assert do.done == [], "few_shot is of the same stage, and comes"
    assert climb.to("few_shot")
    assert climb.tunings() == [("tuning", None)]
    assert not climb.to("tuning")
    assert [(done.stage, done.called) for done in do.done] == [("tuning", "skip: the ladder does not list it")]
    assert do.unclimbed == {}


@pytest.mark.parametrize(("meets", "reason"), [(("baseline",), ""), ((), "no model can be used")])
def test_where_the_baseline_is_enough_nothing_above_it_is_climbed(meets: tuple[str, ...], reason: str) -> None:
    do = Recorder(RUNGS, meets=meets)
    climb = Climb(do, COMMON)
    climb.on("baseline", candidate("plain"), candidate("plain"))
    assert climb.goes_on == (not meets)
    climb.stop(reason)
    assert list(do.unclimbed) == list(RUNGS[1:])
    assert {why.reason for why in do.unclimbed.values()} == {reason or "baseline meets the contract"}
    assert [done.stage for done in do.done] == ["selection", "prompting", "retrieval", "tuning", "feedback"]


def test_a_ladder_of_the_baseline_alone() -> None:
    do = Recorder(("baseline",))
    climb = Climb(do, COMMON)
    climb.on("baseline", candidate("plain"), candidate("plain"))
    assert not climb.goes_on
    climb.stop("")
    assert do.unclimbed == {}
    assert [done.stage for done in do.done] == ["selection", "prompting", "retrieval", "tuning", "feedback"]


def test_a_rung_whose_stage_proposes_nothing_is_named_with_the_reason() -> None:
    do = Recorder(RUNGS)
    climb = Climb(do, COMMON)
    assert climb.on("preference", None, candidate("kept"), "no adapter to train on") == candidate("kept")
    assert do.unclimbed["preference"].reason == "no adapter to train on"
    assert do.done == []
