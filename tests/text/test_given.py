"""A question and its text as one input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.text import apart, together


@pytest.mark.parametrize(
    ("asked", "text", "question"),
    [
        ("The rent is 900.\n\nWhat is the rent?", "The rent is 900.", "What is the rent?"),
        ("One.\n\nTwo.\r\n \r\nHow many?", "One.\n\nTwo.", "How many?"),
        ("A line.\nAnother.\n\n\nWhich?\nThis?", "A line.\nAnother.", "Which?\nThis?"),
        ("  What is the rent?\n\n", "", "What is the rent?"),
        ("租金是九百。\n\n租金是多少？", "租金是九百。", "租金是多少？"),
    ],
)
def test_what_stands_behind_the_last_empty_line_is_the_question(asked: str, text: str, question: str) -> None:
    assert apart(asked) == (text, question)
    assert apart(asked, given=False) == ("", asked)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.just("\n"), min_size=1)


@given(WORDS, WORDS)
def test_what_was_put_together_comes_apart_again(text: str, question: str) -> None:
    """Whatever the two hold; empty lines inside a question become one line break."""
    if text.strip() and question.strip():
        found, asked = apart(together(text, question))
        assert found == text.strip()
        assert asked.split() == question.split()
        assert together(found, asked) == together(text, question)
