"""The suppression list recognises what it does not hold in clear text."""

import pytest

from components.core.suppression import Suppressed

LISTED = Suppressed().adding("ada@example.org").adding("Grace Brewster Hopper")


@pytest.mark.parametrize(
    "text",
    ["write to Ada@Example.org .", "ADA @ EXAMPLE . ORG", "grace  brewster\nhopper said", "ｇｒａｃｅ brewster hopper"],
)
def test_case_spacing_and_punctuation_do_not_hide_a_subject(text):
    assert LISTED.holds("nothing here", text)


@pytest.mark.parametrize("text", ["ada@example.com", "grace hopper", "nevada@example.org", "", None])
def test_other_texts_pass(text):
    assert not LISTED.holds(text)


def test_the_file_names_nobody(tmp_path):
    LISTED.write(tmp_path / "forgotten.json")
    text = (tmp_path / "forgotten.json").read_text().lower()
    assert not any(word in text for word in ("ada", "example", "grace", "hopper"))
    assert Suppressed.read(tmp_path / "forgotten.json") == LISTED


def test_a_subject_stands_there_once_and_two_lists_share_nothing():
    assert LISTED.adding("ADA@example.org") == LISTED
    assert LISTED.digest != LISTED.adding("someone else").digest
    assert Suppressed().adding("ada@example.org").entries != Suppressed().adding("ada@example.org").entries
