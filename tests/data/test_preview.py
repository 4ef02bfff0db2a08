"""The first rows of each source: what is wrong with them is refused, and nothing that the data stage takes."""

import re
from typing import Any

import pytest

from components.core import BadInput, GateRefused
from components.data import Seen, first_rows
from components.data.preview import HEAD
from components.data.readers import READERS

from .conftest import QUESTIONS, REVIEWS, Bench, write

FILMS = {"name": "films", "path": "films.jsonl"}
MANY = [{"text": f"review number {number} of many", "label": ("good", "bad")[number % 2]} for number in range(2 * HEAD)]


def look(bench: Bench, rows: list[Any], examples: int = HEAD, **more: Any) -> list[Seen]:
    write(bench.folder / "films.jsonl", rows)
    return first_rows(REVIEWS, bench.data(FILMS, **more), bench.folder, bench.workspace, 20_000, examples)


def test_as_many_rows_are_read_as_are_asked_for(bench: Bench) -> None:
    assert [(len(one.records), one.whole) for one in look(bench, MANY)] == [(HEAD, False)]
    assert [(len(one.records), one.whole) for one in look(bench, MANY, 300)] == [(300, False)]
    assert [(len(one.records), one.whole) for one in look(bench, MANY, 500)] == [(2 * HEAD, True)]


def test_lines_behind_the_first_rows_are_not_read(bench: Bench) -> None:
    assert len(look(bench, [*MANY, '{"text": "torn'])[0].records) == HEAD
    with pytest.raises(BadInput, match=rf"films\.jsonl, line {2 * HEAD + 1}: not valid JSON"):
        look(bench, [*MANY, '{"text": "torn'], 2 * HEAD + 1)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([{"text": row["text"], "sentiment": row["label"]} for row in MANY], BadInput),
        (["not a row", *MANY], BadInput),
        ([], BadInput),
        ([row | {"label": "meh"} for row in MANY[:30]] + MANY, GateRefused),
        ([row | {"text": None} for row in MANY[:30]] + MANY, GateRefused),
        ([row | {"text": "long " * 5000} for row in MANY[:30]] + MANY, GateRefused),
    ],
    ids=["field", "line", "empty", "label", "missing", "long"],
)
def test_what_the_data_stage_would_refuse_is_refused_in_its_words(bench: Bench, rows: list[Any], error: type) -> None:
    with pytest.raises(BadInput) as before:
        look(bench, rows)
    with pytest.raises(error) as then:
        bench.prepare(REVIEWS, bench.data(FILMS))
    said = re.sub(r"\. Report: .*", "", str(then.value))
    assert (str(before.value), before.value.exit_code) == (said, 2)


def test_nothing_is_refused_for_its_beginning_alone(bench: Bench) -> None:
    """A field that only later rows have, and wrong labels that are few among all rows: the data stage takes both."""
    late = [{"text": row["text"]} for row in MANY[:HEAD]]
    assert look(bench, late + MANY[HEAD:], quarantine_at_most=0.5)
    assert look(bench, [row | {"label": "meh"} for row in MANY[:30]] + MANY[30:], quarantine_at_most=0.1)


def test_a_table_is_read_from_its_beginning(bench: Bench) -> None:
    import sqlite3

    with sqlite3.connect(bench.folder / "desk.db") as base:
        base.execute("create table calls (id integer primary key, question text, answer text)")
        base.executemany("insert into calls (question, answer) values (?, ?)", [(f"q{n}", f"a{n}") for n in range(2 * HEAD)])
    table = {"name": "calls", "path": "sqlite:///desk.db", "format": "table", "table": "calls"}
    (seen,) = first_rows(QUESTIONS, bench.data(table), bench.folder, bench.workspace, 20_000)
    assert (len(seen.records), seen.whole, seen.records[0].text) == (HEAD, False, "q0")
    assert "table" in READERS
