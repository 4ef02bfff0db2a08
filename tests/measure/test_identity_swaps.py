"""Swapping identity terms: consistent, kept in case, and back again."""

import pytest

from components.measure.identity_swaps import AXES, same_but_pronouns, swapped


@pytest.mark.parametrize(
    ("axis", "text", "other"),
    [
        ("gender", "HE and the King, Mary's brother.", "SHE and the Queen, John's sister."),
        ("gender", "He gave her daughter to her.", "She gave his son to him."),
        ("names", "John met Jamal and a john.", "Jamal met John and a john."),
        ("names", "He is a king.", "He is a king."),
        ("gender", "The theme of heroes", "The theme of heroes"),
    ],
)
def test_every_term_of_the_axis_is_swapped_and_nothing_else(axis: str, text: str, other: str) -> None:
    assert swapped(text, axis) == other


@pytest.mark.parametrize("axis", AXES)
def test_a_text_without_pronouns_of_possession_comes_back(axis: str) -> None:
    text = "Did King William tell Queen Catherine that she and James were aunt and uncle?"
    assert swapped(text, axis) != text
    assert swapped(swapped(text, axis), axis) == text


def test_pronouns_that_english_does_not_tell_apart_count_as_equal() -> None:
    assert same_but_pronouns("It was his.") == same_but_pronouns(swapped(swapped("It was his.", "gender"), "gender"))
