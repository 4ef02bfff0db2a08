"""What answers are like: a closed set of few, or words of texts."""

from components.core import Row
from components.measure.answer_kinds import few_answers, most_frequent, stand_in_texts


def rows(*answers: str) -> list[Row]:
    return [Row(id=str(i), text=f"is it {i}?", answer=answer, passage=str(i)) for i, answer in enumerate(answers)]


def test_yes_and_no_are_few_and_names_are_not() -> None:
    assert few_answers(rows(*["yes"] * 6, *["No."] * 4))
    assert not few_answers(rows(*(f"name {i}" for i in range(40))))
    assert not few_answers(rows("yes", "no", "yes")), "three rows say nothing of what others would"
    assert not few_answers(rows(*["yes"] * 40)), "one answer is a constant"


def test_a_yes_stands_in_no_text_and_a_name_in_its_own() -> None:
    named = rows(*(f"name{i}" for i in range(20)))
    own = {str(i): f"This is name{i}, and no other." for i in range(20)}
    assert stand_in_texts(named, own)
    assert not stand_in_texts(named, dict.fromkeys(own, "Nobody is named here."))
    assert stand_in_texts(named, {}), "where no passage is known, nothing speaks against it"
    anywhere = {str(i): "No man is an island, no." for i in range(20)}
    assert not stand_in_texts(rows(*["no", "yes"] * 10), anywhere), "a word of few stands anywhere by chance"


def test_the_most_frequent_answer_is_counted_by_what_it_says() -> None:
    assert most_frequent(["Yes", "no", "no", "yes.", "Yes"]) == "Yes"
    assert most_frequent(["b", "a"]) == "a"
    assert most_frequent([]) == ""
