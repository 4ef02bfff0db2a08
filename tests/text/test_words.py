"""Words, labels and names in every script: what reads the same is one, what a reader tells apart is two."""

import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from components.text import holds, label_of, language_of, matching_label, same, scored, searched, units, words

TEXTS = st.text(max_size=30)
RIGHT_AND_WRONG = {
    "en": ("the stone bridge", "a wooden boat"),
    "de": ("die steinerne Brücke", "ein hölzernes Boot"),
    "ru": ("каменный мост", "деревянная лодка"),
    "el": ("η πέτρινη γέφυρα", "ένα ξύλινο καράβι"),
    "ar": ("الجسر الحجري", "قارب خشبي"),
    "he": ("גשר האבן", "סירת עץ"),
    "hi": ("पत्थर का पुल", "लकड़ी की नाव"),
    "zh": ("石桥", "木船"),
    "ja": ("石の橋", "木造の船"),
    "th": ("สะพานหิน", "เรือไม้"),
    "ko": ("돌다리", "나무배"),
}
"""Language → an answer and another one."""
APART = [
    ("-1", "1"), ("+1", "-1"), ("C", "C++"), ("C", "C#"), ("C++", "C#"), ("<50", ">50"),
    ("B-", "B+"), ("B-", "B"), ("3.5", "35"), ("5.1", "1.5"), ("50%", "50"), ("$50", "€50"),
    ("10²", "102"), ("x<y", "x>y"), ("#1", "1"), ("👍", "👎"), ("vitamin A", "vitamin"),
    ("राम", "रमा"), ("राम", "रोम"), ("राम", "रम"), ("ผู้ชาย", "ผู้หญิง"), ("عَلَم", "عِلْم"),
    ("ガラス", "カラス"), ("café", "cafe"), ("12:30", "30:12"), ("−1", "1"), ("½", "2"),
    ("C++17", "C17"), ("≤5", "≥5"), ("a=b", "a≠b"), ("°", "%"),
]  # fmt: skip
ALIKE = [
    ("The Earth ' s atmosphere.", "Earth's Atmosphere"), ("瓷器。", "瓷器"), ("１２", "12"),
    ("STRASSE", "straße"), ("ΣΊΣΥΦΟΣ", "Σίσυφος"), ("3 . 5", "3.5"), ("5 , 000", "5,000"),
    ("< 50", "<50"), ("50 %", "50%"), ("−1", "-1"), ("soft\u00adware", "software"),
    ("“so”", "so"), ("что?", "Что"), ("؟ماذا", "ماذا؟"), ("はい。", "はい"), ("नहीं।", "नहीं"),
    ("한국!", "한국"), ("nai\u0308ve", "naïve"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), APART)
def test_texts_that_a_reader_tells_apart_are_two(one: str, two: str) -> None:
    assert same(one) != same(two)
    assert words(one) != words(two)
    assert scored(one) != scored(two)


@pytest.mark.parametrize(("one", "two"), ALIKE)
def test_case_punctuation_and_spacing_make_no_other_words(one: str, two: str) -> None:
    assert scored(one) == scored(two)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["", " ", "\n", "\u3000", "\t "]), st.sampled_from(["NFC", "NFD"]))
@example("e\u0301", " ", "NFC")
@example("한국어", "", "NFD")
def test_equal_texts_are_one_in_every_strength(text: str, outer: str, form: str) -> None:
    other = outer + unicodedata.normalize(form, text) + outer
    assert same(other) == same(text)
    assert words(other) == words(text)
    assert scored(other) == scored(text)
    assert searched(other) == searched(text)


LETTERS = st.sampled_from("abcxyzäéабвгдкमनरतकहािीुेोثجحخدאבגדהกขคงะาิีุู")
"""Letters and vowel signs of which no two are one: Latin, Cyrillic, Devanagari, Arabic, Hebrew, Thai."""


@settings(deadline=None)
@given(st.text(LETTERS, min_size=1, max_size=8), st.text(LETTERS, min_size=1, max_size=8))
@example("राम", "रमा")
def test_words_of_other_letters_are_others(one: str, two: str) -> None:
    one, two = f"a{one}", f"a{two}"  # no text starts with a sign that has no letter
    assume(unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", two))
    assert words(one) != words(two)


@settings(deadline=None)
@given(st.integers(-999, 999), st.integers(-999, 999))
def test_numbers_are_equal_where_they_are(one: int, two: int) -> None:
    assert (words(f"it is {one} now") == words(f"it is {two} now")) == (one == two)


@pytest.mark.parametrize("language", RIGHT_AND_WRONG)
def test_an_answer_stands_in_a_sentence_and_another_one_does_not(language: str) -> None:
    right, wrong = RIGHT_AND_WRONG[language]
    assert holds(f"1207, {right}. 30", right)
    assert not holds(f"1207, {right}. 30", wrong)


def test_scripts_without_spaces_are_cut_by_dictionary() -> None:
    assert words("東京は日本の首都です。") == ("東京", "は", "日本", "の", "首都", "です")
    assert words("ประเทศไทยเป็นบ้าน") == ("ประเทศไทย", "เป็น", "บ้าน")
    assert len(words("镇上最有名的特产是铜矿")) > 4
    assert units("石の橋 bridge 다리") == ("石", "の", "橋", "bridge", "다", "리")


def test_a_name_is_found_however_a_dictionary_cuts_its_sentence() -> None:
    assert holds("明天王小明住在北京", "王小明")
    assert holds("김철수는 갔다", "김철수")
    assert not holds("kittens", "kit")
    assert not holds("anything", "…")


def test_what_is_searched_is_stemmed_by_its_language() -> None:
    assert searched("bridges of the towns") == searched("bridge town")
    assert searched("Brücken in den Städten", "de") == searched("Brücke Stadt", "de")
    assert searched("мосты городов", "ru") == searched("мост город", "ru")
    assert searched("كِتَاب") == searched("كتاب"), "vowel points are left out as a rule"
    assert set(searched("청천은")) >= set(searched("청천"))
    assert set(searched("青川建于哪一年")) >= set(searched("青川"))


def test_the_language_of_a_base_follows_from_its_common_words() -> None:
    assert language_of(["Die Brücke über den Fluss ist alt und aus Stein."]) == "de"
    assert language_of(["The bridge over the river is old and of stone."]) == "en"
    assert language_of(["El puente sobre el río es viejo y de piedra."]) == "es"
    assert language_of(["青川"]) == language_of([]) == "en"


@pytest.mark.parametrize(
    ("labels", "said", "label"),
    [
        (("positive", "negative"), "Positive.", "positive"),
        (("positive", "negative"), "positively", None),
        (("Ham", "HAM"), "HAM", "HAM"),
        (("Ham", "HAM"), "ham", None),
        (("-1", "1"), " -1 ", "-1"),
        (("-1", "1"), "1.", "1"),
        (("-", "+"), "-", "-"),
        (("a", "the"), "The", "the"),
        (("C", "C++"), "c++", "C++"),
        (("<50", ">50"), "> 50", ">50"),
        (("café", "thé"), "cafe\u0301", "café"),
        (("да", "нет"), "Да!", "да"),
    ],
)
def test_an_answer_is_one_label_or_none(labels: tuple[str, ...], said: str, label: str | None) -> None:
    assert label_of(labels, said) == label


@pytest.mark.parametrize(
    ("labels", "said", "label"),
    [
        (("positive", "negative"), "It is Negative, not positive", "negative"),
        (("positive", "negative"), "positively", None),
        (("C", "C++"), "I would say C++ here", "C++"),
        (("C", "C++"), "I would say C here", "C"),
        (("1", "2"), "the value is -1", None),
        (("-1", "1"), "the value is -1", "-1"),
        (("Ham", "HAM"), "It is HAM", "HAM"),
        (("满意", "不满意"), "我觉得不满意。", "不满意"),
        (("नहीं", "हाँ"), "उत्तर नहीं है", "नहीं"),
    ],
)
def test_the_label_that_is_matching_label_counts(labels: tuple[str, ...], said: str, label: str | None) -> None:
    assert matching_label(labels, said) == label


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=6), min_size=2, max_size=4, unique_by=same))
def test_a_label_names_itself_and_no_other(labels: list[str]) -> None:
    assert [label_of(labels, label) for label in labels] == labels
