"""The whole stage on small real files of the three kinds of task."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from components.core import GateRefused, Passage, Policy, Row, read_jsonl, read_passages, read_rows
from components.data import Prepared
from components.data.read import _text
from components.text.suppression import Suppressed

from .conftest import DOCUMENTS, QUESTIONS, REVIEWS, SPLITS, TOPICS, Bench, question_rows, write

QA = {"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"}


def ids(bench: Bench, result, name: str) -> list[str]:
    return [row.id for row in result.dataset.rows(name, bench.store)]


def test_questions_become_splits_that_share_no_passage(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    result = bench.prepare(QUESTIONS, bench.data(QA, splits=SPLITS | {"by": "passage"}))
    rows = {name: result.dataset.rows(name, bench.store) for name in SPLITS}
    assert {name: len(items) for name, items in rows.items()} == SPLITS
    passages = {name: {row.passage for row in items} for name, items in rows.items()}
    assert not passages["train"] & (passages["validation"] | passages["test"])
    assert not passages["validation"] & passages["test"]
    assert result.decision.adopted


def test_rows_point_into_the_knowledge_base_and_carry_slices(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    result = bench.prepare(QUESTIONS, bench.data(QA))
    assert result.dataset.knowledge
    base = {passage.id: passage for passage in read_passages(result.dataset.knowledge, bench.store)}
    for row in result.dataset.rows("test", bench.store):
        assert isinstance(row, Row)
        assert isinstance(base[row.passage or ""], Passage)
        assert row.slices["answerable"] == ("no" if row.answer == "unknown" else "yes")
        assert row.slices["question_type"] == ("when" if row.text.startswith("When") else "which")


def test_training_knowledge_lacks_held_out_passages(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    result = bench.prepare(QUESTIONS, bench.data(QA, splits=SPLITS | {"by": "passage"}), validation=1, test=1)
    whole = bench.prepare(QUESTIONS, bench.data(QA, splits=SPLITS | {"by": "passage"}))
    assert result.dataset.training_knowledge
    training = {passage.id for passage in read_passages(result.dataset.training_knowledge, bench.store)}
    held_out = {row.passage for name in ("validation", "test") for row in whole.dataset.rows(name, bench.store)}
    assert training
    assert not training & held_out, "rows beyond a cap are held out as well"


def test_equal_files_give_equal_digests_in_any_folder(bench: Bench, tmp_path: Path) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    first = bench.prepare(QUESTIONS, bench.data(QA))
    (tmp_path / "elsewhere").mkdir()
    other = Bench(tmp_path / "elsewhere")
    write(other.folder / "calls.jsonl", question_rows())
    second = other.prepare(QUESTIONS, other.data(QA))
    assert second.digest == first.digest, "the Data Docs included"


def test_a_cap_moves_no_row_to_another_split(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    whole = bench.prepare(QUESTIONS, bench.data(QA))
    capped = bench.prepare(QUESTIONS, bench.data(QA), train=3, feedback=1, validation=2, test=4, knowledge_passages=1)
    for name, count in {"train": 3, "feedback": 1, "validation": 2, "test": 4}.items():
        few = ids(bench, capped, name)
        assert len(few) == count
        assert few == [id for id in ids(bench, whole, name) if id in few], "of the same split, in its order"
    assert capped.dataset.knowledge
    base = {passage.id for passage in read_passages(capped.dataset.knowledge, bench.store)}
    assert base == {row.passage for name in SPLITS for row in capped.dataset.rows(name, bench.store)}


def test_the_order_of_lines_does_not_matter(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    before = bench.prepare(QUESTIONS, bench.data(QA))
    write(bench.folder / "calls.jsonl", list(reversed(question_rows())))
    after = bench.prepare(QUESTIONS, bench.data(QA))
    assert all(ids(bench, before, name) == ids(bench, after, name) for name in SPLITS)


def test_texts_and_labels_in_a_csv_work(bench: Bench) -> None:
    with (bench.folder / "reviews.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["body", "stars"])
        writer.writerows([f"A film about {topic}, and\nnothing else", number % 2] for number, topic in enumerate(TOPICS))
    source = {"name": "reviews", "path": "reviews.csv", "format": "csv"}
    source |= {"fields": {"text": "body", "label": "stars"}, "values": {"0": "bad", "1": "good"}}
    splits = {"train": 6, "validation": 4, "test": 4}
    result = bench.prepare(REVIEWS, bench.data(source, splits=splits))
    rows = result.dataset.rows("train", bench.store)
    assert {row.answer for row in rows} == {"bad", "good"}
    assert all(row.slices == {"label": row.answer, "length": "short"} for row in rows)
    assert result.dataset.knowledge is None


def test_documents_and_summaries_in_parquet_work(bench: Bench) -> None:
    rows = [{"document": f"A long story of {topic}. " * 9, "summary": topic} for topic in TOPICS]
    pd.DataFrame(rows).to_parquet(bench.folder / "stories.parquet")
    source = {"name": "stories", "path": "stories.parquet", "format": "parquet"}
    result = bench.prepare(DOCUMENTS, bench.data(source, splits={"train": 6, "validation": 4, "test": 4}))
    assert {row.answer for row in result.dataset.rows("test", bench.store)} <= set(TOPICS)


def test_texts_keep_the_line_separators_of_unicode(bench: Bench) -> None:
    texts = [f"a film\x85about\u2028{topic}" for topic in TOPICS]
    write(bench.folder / "reviews.jsonl", [{"text": text, "label": "bad"} for text in texts])
    source = {"name": "reviews", "path": "reviews.jsonl"}
    result = bench.prepare(REVIEWS, bench.data(source, splits={"train": 6, "validation": 4, "test": 4}))
    assert {row.text for row in result.dataset.rows("test", bench.store)} <= set(texts)


def test_a_passage_in_two_sources_stands_once_in_the_base(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    double = question_rows()[0]["passage"].upper().replace(".", " !")
    write(bench.folder / "wiki.jsonl", [{"passage": double, "title": "x"}, {"passage": "Something new about otters."}])
    wiki = {"name": "wiki", "path": "wiki.jsonl", "role": "knowledge"}
    result = bench.prepare(QUESTIONS, bench.data(QA, wiki))
    assert result.figures["knowledge"] == 13
    assert result.figures["sources"]["wiki"]["duplicates"] == {"duplicate passage": 1}


def test_provenance_names_sources_licences_and_what_was_dropped(bench: Bench) -> None:
    rows = question_rows()
    write(bench.folder / "calls.jsonl", [*rows, rows[0], rows[1] | {"answer": "1999"}])
    result = bench.prepare(QUESTIONS, bench.data(QA))
    provenance = json.loads(bench.store.file(result.dataset.provenance).read_text())
    (source,) = provenance["sources"]
    assert (source["licence"], source["read"]) == ("CC0-1.0", 26)
    assert source["duplicates"] == {"duplicate row": 1, "duplicate row with another answer": 1}
    assert provenance["dropped"]["no room in any split"] == 4
    assert any("great-expectations" in entry["who"] for entry in provenance["touched_by"])
    assert str(bench.folder) not in json.dumps(provenance)


@pytest.mark.parametrize("count", [0, 2])
def test_every_object_of_the_result_is_in_the_store(bench: Bench, count: int) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    result = bench.prepare(QUESTIONS, bench.data(QA), train=count)
    assert all(bench.store.has(digest) for digest in result.objects)
    assert (bench.store.path(result.docs) / "index.html").is_file()
    assert result.dataset.splits["train"].count == count


def test_practice_rows_are_apart_and_share_nothing_with_what_is_held_out(bench: Bench) -> None:
    rows = question_rows()
    write(bench.folder / "calls.jsonl", rows)
    first = bench.prepare(QUESTIONS, bench.data(QA, splits=SPLITS | {"by": "passage"}))
    (asked,) = [row for row in first.dataset.rows("test", bench.store) if row.answer != "unknown"][:1]
    passage = next(row["passage"] for row in rows if row["question"] == asked.text)
    story = "The wolf ran to the mill by the old river and the miller gave it bread and salt before the long winter came."
    others = [
        {"question": "Where did the wolf run?", "answer": ["It ran.", "to the mill."], "passage": story},
        {"question": "Where did the wolf run?", "answer": ["away"], "passage": story},
        {"question": "Who was bread from?", "answer": "the miller", "passage": story},
        {"question": asked.text, "answer": "bread", "passage": story},
        {"question": "What is it about?", "answer": "a region", "passage": passage},
    ]
    write(bench.folder / "stories.jsonl", others)
    practice = {"name": "stories", "path": "stories.jsonl", "role": "practice"}
    second = bench.prepare(QUESTIONS, bench.data(QA, practice, splits=SPLITS | {"by": "passage"}))
    assert second.dataset.splits == first.dataset.splits
    assert second.dataset.knowledge == first.dataset.knowledge
    assert second.dataset.practice
    kept = [(row.text, row.answer) for row in read_rows(second.dataset.practice, bench.store)]
    assert kept == [("Where did the wolf run?", "to the mill"), ("Who was bread from?", "the miller")]
    removed = {why: count for why, count in second.figures["overlaps_removed"].items() if "practice" in why}
    assert removed == {"practice row and test: equal": 1, "practice passage and test: equal": 1}
    assert second.figures["sources"]["stories"]["duplicates"] == {"duplicate row": 1}


def faq(bench: Bench, result: Prepared, count: int) -> list[dict[str, str]]:
    """Pages that answer the first `count` test questions that have an answer, each question worded otherwise."""
    asked = [row for row in result.dataset.rows("test", bench.store) if row.answer != "unknown"][:count]
    page = "All about the region. {}? {}. More is found in the library of the town, which opens at nine."
    return [{"passage": page.format(" ".join(reversed(row.text.split())), row.answer)} for row in asked]


def test_a_page_that_answers_the_test_is_taken_out_of_the_base(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    clean = bench.prepare(QUESTIONS, bench.data(QA))
    write(bench.folder / "wiki.jsonl", [*faq(bench, clean, 2), {"passage": "Something new about otters."}])
    result = bench.prepare(QUESTIONS, bench.data(QA, {"name": "wiki", "path": "wiki.jsonl", "role": "knowledge"}))
    assert result.figures["knowledge"] == clean.figures["knowledge"] + 1, "the otters stay"
    provenance = json.loads(bench.store.file(result.dataset.provenance).read_text())
    listed = [line for line in read_jsonl(bench.store.file(provenance["contamination_list"])) if line["source"] == "wiki"]
    assert {(line["what"], line["how"], line["done"]) for line in listed} == {
        ("knowledge passage", "question and answer", "removed")
    }
    assert {line["item"] for line in listed} <= {row.id for row in result.dataset.rows("test", bench.store)} | {
        row.id for row in result.dataset.rows("validation", bench.store)
    }
    assert result.dataset.suspects == {}


def test_a_page_in_other_order_and_without_question_marks_is_taken_out_too(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    clean = bench.prepare(QUESTIONS, bench.data(QA))
    asked = [row for row in clean.dataset.rows("test", bench.store) if row.answer != "unknown"][:3]
    lines = [(" ".join(reversed(row.text.rstrip(" ?").split())), row.answer) for row in asked]
    pages = ["\n".join(f"Q: {said}\nA: {answer}" for said, answer in lines), *(f"{said}\n{one}" for said, one in lines)]
    write(bench.folder / "wiki.jsonl", [*({"passage": page} for page in pages), {"passage": "Something new about otters."}])
    result = bench.prepare(QUESTIONS, bench.data(QA, {"name": "wiki", "path": "wiki.jsonl", "role": "knowledge"}))
    assert result.figures["knowledge"] == clean.figures["knowledge"] + 1, "the otters stay"


def test_a_leak_that_must_stay_flags_its_rows_and_stops_the_run_beyond_the_bound(bench: Bench) -> None:
    rows = question_rows()
    write(bench.folder / "calls.jsonl", rows)
    clean = bench.prepare(QUESTIONS, bench.data(QA))
    (asked,) = [row for row in clean.dataset.rows("test", bench.store) if row.answer != "unknown"][:1]
    page = next(row["passage"] for row in rows if row["question"] == asked.text)
    told = [row | {"passage": f"{asked.text}? {asked.answer}. {page}"} if row["passage"] == page else row for row in rows]
    write(bench.folder / "calls.jsonl", told)
    with pytest.raises(GateRefused, match=r"evaluation rows are given away.*contamination_at_most.*List: .*jsonl"):
        bench.prepare(QUESTIONS, bench.data(QA))
    lenient = bench.prepare(QUESTIONS, bench.data(QA), policy=Policy(contamination_at_most=0.5))
    suspects = lenient.dataset.suspects
    flagged = [row for name in suspects for row in lenient.dataset.rows(name, bench.store) if row.id in suspects[name]]
    assert [row.text for row in flagged] == [asked.text]
    assert lenient.figures["contamination"]["kept"] >= 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.0, "1234567"), (3.14159265, "3.14159265"), (2.5, "2.5"), (7, "7"), (float("nan"), None), (float("inf"), None)],
)
def test_numbers_keep_all_their_digits(value: float, text: str | None) -> None:
    assert _text(value) == text


def test_what_was_forgotten_is_in_no_split_no_passage_and_no_report(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    before = bench.prepare(QUESTIONS, bench.data(QA))
    Suppressed().adding("The AMBER of region 0").write(bench.workspace.forgotten)
    after = bench.prepare(QUESTIONS, bench.data(QA))
    texts = [path.read_text() for digest in after.objects for path in bench.store.path(digest).rglob("*.json*")]
    assert not any("amber of region 0 " in text.lower() for text in texts)
    assert after.figures["sources"]["calls"]["forgotten"] == after.figures["dropped"]["forgotten"] == 2
    assert before.figures["sources"]["calls"]["forgotten"] == 0
