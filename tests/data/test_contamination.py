"""Planted overlaps are found and removed; what merely looks alike stays."""

import pytest

from components.core import Row, Splits
from components.data.contamination import divide
from components.data.normal import Overlap
from components.data.slices import question_type

LONG = "the committee met on a rainy monday in march to settle the long dispute about the northern harbour wall"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("Who, then, named the OLD harbour wall in Delta?", "equal"),
        ("who then named the old harbour wall in the delta", "near-equal"),
        (f"as we heard {LONG} and more", "shared words"),
        ("who then sold the new railway bridge in delta", None),
        ("", None),
    ],
)
def test_overlap_is_told_from_likeness(text: str, how: str | None) -> None:
    overlap = Overlap([("test", "Who then named the old harbour wall in delta"), ("test", LONG)], near=0.8, shared=13)
    assert overlap.find(text) == (("test", how) if how else None)


def test_a_passage_that_is_half_another_overlaps() -> None:
    overlap = Overlap([("BoolQ", LONG)], near=0.8, shared=None)
    assert overlap.find("Harbour -- " + LONG + " " + "which had cost the town more than it ever earned " * 3)
    assert overlap.find("the committee met on a rainy monday in march to settle the budget of the library for 1987") is None


def rows(*texts: str) -> list[Row]:
    return [Row(id=f"{number:02}", text=text, answer="x") for number, text in enumerate(texts)]


def test_training_rows_that_overlap_with_held_out_rows_are_removed_and_counted() -> None:
    distinct = [f"which {first} of {second} stood there" for first in "abcdef" for second in "uvwxyz"]
    splits = Splits(train=40, validation=6, test=6)
    plain = divide(rows(*distinct), splits, [], 0.95, 13)
    copies = [row.text.upper() + "?" for row in (*plain.splits["test"], *plain.splits["validation"])]
    planted = divide(rows(*distinct, *copies), splits, [], 0.95, 13)
    held_out = {row.text.lower().strip("?") for name in ("test", "validation") for row in planted.splits[name]}
    assert not held_out & {row.text.lower().strip("?") for row in planted.splits["train"]}
    assert sum(planted.removed.values()) >= 6


def test_training_rows_that_overlap_with_a_benchmark_are_removed() -> None:
    pool = rows(*(f"which {first} of {second} stood there" for first in "abcdef" for second in "uvwxyz"))
    splits = Splits(train=40, validation=2, test=2)
    before = divide(pool, splits, [], 0.95, 13).splits["train"][0]
    after = divide(pool, splits, [("benchmark MMLU", before.text)], 0.95, 13)
    assert before.id not in {row.id for row in after.splits["train"]}
    assert after.removed == {"benchmark MMLU: equal": 1}


def test_a_group_larger_than_a_split_is_cut_and_goes_nowhere_else() -> None:
    pool = [Row(id=str(number), text=f"question {number}", answer="x", passage="one") for number in range(9)]
    divided = divide(pool, Splits(train=5, validation=2, test=3, by="passage"), [], 1.0, 13)
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
