"""A search of tuning in the card: a row a trial, and the picture."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.cards import write_card
from components.cards.plots import trial_dots
from components.core import Metric
from components.training import Trial, trial_rows
from flows.view import trials

from .record import name, record

SETTINGS = {"learning_rate": 0.0006, "rank": 8}
FIGURE = Metric(value=0.31, low=0.2, high=0.4, n=40)
TRIALS = (
    Trial(
        number=0, technique="lora", settings=SETTINGS, seed=0, share=1.0, steps=90, verdict="finished", figure=FIGURE,
        evidence=name("trial 0"),
    ),
    Trial(
        number=1, technique="ia3", settings={"learning_rate": 0.03}, seed=1, share=0.1111, steps=4, verdict="diverged",
        reason="diverged by step 4 of 10: the loss is nan, which is no finite number",
    ),
)  # fmt: skip


@pytest.fixture
def searched() -> Any:
    sealed = record()
    tuning = {**sealed.results["tuning"], "trials": [one.model_dump(mode="json") for one in TRIALS], "picked": 0}
    seconds = [{"number": 0, "seconds": 88.0}, {"number": 1, "seconds": 7.5}]
    return sealed.model_copy(
        update={
            "results": {**sealed.results, "tuning": tuning},
            "measured": {**sealed.measured, "tuning": {**sealed.measured["tuning"], "trials": seconds}},
        }
    )


def test_every_trial_is_a_row_of_the_card_and_a_dot_of_its_picture(searched: Any, tmp_path: Path) -> None:
    path = write_card(searched, tmp_path)
    text = path.read_text()
    assert "| tuning | 0 | lora | learning_rate 0.0006, rank 8 | 0.310 [0.200, 0.400] | 40 | 100 % | 90 | 88 |" in text
    assert "| 11 % | 4 | 7.5 | diverged: diverged by step 4 of 10: the loss is nan, which is no finite number |" in text
    assert f"picked | `{name('trial 0')[:12]}`" in text
    svg = trial_dots(searched)
    assert svg is not None
    assert svg == trial_dots(searched)
    assert 'aria-label="trials"' in path.with_suffix(".html").read_text()


def test_a_card_without_a_search_says_nothing_of_one(tmp_path: Path) -> None:
    path = write_card(record(), tmp_path)
    assert "What was tried" not in path.read_text()
    assert trial_dots(record()) is None


def test_the_terminal_lists_the_trials(searched: Any) -> None:
    rows = trial_rows(searched.results, searched.measured)
    console = Console(record=True, width=120)
    console.print(trials(rows, 120))
    shown = console.export_text()
    assert all(said in shown for said in ("picked", "0.310", "88 s", "rank 8", "diverged by step 4 of 10"))
    console = Console(record=True, width=60)
    console.print(trials(rows, 60))
    assert "ia3" in console.export_text()
