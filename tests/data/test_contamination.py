"""Planted leaks are found and removed; what merely looks alike stays."""

import random
from collections import Counter

import pytest

from components.core import Row, Splits, Workspace
from components.data import Config
from components.data.benchmarks import benchmark_items
from components.data.contamination import LeakFinding, Rules, divide
from components.data.slices import question_type
from components.evaluation.items import BENCHMARKS
from components.text import words
from components.text.leaks import Item, Leaks
from components.text.overlap import Overlap

from .leak_cases import innocent_rows, other_passages, planted_passages, planted_rows, questions, same_topic

LONG = "the committee met on a rainy monday in march to settle the long dispute about the northern harbour wall"
ROWS = slice(240, 480)
"""The rules were written while looking at the first 240 questions; these are others."""


@pytest.fixture(scope="module")
def test_set() -> list[dict[str, str]]:
    return questions()[ROWS]


@pytest.fixture(scope="module")
def leaks(test_set: list[dict[str, str]]) -> Leaks:
    return Leaks([Item("test", str(number), row["question"], row["answer"]) for number, row in enumerate(test_set)])


def test_planted_rows_are_found_whatever_the_rule(test_set: list[dict[str, str]], leaks: Leaks) -> None:
    planted = planted_rows(test_set, 15)
    found = leaks.of_rows([(text, answer) for _, _, text, answer in planted])
    right = Counter(case[0] for case, leak in zip(planted, found, strict=True) if leak and leak.item.question == case[1])
    print("recall, rows:", {kind: f"{right[kind]}/15" for kind in dict.fromkeys(case[0] for case in planted)})
    assert len(planted) == 90
    assert sum(right.values()) >= 88
    assert min(right.values()) >= 14


def test_questions_planted_in_foreign_passages_are_found(test_set: list[dict[str, str]], leaks: Leaks) -> None:
    planted = planted_passages(test_set, 10)
    found = leaks.of_passages([text for _, _, text in planted])
    how = [
        next((leak.how for leak in here if leak.item.question == case[1]), None)
        for case, here in zip(planted, found, strict=True)
    ]
    print("recall, passages:", Counter(how))
    assert None not in how
    assert how.count("question and answer") >= 38, "the answer that stands with it is seen"


def test_innocent_overlap_is_left_alone(test_set: list[dict[str, str]], leaks: Leaks) -> None:
    innocent = [*innocent_rows(test_set, 20), *same_topic(test_set)]
    found = leaks.of_rows([(text, answer) for _, text, answer in innocent])
    false = Counter(case[0] for case, leak in zip(innocent, found, strict=True) if leak)
    print("false positives:", dict(false), "of", dict(Counter(case[0] for case in innocent)))
    assert len(innocent) >= 150
    # "Which British no rather French General …" and "What French no British General …" hold the same words: one to any rule
    # that finds shuffled questions
    assert false.pop("same topic", 0) <= 1
    assert not false
    assert not any(leaks.of_passages(other_passages()))


@pytest.mark.parametrize("style", ["Q: {}\nA: {}", "{}\n{}"])
def test_pages_of_shuffled_questions_without_a_mark_are_found(
    test_set: list[dict[str, str]], leaks: Leaks, style: str
) -> None:
    draw = random.Random(14)
    pages = []
    for row in test_set[:60]:
        said = row["question"].rstrip(" ?").split()
        pages.append("Asked often\n" + style.format(" ".join(draw.sample(said, len(said))), row["answer"]))
    told = [any(leak.how == "question and answer" for leak in here) for here in leaks.of_passages(pages)]
    print("recall, pages:", sum(told), "of 60")
    assert sum(told) >= 50


def test_benchmark_sentences_are_found_in_passages_and_real_passages_hold_none() -> None:
    items, about = benchmark_items(Config().benchmarks, (), Workspace())
    bias = [item for item in items if item.where.partition(" ")[2] in ("Crows-Pairs", "Wino-test", "StereoSet")]
    assert not any("[MASK]" in item.question for item in bias)
    leaks = Leaks(bias)
    sentences = [item for item in bias if len(words(item.question)) >= 8][::40]
    hosts = other_passages()
    planted = [f"{hosts[at]} {item.question} {hosts[-at]}" for at, item in enumerate(sentences)]
    found = leaks.of_passages(planted)
    assert all(
        any(leak.item.question == item.question for leak in here) for item, here in zip(sentences, found, strict=True)
    )
    assert not any(leaks.of_passages([passage for _, passage in about[:3000]])), "false alarms in 3,000 real passages"


def summaries(*texts: str) -> list[Row]:
    return [Row(id=f"{number:02}", text=f"{text} document", answer=text) for number, text in enumerate(texts)]


def test_a_training_row_that_holds_a_test_summary_is_removed() -> None:
    told = [f"the {one} council met in {two} to mend the long wall of the {two} mill" for one in "abcd" for two in "uvwxyz"]
    pool = summaries(*told)
    splits = Splits(train=40, validation=3, test=3)
    plain = divide(pool, splits, [], Rules(1.0, 30, summaries=True))
    test = plain.splits["test"]
    as_summary = [Row(id=f"own {row.id}", text=f"all about {row.id}", answer=row.answer) for row in test]
    inside = [Row(id=f"in {row.id}", text=f"Late. {row.answer} It rained.", answer=f"of {row.id}") for row in test]
    planted = divide([*pool, *as_summary, *inside], splits, [], Rules(1.0, 30, summaries=True))
    told_again = {row.answer for name in ("test", "validation") for row in planted.splits[name]}
    assert not any(answer in f"{row.text} {row.answer}" for row in planted.splits["train"] for answer in told_again)
    assert len(planted.findings) >= 6


def test_a_passage_with_content_and_answer_leaks_and_one_with_common_words_does_not() -> None:
    asked = [Item("test", "1", "Which bishop laid the first stone of the Ulmenau cathedral ?", "Ottokar")]
    leaks = Leaks([*asked, *(Item("test", str(number), f"Who owned mill {number} ?", "x") for number in range(9))])
    told = "In 1204 the bishop Ottokar laid the foundation, the very first stone of what is the cathedral of Ulmenau."
    (leak,) = leaks.of_passages([told])[0]
    assert (leak.item.id, leak.how, leak.answered) == ("1", "content and answer", True)
    for innocent in (
        "Ottokar was a bishop.",
        "The cathedral of Ulmenau has a first stone.",
        told.replace("Ottokar", "then"),
    ):
        assert leaks.of_passages([innocent]) == [[]]


def test_every_benchmark_that_evaluation_draws_from_is_held_against_training() -> None:
    assert {one.path for one in BENCHMARKS.values()} <= set(Config().benchmarks)


def test_the_list_keeps_no_second_copy_of_the_text() -> None:
    (leak,) = Leaks([Item("test", "7", LONG)]).of_rows([(LONG, "")])
    assert leak
    line = LeakFinding("example row", "a", "calls", leak).line()
    assert (line["where"], line["item"]) == ("test", "7")
    assert len(line["shared"]["excerpt"]) < len(LONG)
    assert len(line["shared"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (LONG.upper() + "!", "equal"),
        (" ".join(reversed(LONG.split()[:-1])), "near-equal"),
        (f"as we heard {LONG} and more", "shared words"),
        (f"harbour -- {LONG} " + "which had cost the town more than it ever earned " * 3, "shared words"),
        ("the committee met on a rainy monday in march to settle the budget of the library for 1987", None),
        ("", None),
    ],
)
def test_passages_that_overlap_are_told_from_those_that_are_alike(text: str, how: str | None) -> None:
    found = Overlap([(Item("BoolQ", "1"), LONG)], near=0.8).find(text)
    assert (found.how if found else None) == how


def rows(*texts: str) -> list[Row]:
    return [Row(id=f"{number:02}", text=text, answer="x") for number, text in enumerate(texts)]


def test_training_rows_that_overlap_with_held_out_rows_are_removed_and_counted() -> None:
    distinct = [f"which {first} of {second} stood there" for first in "abcdef" for second in "uvwxyz"]
    splits = Splits(train=40, validation=6, test=6)
    plain = divide(rows(*distinct), splits, [], Rules(0.95, 13))
    copies = [row.text.upper() + "?" for row in (*plain.splits["test"], *plain.splits["validation"])]
    planted = divide(rows(*distinct, *copies), splits, [], Rules(0.95, 13))
    held_out = {row.text.lower().strip("?") for name in ("test", "validation") for row in planted.splits[name]}
    assert not held_out & {row.text.lower().strip("?") for row in planted.splits["train"]}
    assert len(planted.findings) >= 6


def test_training_rows_that_overlap_with_a_benchmark_are_removed() -> None:
    pool = rows(*(f"which {first} of {second} stood there" for first in "abcdef" for second in "uvwxyz"))
    splits = Splits(train=40, validation=2, test=2)
    before = divide(pool, splits, [], Rules(0.95, 13)).splits["train"][0]
    after = divide(pool, splits, [Item("benchmark MMLU", "5", before.text)], Rules(0.95, 13))
    assert before.id not in {row.id for row in after.splits["train"]}
    assert [finding.reason for finding in after.findings] == ["example row and benchmark MMLU: equal"]


def test_a_group_larger_than_a_split_is_cut_and_goes_nowhere_else() -> None:
    pool = [Row(id=str(number), text=f"question {number}", answer="x", passage="one") for number in range(9)]
    divided = divide(pool, Splits(train=5, validation=2, test=3, by="passage"), [], Rules(1.0, 13))
    assert {name: len(items) for name, items in divided.splits.items()} == {
        "train": 0,
        "feedback": 0,
        "validation": 0,
        "test": 3,
    }


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What part no I meant how many chapters have authors ?", "how"),
        ("Who is the current , oh no , what Shakespeare scholar is on the faculty ?", "what"),
        ("What is or instead by whom is European Law applied by ?", "who"),
        ("91 % of economical advantage no what is used for farming ?", "what"),
        ("What do petrologists use rock samples or rather electron microprobes for ?", "what"),
        ("Name the king", "other"),
    ],
)
def test_the_question_type_follows_the_speakers_repair(question: str, kind: str) -> None:
    assert question_type(question) == kind
