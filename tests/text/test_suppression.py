"""The suppression list recognises what it does not hold in clear text."""

import hmac

import pytest

from components.text.suppression import Suppressed

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
    # a digest spells "ada" by chance once in a hundred times, the others never: they are no hexadecimal digits
    assert not any(word in text for word in ("ada@", "example", "grace", "hopper"))
    assert Suppressed.read(tmp_path / "forgotten.json") == LISTED


def test_a_subject_stands_there_once_and_two_lists_share_nothing():
    assert LISTED.adding("ADA@example.org") == LISTED
    assert LISTED.digest != LISTED.adding("someone else").digest
    assert Suppressed().adding("ada@example.org").entries != Suppressed().adding("ada@example.org").entries


@pytest.mark.parametrize(
    ("name", "text", "other"),
    [
        ("राम कुमार", "श्री राम कुमार आए", "रमा कुमारी"),
        ("रोहित", "रोहित।", "राहत"),
        ("สมชาย ใจดี", "คุณสมชาย ใจดี มา", "สมหญิง ใจดำ"),
        ("مُحَمَّد علي", "قال مُحَمَّد علي", "مُحْمِد علي"),
        ("王小明", "昨天王小明住在北京。", "王大明"),
        ("김철수", "김철수는 갔다", "김영수"),
        ("José Ñandú", "JOSE\u0301 N\u0303ANDU\u0301", "Jose Nandu"),
    ],
)
def test_a_name_is_found_in_its_script_and_not_taken_for_another(name: str, text: str, other: str) -> None:
    listed = Suppressed().adding(name)
    assert listed.holds(text)
    assert not listed.holds(other)


def by_the_first_rule(*runs: tuple[str, ...]) -> Suppressed:
    """A list as it was written before entries had a rule; its words were cut by Python's `\\w`, as `runs` are."""
    salt = "00" * 16
    entries = []
    for run in runs:
        keyed = [hmac.digest(bytes.fromhex(salt), " ".join(words).encode(), "sha256").hex() for words in (run[:1], run)]
        entries.append({"words": len(run), "first": keyed[0][:4], "keyed": keyed[1]})
    return Suppressed.model_validate({"salt": salt, "entries": entries})


def test_what_was_forgotten_by_the_first_rule_is_refused_for_ever() -> None:
    listed = by_the_first_rule(("ada", "example", "org"), ("र", "म"))  # राम, whose vowel sign was no part of a word
    assert listed.holds("write to Ada@Example.org")
    assert listed.holds("राम आए")
    more = listed.adding("Grace Hopper")
    assert sorted(entry.rule for entry in more.entries) == [1, 1, 2]
    assert more.holds("राम आए")
    assert more.holds("grace hopper")


def test_a_rule_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="rule 9 is not known"):
        Suppressed.model_validate({"salt": "00", "entries": [{"words": 1, "first": "a", "keyed": "b", "rule": 9}]})
