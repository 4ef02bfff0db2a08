"""Curation as a whole: evaluation rows are never touched, each dropped row keeps its reason, and nothing changes unasked."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.core import BadInput, Data, Normalise, parse, read_jsonl, read_passages, read_rows
from components.data.curate import without
from components.data.documents import Document, Origin
from components.data.filters import FILTERS, chosen
from components.data.normalise import normaliser
from tests.pages import blocks, page

from .conftest import DOCUMENTS, QUESTIONS, REVIEWS, SPLITS, Bench, question_rows, write
from .test_filters import DEUTSCH, PROSE
from .test_readers import mixed

QA = {"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"}
DOCS = {"name": "docs", "path": "docs", "role": "knowledge"}
EVERYTHING: dict[str, Any] = {
    "normalise": {"unicode": "nfkc", "case": "lower", "whitespace": "collapse", "stop_words": "drop"},
    "filters": [{"name": "language"}, {"name": "gopher", "words": [4, 1000], "stop_words": 0}, {"name": "repetition"}],
    "duplicates": {"documents": "near", "sentences": 2, "spans": 20},
    "quarantine_at_most": 0.3,
}


def documents(bench: Bench) -> Path:
    """A folder of what a help desk may have: pages, notes and tables, some of it wrong."""
    folder = mixed(bench.folder / "docs")
    write(bench.folder / "calls.jsonl", question_rows())
    (folder / "wall.txt").write_text(PROSE)
    (folder / "wall copy.txt").write_text(PROSE.replace("Visitors", "People"))
    (folder / "mauer.txt").write_text(DEUTSCH)
    (folder / "asked.txt").write_text(question_rows()[0]["passage"])
    (folder / "zz list.txt").write_text("Harbour office. " * 30)
    (folder / "zz other.txt").write_bytes("Straße".encode("iso-8859-1"))
    return folder


def dropped(bench: Bench, result: Any) -> list[dict[str, Any]]:
    return read_jsonl(bench.store.file(result.dropped))


def test_a_folder_of_mixed_files_goes_end_to_end(bench: Bench) -> None:
    documents(bench)
    result = bench.prepare(QUESTIONS, bench.data(QA, DOCS, **EVERYTHING))
    went = {(one["file"], one["step"]): one["reason"] for one in dropped(bench, result) if one["source"] == "docs"}
    assert went["zz other.txt", "gate"].startswith("zz other.txt: it is not UTF-8 text (line 1); save it as UTF-8")
    assert went["mauer.txt", "language"].startswith("language de")
    assert went["zz list.txt", "repetition"]
    assert went["deep/d.csv, line 2", "gopher"] == "2 words"
    assert went["wall.txt", "documents"].startswith("near-equal (0.8")
    assert went["asked.txt", "equal"] == "duplicate passage"
    assert result.dataset.knowledge
    base = {passage.title: passage.text for passage in read_passages(result.dataset.knowledge, bench.store)}
    assert {"harbour wall", "the old mill", "wall copy"} <= set(base)
    assert "northern wall harbour built 1887" in base["wall copy"]
    steps = [effect["step"] for effect in result.figures["curation"]]
    assert steps == ["normalise", "language", "gopher", "repetition", "documents", "sentences", "spans"]


def test_evaluation_rows_and_what_they_are_about_are_never_touched(bench: Bench) -> None:
    documents(bench)
    plain = bench.prepare(QUESTIONS, bench.data(QA))
    curated = bench.prepare(QUESTIONS, bench.data(QA, DOCS, **EVERYTHING))
    for name in ("test", "validation", "feedback"):
        assert curated.dataset.rows(name, bench.store) == plain.dataset.rows(name, bench.store)
    assert plain.dataset.knowledge
    assert curated.dataset.knowledge
    asked = {one.id: one.text for one in read_passages(plain.dataset.knowledge, bench.store)}
    assert asked.items() <= {one.id: one.text for one in read_passages(curated.dataset.knowledge, bench.store)}.items()


def test_every_row_and_passage_ends_somewhere_and_the_flow_counts_them(bench: Bench) -> None:
    documents(bench)
    result = bench.prepare(QUESTIONS, bench.data(QA, DOCS, **EVERYTHING), train=3, knowledge_passages=15)
    flow = result.figures["flow"]
    lost = sum(sum(step["dropped"].values()) for step in flow["steps"])
    assert lost == sum("cut" not in one for one in dropped(bench, result))
    faults, rows, passages = 1, 24, 12 + 12
    assert lost + sum(flow["left"].values()) == faults + rows + passages == flow["read"] + flow["beside"]
    assert flow["read"] == sum(source["read"] for source in result.figures["sources"].values())
    assert sum(result.figures["dropped"].values()) == lost, "what is said of them agrees with the list"
    assert result.figures["dropped"]["more train rows than the profile uses"] == 5
    assert {"gate", "equal", "language", "documents", "split", "profile"} <= {step["step"] for step in flow["steps"]}
    provenance = json.loads(bench.store.file(result.dataset.provenance).read_text())
    assert (provenance["flow"], provenance["dropped_rows"]) == (flow, result.dropped)


def test_where_each_row_and_passage_was_read_is_listed(bench: Bench) -> None:
    documents(bench)
    result = bench.prepare(QUESTIONS, bench.data(QA, DOCS, **EVERYTHING), train=3, knowledge_passages=15)
    listed = read_jsonl(bench.store.file(json.loads(bench.store.file(result.dataset.provenance).read_text())["lines"]))
    places = {(one["part"], one["id"]): (one["source"], one["line"]) for one in listed}
    calls = question_rows()
    for row in result.dataset.rows("test", bench.store):
        source, line = places["train", row.id]
        assert (source, calls[line - 1]["question"]) == ("calls", row.text)
    assert result.dataset.knowledge
    assert all(("knowledge", one.id) in places for one in read_passages(result.dataset.knowledge, bench.store))
    capped = {(one["source"], one["line"], one["part"]) for one in dropped(bench, result) if one["step"] == "profile"}
    assert capped <= {(one["source"], one["line"], one["part"]) for one in listed}
    assert not any(calls[0]["question"] in json.dumps(one) for one in listed)


def test_cut_texts_are_named_by_digest_and_length_and_kept_once(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    notice = "Call the harbour office before you come."
    (bench.folder / "docs").mkdir()
    for name in ("one", "two"):
        (bench.folder / "docs" / f"{name}.txt").write_text(f"Something {name} and new about otters. {notice}")
    result = bench.prepare(QUESTIONS, bench.data(QA, DOCS, duplicates={"sentences": 2}))
    (cut,) = [one for one in dropped(bench, result) if "cut" in one]
    assert (cut["file"], cut["step"], cut["characters"]) == ("two.txt", "sentences", len(notice))
    assert notice not in bench.store.file(result.dropped).read_text()
    (effect,) = result.figures["curation"]
    assert effect["characters"][0] - effect["characters"][1] == len(notice) + 1
    assert effect["documents"][0] == effect["documents"][1]


def test_training_rows_are_curated_and_others_are_not(bench: Bench) -> None:
    stories = [
        {
            "document": f"Story {number} of the sea. {PROSE.split('.')[number % 4]}. The end of it all came late.",
            "summary": "s",
        }
        for number in range(24)
    ]
    write(bench.folder / "stories.jsonl", stories)
    source = {"name": "stories", "path": "stories.jsonl"}
    splits = {"train": 10, "validation": 4, "test": 4}
    plain = bench.prepare(DOCUMENTS, bench.data(source, splits=splits), shared_words=100, near=1.0)
    curated = bench.prepare(
        DOCUMENTS, bench.data(source, splits=splits, duplicates={"sentences": 2}), shared_words=100, near=1.0
    )
    assert curated.dataset.splits["test"] == plain.dataset.splits["test"]
    texts = [row.text for row in curated.dataset.rows("train", bench.store)]
    assert sum("The end of it all came late." in text for text in texts) == 1
    assert [row.id for row in curated.dataset.rows("train", bench.store)] == [
        row.id for row in plain.dataset.rows("train", bench.store)
    ]


def test_practice_rows_are_filtered_by_their_passage_and_normalised_as_one(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    story = "The ﬁrst  wolf ran to the Mill by the old river, and the miller gave it bread and salt before winter came."
    rows = [{"question": f"Where did the WOLF {verb}?", "answer": "the Mill", "passage": story} for verb in ("run", "go")]
    rows += [{"question": f"Wer baute {what}?", "answer": "die Stadt", "passage": DEUTSCH} for what in ("sie", "die Mauer")]
    write(bench.folder / "stories.jsonl", rows)
    practice = {"name": "stories", "path": "stories.jsonl", "role": "practice"}
    rules = {key: value for key, value in EVERYTHING["normalise"].items() if key != "stop_words"}
    result = bench.prepare(QUESTIONS, bench.data(QA, practice, normalise=rules, filters=[{"name": "language"}]))
    assert result.dataset.practice
    assert result.dataset.practice_passages
    kept = [(row.text, row.answer) for row in read_rows(result.dataset.practice, bench.store)]
    assert kept == [("where did the wolf run?", "the mill"), ("where did the wolf go?", "the mill")]
    (passage,) = read_passages(result.dataset.practice_passages, bench.store)
    assert passage.text == story.replace("ﬁ", "fi").replace("  ", " ").lower()
    lost = [(one["line"], one["step"]) for one in dropped(bench, result) if one["part"] == "practice"]
    assert lost == [(3, "language"), (4, "curated")]


def test_nothing_changes_where_the_contract_asks_for_nothing(bench: Bench) -> None:
    documents(bench)
    plain = bench.prepare(QUESTIONS, bench.data(QA, DOCS, quarantine_at_most=0.3))
    assert plain.figures["curation"] == []
    assert {one["step"] for one in dropped(bench, plain)} == {"gate", "equal", "split"}


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({}, " The  ﬁrst café\n\n\n Of it "),
        ({"unicode": "nfc"}, "The  ﬁrst café\n\n\n Of it"),
        ({"unicode": "nfkc"}, "The  first café\n\n\n Of it"),
        ({"case": "lower"}, "the  ﬁrst cafe\u0301\n\n\n of it"),
        ({"whitespace": "collapse"}, "The ﬁrst cafe\u0301\n\nOf it"),
        ({"stop_words": "drop", "whitespace": "collapse"}, "ﬁrst cafe\u0301"),
    ],
)
def test_each_switch_does_its_own_thing(rules: dict[str, Any], text: str) -> None:
    given = " The  ﬁrst cafe\u0301\n\n\n Of it "
    assert normaliser(Normalise(**rules), "en")(given) == (given.strip() if not rules else text)


def test_stop_words_of_a_language_without_a_list_are_bad_input() -> None:
    with pytest.raises(BadInput, match=r"data\.normalise\.stop_words': no list for task\.language 'tlh'; allowed: da, de"):
        normaliser(Normalise(stop_words="drop"), "tlh")


def test_an_unknown_filter_is_said_before_anything_is_read(bench: Bench) -> None:
    with pytest.raises(BadInput, match=r"data\.filters\.0: key 'name': 'gofer' is no filter"):
        bench.prepare(QUESTIONS, bench.data(QA, filters=[{"name": "gofer"}]).model_copy(update={"sources": ()}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("one two three", "one three"),
        ("one\ntwo\nthree", "one\nthree"),
        ("two three", "three"),
        ("one two", "one"),
        ("two", ""),
    ],
)
def test_what_is_left_of_a_cut_text_is_joined_as_it_stood(text: str, left: str) -> None:
    start = text.index("two")
    assert without(text, [(start, start + 3, "")]) == left


def stated_data() -> dict[str, Any]:
    """The section `data` of "Bring your documents"."""
    section, _of_texts_without_answers = (block for block in blocks(page("data"), "yaml") if block.startswith("data:\n"))
    found: dict[str, Any] = yaml.safe_load(section)["data"]
    return found


def test_the_excerpt_of_the_docs_is_a_contracts_section() -> None:
    data = parse(Data, stated_data() | {"splits": {"train": 1, "validation": 1, "test": 1}}, "docs/data.md")
    assert [name for name, _ in chosen(data)] == ["language", "gopher", "quality"]
    assert data.sources[1].table == "faq"


def test_the_excerpt_of_the_docs_drops_short_documents_and_no_question(bench: Bench) -> None:
    (bench.folder / "handbook").mkdir()
    for number in range(24):
        (bench.folder / "handbook" / f"{number:02}.txt").write_text(f"Rule {number}. {' '.join(PROSE.split()[number:])}")
    (bench.folder / "handbook" / "short.txt").write_text("See the other page.")
    with sqlite3.connect(bench.folder / "support.db") as base:
        base.execute("CREATE TABLE faq (id INTEGER PRIMARY KEY, question TEXT, answer TEXT, passage TEXT)")
        rows = [(row["question"], row["answer"], row["passage"]) for row in question_rows(48)]
        base.executemany("INSERT INTO faq (question, answer, passage) VALUES (?, ?, ?)", rows)
    base.close()
    result = bench.prepare(QUESTIONS, parse(Data, stated_data() | {"splits": SPLITS, "minimum_rows": 4}, "docs/data.md"))
    assert result.dataset.splits["train"].count == SPLITS["train"]
    lost = {(one["file"], one["step"]) for one in dropped(bench, result) if one["part"] == "knowledge" and one.get("file")}
    assert ("short.txt", "gopher") in lost
    assert not any(one["part"] == "train" and one["step"] in FILTERS for one in dropped(bench, result))


def test_a_question_in_another_language_is_dropped_and_the_note_names_the_filter(bench: Bench) -> None:
    rows = question_rows()
    for row in rows:
        row["question"] = f"Wann wurde denn eigentlich, wenn ich fragen darf, das gebaut: {row['question'].split()[-2]}"
    write(bench.folder / "calls.jsonl", rows)
    result = bench.prepare(QUESTIONS, bench.data(QA, filters=[{"name": "language", "confidence": 0.5}]))
    (effect,) = result.figures["curation"]
    before, after = effect["training_rows"]
    assert (after, result.dataset.splits["train"].count) == (0, 0)
    assert f"curation: 'language' dropped {before} of {before} training rows; dropped.jsonl has the reasons" in result.notes


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"quality"}))
def test_texts_to_classify_are_documents_to_every_filter(name: str) -> None:
    text = "{ " + "Hafenmauer und Leuchtturm, Stadt und Meer; " * 3
    (find,) = [find for _, find in chosen(parse(Data, stated_data() | {"filters": [{"name": name}], "splits": SPLITS}, "d"))]
    row = Document("train", "a", text, Origin("films", 1))
    assert find([row], REVIEWS).drop.keys() == {0}
