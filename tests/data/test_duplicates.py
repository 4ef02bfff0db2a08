"""Duplicates at each level: what was planted is found, once; the first stays; what only looks alike stays."""

import random

import pytest

from components.data.documents import Document, Origin, Part
from components.data.duplicates import near, sentences, spans
from components.data.duplicates.tokens import Tokens, run_hashes

WORDS = [f"word{number}" for number in range(5000)]


def prose(seed: int, count: int = 100) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def documents(*texts: str, part: Part = "knowledge", fixed: tuple[int, ...] = ()) -> list[Document]:
    return [Document(part, str(place), text, Origin("web", place + 1), place in fixed) for place, text in enumerate(texts)]


def changed(text: str, words: int, seed: int = 9) -> str:
    """`text` with so many of its words replaced."""
    found = text.split()
    for place in random.Random(seed).sample(range(len(found)), words):
        found[place] = "other"
    return " ".join(found)


def test_equal_and_near_equal_documents_are_dropped_and_name_the_first() -> None:
    given = documents(prose(1), prose(2), prose(1).upper() + "!", changed(prose(2), 2))
    found = near.find(0.8, given)
    assert found.drop[2] == "equal words: web:1"
    assert found.drop[3].startswith("near-equal (0.8")
    assert found.drop[3].endswith("web:2")
    assert found.figures == {"equal": 1, "near": 1}


def test_near_equal_documents_are_found_and_others_never_dropped() -> None:
    """Two of 100 words changed: a similarity of 0.81 to 0.85, just above the bound, where an index finds least."""
    originals = [prose(seed) for seed in range(200)]
    found = near.find(0.8, documents(*originals, *(changed(text, 2, seed) for seed, text in enumerate(originals))))
    assert all(place >= 200 for place in found.drop)
    assert len(found.drop) >= 180
    apart = near.find(0.8, documents(*originals, *(changed(text, 8, seed) for seed, text in enumerate(originals))))
    assert apart.drop == {}


def test_a_fixed_document_stays_and_its_copies_go_wherever_they_stand() -> None:
    given = documents(prose(1), prose(1), changed(prose(1), 1), fixed=(1,))
    assert set(near.find(0.8, given).drop) == {0, 2}


def test_training_rows_and_passages_are_not_compared() -> None:
    given = [*documents(prose(1)), *documents(prose(1), part="train"), *documents(prose(1), prose(1), part="practice")]
    assert near.find(0.8, given).drop == {}
    assert spans.find(50, given).cut == {}


NOTICE = "All rights reserved by the harbour board."


def test_a_sentence_of_many_documents_is_cut_from_all_but_the_first() -> None:
    given = documents(*(f"{prose(seed, 8)}. {NOTICE}\nThank you." for seed in range(5)), f"Once: {NOTICE}")
    found = sentences.find(5, given)
    assert set(found.cut) == {1, 2, 3, 4}
    for place, ((start, end, why),) in found.cut.items():
        assert given[place].text[start:end] == NOTICE
        assert why == "in 5 documents"
    assert sentences.find(6, given).cut == {}, "five of six documents hold it"
    assert found.figures == {"different": 1}


def test_a_sentence_that_one_document_repeats_is_no_sentence_of_many() -> None:
    assert sentences.find(2, documents(f"{NOTICE} {NOTICE} {NOTICE}", prose(1))).cut == {}


def texts_left(given: list[Document], size: int) -> list[str]:
    cut = spans.find(size, given).cut
    left = []
    for place, document in enumerate(given):
        text = document.text
        for start, end, _ in reversed(cut.get(place, [])):
            text = text[:start] + text[end:]
        left.append(" ".join(text.split()))
    return left


def test_a_shared_run_is_cut_where_it_stands_again() -> None:
    run = prose(0, 60)
    given = documents(f"{prose(1, 30)} {run} {prose(2, 30)}", f"{prose(3, 30)}  {run}\n{prose(4, 30)}", run)
    assert texts_left(given, 50) == [" ".join(given[0].text.split()), f"{prose(3, 30)} {prose(4, 30)}", ""]
    ((_, _, why),) = spans.find(50, given).cut[1]
    assert why == "60 tokens stood before"


def test_a_run_one_token_too_short_stays() -> None:
    run = prose(0, 49)
    assert spans.find(50, documents(f"a {run} b", f"c {run} d")).cut == {}
    assert spans.find(49, documents(f"a {run} b", f"c {run} d")).cut


def test_runs_are_found_exactly_as_by_trying_all() -> None:
    draw = random.Random(5)
    given = documents(*(" ".join(draw.choices("abc", k=draw.randint(0, 60))) for _ in range(30)))
    seen: set[tuple[str, ...]] = set()
    for place, document in enumerate(given):
        words = document.text.split()
        gone = set()
        for start in range(len(words) - 9):
            run = tuple(words[start : start + 10])
            gone |= set(range(start, start + 10)) if run in seen else set()
            seen.add(run)
        left = " ".join(word for at, word in enumerate(words) if at not in gone)
        assert texts_left(given, 10)[place] == left


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13, 50])
def test_equal_runs_have_equal_hashes_and_others_do_not(size: int) -> None:
    words = random.Random(1).choices("abcde", k=400)
    hashes = run_hashes(Tokens().array(words), size)
    runs = [tuple(words[start : start + size]) for start in range(400 - size + 1)]
    assert len(hashes) == len(runs)
    assert len(set(zip(hashes.tolist(), runs, strict=True))) == len(set(runs)) == len(set(hashes.tolist()))
