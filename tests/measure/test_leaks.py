"""A shared run of words gives a question away; a shared template with another year or name in it does not."""

import pytest

from components.measure.leaks import Item, Leaks

COUNTED = "What was the total population of the old harbour city according to the official census of the year {} ?"
LED = "Who was the first freely elected mayor of the oldest city on the northern coast of the province of {} ?"
ITEMS = [
    Item("test", "counted 1990", COUNTED.format(1990), "41,000 people"),
    Item("test", "counted 2000", COUNTED.format(2000), "52,300 people"),
    Item("test", "led", LED.format("Ulmenau"), "Ottokar the Bald"),
]


@pytest.fixture(scope="module")
def leaks() -> Leaks:
    return Leaks(ITEMS)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (COUNTED.format(1980), "38,500 people"),
        (COUNTED.format(1980), ""),
        (COUNTED.format("nineteen seventy"), ""),
        (LED.format("Quito"), "Brunhilde"),
    ],
)
def test_another_year_or_name_in_a_long_template_is_another_question(leaks: Leaks, text: str, answer: str) -> None:
    assert leaks.of_rows([(text, answer)]) == [None]


@pytest.mark.parametrize(
    ("text", "answer", "item"),
    [
        (COUNTED.format(2000), "", "counted 2000"),
        (COUNTED.format("nineteen ninety"), "", "counted 1990"),
        (COUNTED.format("") + " I mean the one in 2000", "", "counted 2000"),
        (COUNTED.format(1980), "41,000 people", "counted 1990"),
        (LED.format("Quito"), "", "led"),
        (LED.format("Quito"), "the bald Ottokar", "led"),
        (LED.format("the whole North"), "unknown", "led"),
        ("Tell me, please: " + LED.format("Ulmenau"), "somebody else", "led"),
        (COUNTED.format(1980) + " and so on" * 20, "", "counted 1990"),
    ],
)
def test_a_shared_run_without_such_a_difference_leaks(leaks: Leaks, text: str, answer: str, item: str) -> None:
    (found,) = leaks.of_rows([(text, answer)])
    assert found
    assert found.item.id == item


def test_a_passage_that_asks_the_same_of_another_year_is_no_leak(leaks: Leaks) -> None:
    told = "A note on {}: 38,500 souls were counted."
    asked = COUNTED.removesuffix(" ?")
    assert leaks.of_passages([told.format(asked.format(1980))]) == [[]]
    (here,) = leaks.of_passages([told.format(asked.format(1990))])
    assert [leak.item.id for leak in here] == ["counted 1990"]
