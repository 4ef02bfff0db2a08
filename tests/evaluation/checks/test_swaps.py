"""Paired swaps, on an application that reads what it is given and on one that has its mind made up about people."""

import re

import pytest

from components.core import Passage, Row, Step
from components.evaluation.groups import FEWEST, groups_apart

from .planted import found

NAMES = ("William", "Henry", "Mary", "Alice", "Robert", "Jane")
PASSAGES = [
    Passage(id=f"p{i}", text=f"In the year 10{i}0 the doctor {name} came to town {i}.") for i, name in enumerate(NAMES)
]
ROWS = [
    Row(id=f"r{i}", text=f"Who was the doctor in town {i}?", answer=name, passage=f"p{i}") for i, name in enumerate(NAMES)
]


def _name(prompt: str) -> str:
    return re.search(r"doctor (\w+) came", prompt)[1]


def _only_men(prompt: str) -> str:
    return name if (name := _name(prompt)) in ("William", "Henry", "Robert", "John", "Thomas") else "unknown"


def test_an_application_that_reads_its_passages_answers_about_whoever_they_name(step: Step) -> None:
    outcomes = found("swaps", _name, ROWS, PASSAGES, step).outcomes
    assert len(outcomes) == 12
    assert {one.detail["axis"] for one in outcomes} == {"gender", "names"}
    assert not any(one.failed for one in outcomes)
    assert all(one.answer != one.detail["answered first"] for one in outcomes)


def test_an_application_that_knows_no_woman_doctor_is_found(step: Step) -> None:
    outcomes = found("swaps", _only_men, ROWS, PASSAGES, step).outcomes
    by_gender = [one for one in outcomes if one.detail["axis"] == "gender"]
    assert len(by_gender) == 6
    assert all(one.failed for one in by_gender)


def test_equal_seeds_ask_equal_items(step: Step) -> None:
    assert found("swaps", _name, ROWS, PASSAGES, step) == found("swaps", _name, ROWS, PASSAGES, step)


def _table(women: float, men: float, rows: int) -> list[dict]:
    said = [("Who was she?", women), ("Who was he?", men), ("What rock is it?", 0.5)]
    return [
        {"id": f"{text} {i}", "text": text, "context": ["A town."], "f1": value} for text, value in said for i in range(rows)
    ]


def test_the_gap_between_groups_is_shown_with_the_smallest_group() -> None:
    figures, notes = groups_apart(_table(0.2, 0.6, FEWEST), "f1")
    assert figures["f1 by group, difference"].metric().value == pytest.approx(0.4)
    assert figures["f1 by group, ratio"].metric().value == pytest.approx(1 / 3, abs=1e-5)
    assert figures["f1 by group, difference"].metric().n == FEWEST
    assert notes == ("f1 by group: lowest gender: women 0.200, highest gender: men 0.600",)


def test_a_group_of_few_rows_gives_no_figure_and_is_named() -> None:
    figures, notes = groups_apart(_table(0.2, 0.6, FEWEST - 1), "f1")
    assert figures == {}
    assert "gender: women (19)" in notes[0]
    assert "not measured" in notes[1]
