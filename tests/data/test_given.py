"""Questions that come with the text that they are about: one question is asked of many texts."""

import pytest

from components.core import BadInput, GateRefused, Task
from components.data import first_rows
from components.text import apart

from .conftest import Bench, write

LEASES = Task(kind="question_answering", instruction="Answer.", abstain="not stated", context="given")
RENT, DOGS = "What is the monthly rent?", "Are dogs allowed?"
PARTS = ("kitchen", "cellar", "garden", "balcony", "attic", "garage", "terrace")
SPLITS = {"train": 60, "feedback": 10, "validation": 20, "test": 30}


def leases(count: int = 120, field: str = "context") -> list[dict[str, str]]:
    """Two questions about each of `count` leases of one form; every fifth says nothing of dogs."""
    rows = []
    for number in range(count):
        part, rent = PARTS[number % len(PARTS)], 500 + 7 * number
        dogs = ("Dogs are welcome.", "Dogs are not allowed.", "")[number % 5 % 3 if number % 5 else 2]
        text = f"Lease {number} of the flat with a {part}, let to tenant {number}. The rent is {rent} euro a month. {dogs}"
        rows.append({"question": RENT, "answer": f"{rent} euro", field: text})
        said = dogs.removeprefix("Dogs are ").removesuffix(".") or "not stated"  # an answer that tells something, of many
        rows.append({"question": DOGS, "answer": said, field: text})
    return rows


def prepared(bench: Bench, rows: list[dict[str, str]], **more):
    source = {"name": "leases", "path": str(write(bench.folder / "leases.jsonl", rows))}
    return bench.prepare(LEASES, bench.data(source, **{"splits": SPLITS, **more}))


def test_one_question_of_many_texts_fills_all_splits(bench: Bench) -> None:
    """No row is a duplicate or a leak of another one because the question is the same."""
    done = prepared(bench, leases())
    assert {name: split.count for name, split in done.dataset.splits.items()} == SPLITS
    assert done.figures["overlaps_removed"] == {}
    assert done.dataset.knowledge is None
    row = done.dataset.rows("test", bench.store)[0]
    text, question = apart(row.text)
    assert question in (RENT, DOGS)
    assert text.startswith("Lease ")
    assert row.slices["length"] == "short", "of the text, not of the question"


def test_a_text_stands_in_one_split_alone(bench: Bench) -> None:
    done = prepared(bench, leases())
    texts = {name: {apart(row.text)[0] for row in done.dataset.rows(name, bench.store)} for name in SPLITS}
    for one in SPLITS:
        for other in SPLITS:
            assert one == other or not texts[one] & texts[other]


def test_the_same_question_of_the_same_text_is_a_duplicate_however_it_is_answered(bench: Bench) -> None:
    done = prepared(bench, [*leases(), leases(1)[0], {**leases(2)[2], "answer": "1 euro"}])
    assert done.figures["dropped"] | {"no room in any split": 0} == {
        "duplicate row": 1,
        "duplicate row with another answer": 1,
        "no room in any split": 0,
    }


@pytest.mark.parametrize("field", ["passage", "context", "text", "document"])
def test_the_text_is_found_under_its_usual_names(bench: Bench, field: str) -> None:
    assert prepared(bench, leases(field=field)).dataset.splits["train"].count == SPLITS["train"]


def test_rows_without_a_text_are_refused_with_the_field(bench: Bench) -> None:
    rows = [{"question": RENT, "answer": "900 euro"}]
    with pytest.raises(BadInput, match="no row has the field 'passage' or 'context'"):
        prepared(bench, rows)


def test_two_questions_about_texts_that_nearly_agree_are_told_apart(bench: Bench) -> None:
    """The same form filled in for another tenant is no leak; the same text with an added space and full stop is."""
    rows = leases()
    again = [{**row, "context": row["context"].replace("a month.", "a month .")} for row in rows[:2]]
    done = prepared(bench, [*rows, *again])
    assert done.figures["dropped"]["duplicate row"] == 2


def test_a_row_without_its_text_is_seen_before_anything_runs(bench: Bench) -> None:
    """By the gate's own sentence, from the first rows; in the run's data stage too."""
    rows = [*leases(60), *({**row, "context": None} for row in leases(30))]
    source = {"name": "leases", "path": str(write(bench.folder / "leases.jsonl", rows))}
    with pytest.raises(BadInput, match=r"source 'leases'.*passage"):
        first_rows(LEASES, bench.data(source, splits=SPLITS), bench.folder, bench.workspace, 20_000)
    with pytest.raises(GateRefused, match=r"source 'leases'.*passage"):
        bench.prepare(LEASES, bench.data(source, splits=SPLITS))
