"""A shared run of words gives a question away; a shared template with another year or name in it does not."""

import pytest

from components.text.leaks import Item, Leaks

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


SENTENCE = "The poor driver took the old cashier home in the rain."
SHORT = [
    Item("test", "song", "who sings the oldest song of the harbour", "Brunhilde"),
    Item("test", "film", "A dull and endless film about boats, without one good line."),
    Item("benchmark wino", "ride", SENTENCE),
    Item("benchmark stereo", "few", "They were loud and rich."),
]


@pytest.fixture(scope="module")
def short() -> Leaks:
    return Leaks(SHORT)


@pytest.mark.parametrize(
    ("text", "answer", "item"),
    [
        ("Please answer this: who sings the oldest song of the harbour? Keep it brief.", "Brunhilde", "song"),
        ("Please answer this: who sings the oldest song of the harbour? Keep it brief.", "", "song"),
        ("We went in June. " + SHORT[1].question + " My aunt slept.", "bad", "film"),
        ("I read this once: " + SENTENCE, "", "ride"),
    ],
)
def test_an_item_wrapped_in_a_longer_row_leaks(short: Leaks, text: str, answer: str, item: str) -> None:
    (found,) = short.of_rows([(text, answer)])
    assert found
    assert (found.item.id, found.how) == (item, "within")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("who sings the oldest song of the harbour no wait which mayor had it written down", "Ottokar"),
        ("I saw how they were loud and rich. That is all.", ""),
        ("Tell me, who sings the oldest song of the hills?", "Quito"),
    ],
)
def test_a_row_that_goes_on_to_ask_for_something_else_leaks_nothing(short: Leaks, text: str, answer: str) -> None:
    assert short.of_rows([(text, answer)]) == [None]


def test_a_sentence_without_a_question_word_is_found_in_a_passage(short: Leaks) -> None:
    (here, nothing) = short.of_passages([f"All about cars. {SENTENCE} So it was.", "They were loud and rich. So it was."])
    assert [leak.item.id for leak in here] == ["ride"]
    assert nothing == []


SHUFFLED = "song the of who harbour sings oldest the"


@pytest.mark.parametrize(
    "page",
    [
        f"Q: {SHUFFLED}\nA: Brunhilde",
        f"Asked often. Question 3: {SHUFFLED} Answer: Brunhilde",
        f"Asked often\n{SHUFFLED}\nBrunhilde",
        f"| {SHUFFLED} | Brunhilde |",
    ],
)
def test_a_page_that_asks_in_other_order_and_without_a_mark_is_found(short: Leaks, page: str) -> None:
    assert [(leak.item.id, leak.how) for leak in short.of_passages([page])[0]] == [("song", "question and answer")]


def test_a_line_that_tells_the_answer_asks_nothing(short: Leaks) -> None:
    told = "The oldest song of the harbour, who knows, Brunhilde sings"
    assert all(leak.how == "content and answer" for leak in short.of_passages([f"Songs\n{told}\nBoats"])[0])


FORM = (
    "Lease of {who}. The flat lies at {where} and has {rooms} rooms. The rent is {rent} a month, due on the first. No pets."
)
RENT = "What is the monthly rent?"
LEASES = [
    Item("test", "a", RENT, "900 euro", FORM.format(who="Ada Lund", where="1 Mill Lane", rooms=3, rent="900 euro")),
    Item("test", "b", RENT, "700 euro", FORM.format(who="Bo Falk", where="8 Hill Road", rooms=2, rent="700 euro")),
    Item("test", "c", "May I keep a dog?", "no", FORM.format(who="Bo Falk", where="8 Hill Road", rooms=2, rent="700 euro")),
]


@pytest.mark.parametrize(
    ("question", "answer", "text", "item"),
    [
        (RENT, "900 euro", LEASES[0].given, "a"),
        (RENT, "650 euro", LEASES[0].given, "a"),  # equal texts: whatever the answer
        ("so what would the monthly rent be?", "700 euro", LEASES[1].given, "b"),
        (RENT, "900 euro", LEASES[0].given.replace("No pets.", "No pets, no smoke."), "a"),
        ("May I keep a dog?", "no", LEASES[2].given.replace("No pets.", "No pets at all."), "c"),
    ],
)
def test_one_question_of_the_same_text_is_a_leak(question: str, answer: str, text: str, item: str) -> None:
    (leak,) = Leaks(LEASES).of_rows([(question, answer)], [text])
    assert leak
    assert leak.item.id == item


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        (RENT, "1,200 euro", FORM.format(who="Cy Dahl", where="5 Lake View", rooms=4, rent="1,200 euro")),
        (RENT, "900 euro", "Another lease altogether, where the rent is 900 euro and the tenant mows the lawn."),
        ("May I keep a dog?", "no", FORM.format(who="Cy Dahl", where="5 Lake View", rooms=4, rent="1,200 euro")),
        (RENT, "900 euro", FORM.format(who="Cy Dahl", where="5 Lake View", rooms=4, rent="900 euro")),  # another flat
        ("How many rooms are there?", "3", LEASES[0].given),
    ],
)
def test_one_question_of_many_texts_is_none(question: str, answer: str, text: str) -> None:
    assert Leaks(LEASES).of_rows([(question, answer)], [text]) == [None]


def test_a_benchmark_s_question_leaks_whatever_text_it_comes_with() -> None:
    (leak,) = Leaks([Item("benchmark", "0", RENT, "")]).of_rows([(RENT, "900 euro")], [LEASES[0].given])
    assert leak
    assert leak.how == "equal"
