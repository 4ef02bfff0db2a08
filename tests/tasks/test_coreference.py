"""Coreference: spans marked in the text, in files as marks or as places; plainly, equal names and pronouns are linked."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.application import answering
from components.core import Source
from components.data.read import read_source
from components.measure import per_example
from components.selection import baselines
from components.tasks.coreference import NUMBER, read_beside
from components.text import Mark, marked, unmarked

from .small import solved, step_in

CASE = solved("coreference")
TEXT = "Ann [sic] lost her bag."
MARKED = "[Ann](1) [sic] lost [[her](1) bag](2)."


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (MARKED, MARKED),
        (f" {MARKED}\n", MARKED),
        ("[Ann](4) [sic] lost [her](4) bag.", "[Ann](4) [sic] lost [her](4) bag."),
        (TEXT, TEXT),
        ([[[0, 3], [15, 18]], [[15, 22]]], MARKED),
        ([[[15, 22]], [[15, 18], [0, 3]]], MARKED),  # numbered by the first mention
        ([], TEXT),
        ([[]], TEXT),
        ("[Ann](1) lost [her](1) bag.", None),
        ([[[0, 3], [15, 99]]], None),
        ([[[3, 0]]], None),
        ([[0, 3], [15, 18]], None),
        ([[[0, 7]], [[4, 13]]], None),  # they overlap
        ([[["0", "3"]]], None),
        ([[[False, True]]], None),
        ({"a": 1}, None),
        (None, None),
    ],
)
def test_an_answer_is_marks_in_its_text_or_places_there(answer: object, read: str | None) -> None:
    assert read_beside(TEXT, answer) == read


def test_rows_whose_marks_are_of_another_text_are_set_aside_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "stories.jsonl"
    path.write_text(
        '{"text": "Ann lost her bag.", "coreference": [[[0, 3], [9, 12]]]}\n'
        '{"text": "Ben lost his bag.", "coreference": "[Ann](1) lost [her](1) bag."}\n'
    )
    source = Source(name="stories", role="examples", path=str(path), licence="LicenseRef-internal", origin="desk")
    first, second = read_source(source, 0, path, CASE.task)
    assert (first.answer, first.fault) == ("[Ann](1) lost [her](1) bag.", None)
    assert second.fault == "answer is neither its text with marks, [Ann](1), nor clusters of [start, end] in the text"


@given(st.text("ab []()1", max_size=12), st.data())
def test_what_was_marked_is_read_again(text: str, data: st.DataObject) -> None:
    plain, _ = unmarked(text, NUMBER)
    place = st.integers(0, len(text))
    start, end = sorted((data.draw(place), data.draw(place)))
    if "[" not in text and "]" not in text and start < end:
        assert unmarked(marked(text, [Mark(start, end, "1")]), NUMBER) == (text, [Mark(start, end, "1")])
    assert len(plain) <= len(text)


def test_plain_links_find_equal_names_and_pronouns(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    plain = baselines.fit(CASE.task, CASE.metrics, CASE.dataset(step), None, step)
    story = "Zora met the mayor of Kiel . The mayor liked Kiel , and she said so ."
    with answering(plain, step.store, step.machine) as answer:
        (said,) = answer([CASE.rows[0].model_copy(update={"text": story})])
    assert said.text == "Zora met the mayor of [Kiel](2) . The mayor liked [Kiel](2) , and [she](2) said so ."


def test_answers_of_other_texts_find_nothing() -> None:
    texts = [row.text for row in CASE.rows]
    for row, other in zip(CASE.rows, [*CASE.rows[1:], CASE.rows[0]], strict=True):
        found = per_example(CASE.task, row, other.answer, None)["text_conll_f1"] or 0
        assert found < 0.5
    assert len(set(texts)) == len(texts)
