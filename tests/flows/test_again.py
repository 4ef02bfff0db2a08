"""Why a step runs again: what of its key differs from the nearest seal of that step."""

from pathlib import Path

import pytest

from components.core import Seal, Store
from components.core.store import inputs_of
from flows.again import why_again

ASKED = {"code": "c1", "pins": "p1", "settings": {"learning_rate": 0.0006, "lora": {"rank": 8}}}
GIVEN = inputs_of({"dataset": "rows", "candidate": "base"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one finished tuning."""
    kept = Store(tmp_path)
    kept.seal(Seal(key="a" * 64, name="components.tuning.tune", result={}, inputs=GIVEN, asked=ASKED))
    return kept


@pytest.mark.parametrize(
    ("change", "given", "line"),
    [
        ({"settings": {"learning_rate": 0.0003, "lora": {"rank": 8}}}, GIVEN, "learning_rate 0.0006 → 0.0003"),
        ({"settings": {"learning_rate": 0.0006, "lora": {"rank": 16}}}, GIVEN, "lora.rank 8 → 16"),
        ({"settings": {"learning_rate": 0.0006}}, GIVEN, "lora.rank 8 → not set"),
        ({"code": "c2"}, GIVEN, "the code of this step changed"),
        ({"pins": "p2"}, GIVEN, "the pinned versions changed"),
        ({}, inputs_of({"dataset": "others", "candidate": "base"}), "another dataset"),
        (
            {"code": "c2"},
            inputs_of({"dataset": "rows", "candidate": "b"}),
            "the code of this step changed; another candidate",
        ),
        ({}, GIVEN, "its seal, or what it made, is gone or was damaged"),
    ],
)
def test_what_differs_is_said_in_one_line(store: Store, change: dict, given: dict, line: str) -> None:
    assert why_again(store, "components.tuning.tune", {**ASKED, **change}, given) == line


def test_of_several_seals_the_nearest_one_is_held_against_it(store: Store) -> None:
    other = {**ASKED, "code": "c0", "pins": "p0"}
    store.seal(Seal(key="b" * 64, name="components.tuning.tune", result={}, inputs=GIVEN, asked=other))
    again = {**ASKED, "pins": "p2"}
    assert why_again(store, "components.tuning.tune", again, GIVEN) == "the pinned versions changed"


def test_a_step_that_was_never_done_and_a_seal_of_before_say_so(store: Store) -> None:
    assert why_again(store, "components.prompting.prompt", ASKED, GIVEN) == "not done before"
    store.seal(Seal(key="c" * 64, name="components.prompting.prompt", result={}))
    assert why_again(store, "components.prompting.prompt", ASKED, GIVEN) == "sealed by an earlier version of Ninefold"
