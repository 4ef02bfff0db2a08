"""Answers that end where their caller wants them to."""

from collections.abc import Generator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.application import load
from components.application.ending import Ending, limited, until
from components.core import Baseline, Candidate, Quoted, Row, Runtime, Step


def spoken(pieces: list[str]) -> Generator[str, None, Ending]:
    yield from pieces
    return Ending("length", len(pieces))


def heard(pieces: list[str], stop: list[str]) -> tuple[list[str], str, Ending]:
    """What `until` passes on piece by piece, and what it returns."""
    passed: list[str] = []
    generator = until(spoken(pieces), stop)
    while True:
        try:
            passed.append(next(generator))
        except StopIteration as ended:
            return passed, *ended.value


TEXTS = st.text("ab \n", max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, max_size=8), st.lists(st.text("ab \n", min_size=1, max_size=4), max_size=3))
def test_however_the_text_is_cut_into_pieces_it_ends_before_the_stop_string_that_is_complete_first(pieces, stop) -> None:
    text = "".join(pieces).lstrip()
    ends = [end for end in range(len(text) + 1) if any(text[:end].endswith(one) for one in stop)]
    before = (
        text if not ends else min((text[: ends[0] - len(one)] for one in stop if text[: ends[0]].endswith(one)), key=len)
    )
    passed, told, ending = heard(pieces, stop)
    assert "".join(passed) == told == before
    assert all(passed)
    assert ending == (Ending() if ends else Ending("length", len(pieces)))


def test_what_may_begin_a_stop_string_is_held_back_until_it_is_known() -> None:
    assert heard(["so E", "N", "x E", "ND y"], ["END"]) == (["so ", "ENx "], "so ENx ", Ending())
    assert heard([" ", "\n so", "\n"], ["\n"])[1] == "so", "the space at the beginning is no part of the answer"


def test_without_a_tokenizer_words_are_counted() -> None:
    assert limited("one two  three", 2, [], None) == ("one two", Ending("length", 2))
    assert limited("one two", 2, [], None) == ("one two", Ending("length", 2)), "nobody knows that it would have ended"
    assert limited("one two", 3, [], None) == ("one two", Ending())
    assert limited("one two three", 2, ["two"], None) == ("one ", Ending())
    assert limited("one two three", 1, ["two"], None) == ("one", Ending("length", 1))


def ended(application, row: Row, *limits) -> tuple[str, str, Ending]:
    """Joined pieces, the text of the whole answer, and how it ended."""
    pieces, generator = [], application.stream(row, *limits)
    while True:
        try:
            pieces.append(next(generator))
        except StopIteration as exhausted:
            return "".join(pieces[:-1]), pieces[-1].text, exhausted.value


@pytest.mark.parametrize("quoted", [None, Quoted()])
def test_a_limited_answer_of_a_model_is_the_beginning_of_the_whole(
    candidate: Candidate, rows: list[Row], step: Step, quoted: Quoted | None
) -> None:
    with load(candidate.model_copy(update={"quoted": quoted}), step.store, step.machine) as application:
        for row in rows:
            said, whole, ending = ended(application, row)
            assert application.answer([row])[0].text == whole
            assert ending.reason == ("length" if ending.tokens == 8 else "stop")
            for limit in range(1, ending.tokens + 1):
                pieces, text, limited_ending = ended(application, row, limit)
                assert said.startswith(pieces)
                assert limited_ending == Ending("length", limit)
                assert text == pieces.strip() or text == whole
            assert ended(application, row, 100) == (said, whole, ending)
            if len(whole) > 2:
                pieces, text, stopped = ended(application, row, None, [whole[1:3]])
                assert (pieces, stopped.reason) == (said[: said.index(whole[1:3])], "stop")
                assert text == pieces.strip()


def test_a_label_is_limited_by_the_models_own_tokens(candidate: Candidate, step: Step) -> None:
    labelled = candidate.model_copy(
        update={"task": "classification", "labels": ("positive mood", "negative mood"), "retriever": None}
    )
    row = Row(id="a", text="A good film.", answer="positive mood")
    with load(labelled, step.store, step.machine) as application:
        (whole,) = application.answer([row])
        count = len(application.engine.tokenizer(whole.text, add_special_tokens=False).input_ids)
        assert count > 1
        pieces, text, ending = ended(application, row, 1)
        assert whole.text.startswith(text)
        assert whole.text != text == pieces
        assert ending == Ending("length", 1)
        assert ended(application, row, count + 1) == (whole.text, whole.text, Ending())


def test_the_contracts_spelling_of_an_abstention_holds_no_stop_string_either(candidate: Candidate, step: Step) -> None:
    row = Row(id="a", text="Which colour is Tuesday?", answer="")
    silent = candidate.model_copy(
        update={"quoted": Quoted(abstain_bias=1000.0)},
    )
    with load(silent, step.store, step.machine) as application:
        assert ended(application, row)[1] == "unknown"
        assert ended(application, row, None, ["known"]) == ("un", "un", Ending())


def test_a_plain_baseline_is_limited_too(candidate: Candidate, step: Step, rows: list[Row]) -> None:
    plain = candidate.model_copy(
        update={
            "runtime": Runtime(engine="baseline"), "baseline": Baseline(kind="best_sentence"), "model": None, "prompt": None,
        }
    )  # fmt: skip
    with load(plain, step.store, step.machine) as application:
        _, whole, _ = ended(application, rows[0])
        assert ended(application, rows[0], 2)[1] == " ".join(whole.split()[:2])
