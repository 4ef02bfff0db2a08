"""Synthetic rows: what the generator drafts, what each filter takes away, and where made rows never go."""

import json

import pytest

from components.core import (
    BadInput,
    Candidate,
    Dataset,
    Machine,
    Passage,
    Runtime,
    Split,
    Step,
    Synthetic,
    Task,
    read_passages,
    read_rows,
)
from components.data import stage
from components.data.contamination import Rules
from components.data.generators import GENERATORS
from components.data.generators.cloze import drafts
from components.data.generators.draft import Draft
from components.data.synthetic import _misfit, synthesise
from components.data.uncollected import Refusal
from components.measure import measure
from components.text.leaks import Item, Leaks
from components.text.overlap import Overlap

from .conftest import DOCUMENTS, QUESTIONS, SPLITS, TOPICS, Bench, question_rows, write

QA = {"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"}
WIKI = {"name": "wiki", "path": "wiki.jsonl", "role": "knowledge"}
ASKED = Synthetic(rows=12, seed=1)


def stories(count: int = 40) -> list[dict[str, str]]:
    return [
        {"passage": f"The old {TOPICS[n % 16]} bridge number {n} was built in {1600 + n} by Duke Albert{n}. "
                    f"It leads over the river Nar{n} to the northern market of Halden{n}."}
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("name", GENERATORS)
def test_each_generator_drafts_answers_that_its_passage_holds(name: str) -> None:
    passage = stories(1)[0]["passage"]
    found = GENERATORS[name].drafts(passage)
    assert found
    assert all(draft.answer in passage and draft.text.endswith("?") for draft in found)
    assert GENERATORS[name].drafts("") == []


def test_a_cloze_asks_for_dates_names_places_and_counts() -> None:
    text = "The bridge was built in 1625 by Duke Albert . Some 300 soldiers guard it . The town of Halden lies by the sea ."
    found = {draft.answer: draft.text for draft in drafts(text)}
    assert found["1625"] == "When was the bridge built by Duke Albert ?"
    assert found["Duke Albert"] == "Who was the bridge built in 1625 by ?"
    assert found["300"] == "How many soldiers some guard it ?"
    assert found["Halden"] == "What the town of lies by the sea ?"


@pytest.mark.parametrize(
    ("draft", "passage", "reason"),
    [
        (Draft("When was the old bridge built ?", "1600", "date"), "Built in 1600.", None),
        (Draft("When was it ?", "1600", "date"), "Built in 1600.", "fewer than 5"),
        (Draft(" ".join(["word"] * 30), "1600", "date"), "Built in 1600.", "more than 25 words"),
        (Draft("When was the 1600 bridge built ?", "1600", "date"), "Built in 1600.", "stands in the question"),
        (Draft("When was the old bridge built ?", "1600", "date"), "From 1600, or after 1600.", "just once"),
        (Draft("When was the old bridge built ?", "a b c d e f g h i", "name"), "a b c d e f g h i", "more than 8 words"),
    ],
)
def test_each_filter_names_what_it_drops(draft: Draft, passage: str, reason: str | None) -> None:
    found = _misfit(draft, passage)
    assert (found is None) if reason is None else (reason in (found or ""))


def prepared(bench: Bench, synthetic: dict | None = None, **more):
    write(bench.folder / "calls.jsonl", question_rows())
    write(bench.folder / "wiki.jsonl", stories())
    data = bench.data(QA, WIKI, splits=SPLITS | {"by": "passage"}, **({"synthetic": synthetic} if synthetic else {}))
    return bench.prepare(QUESTIONS, data, **more)


def test_synthetic_rows_come_from_training_passages_and_are_marked(bench: Bench) -> None:
    plain, done = prepared(bench), prepared(bench, {"rows": 20})
    assert done.dataset.splits == plain.dataset.splits
    assert done.dataset.made
    assert done.dataset.training_knowledge
    rows = read_rows(done.dataset.made, bench.store)
    texts = {passage.id: passage.text for passage in read_passages(done.dataset.training_knowledge, bench.store)}
    assert len(rows) == 20
    assert {row.origin for row in rows} == {"synthetic"}
    for row in rows:
        assert row.passage in texts
        assert row.answer == "unknown" or row.answer in texts[row.passage]
    assert done.figures["made"]["generator"] == {"kept": 20, "dropped": {}}
    provenance = json.loads(bench.store.file(done.dataset.provenance).read_text())
    assert provenance["training_origins"]["synthetic"] == 20
    assert "made rows" in [step["step"] for step in provenance["steps"]]


def test_unanswerable_rows_ask_a_passage_without_the_answer(bench: Bench) -> None:
    passages = [Passage(id=f"p{n}", text=story["passage"]) for n, story in enumerate(stories())]
    (bench.folder / "passages.jsonl").write_text("".join(passage.model_dump_json() + "\n" for passage in passages))
    split = Split(name="training_knowledge", object=bench.store.put(bench.folder / "passages.jsonl"), count=40)
    half = ASKED.model_copy(update={"unanswerable_share": 0.5})
    rows, _ = synthesise(half, QUESTIONS, split, lambda texts: [None] * len(texts), bench.store)
    silent = [row for row in rows if row.answer == "unknown"]
    assert 2 <= len(silent) <= 10
    texts = {passage.id: passage.text for passage in passages}
    whole, _ = synthesise(
        ASKED, Task(kind="question_answering", instruction="Answer."), split, lambda texts: [None] * len(texts), bench.store
    )
    true = {row.text: row for row in whole}
    for row in silent:
        assert row.passage != true[row.text].passage
        assert true[row.text].answer not in texts[row.passage or ""]


def test_a_question_of_an_evaluation_set_is_not_made_again(bench: Bench) -> None:
    first = prepared(bench, {"rows": 20})
    (planted, *_) = [row for row in read_rows(first.dataset.made, bench.store) if row.answer != "unknown"]
    refusal = Refusal([], Leaks([Item("benchmark leak", "0", planted.text)]), Overlap([], 0.8), Rules(0.8, 13))
    asked = Synthetic(rows=20)
    again, dropped = synthesise(asked, QUESTIONS, first.dataset.training_knowledge, refusal, bench.store)
    assert planted.text not in {row.text for row in again}
    assert dropped["leaks benchmark leak"] >= 1
    assert refusal.findings[0].line()["how"] == "equal"


def test_rows_of_a_synthetic_source_never_measure_or_decide(bench: Bench) -> None:
    rows = question_rows(32)
    collected, invented = rows[:24], [row | {"question": "Tell me, " + row["question"]} for row in rows[24:]]
    held_out = prepared(bench).dataset.rows("test", bench.store)[0]
    about = next(row["passage"] for row in collected if row["question"] == held_out.text)
    leaks = [collected[0], {"question": "Is a new thing asked here", "answer": "no", "passage": about}]
    write(bench.folder / "calls.jsonl", collected)
    write(bench.folder / "made.jsonl", [*invented, *leaks])
    made = QA | {"name": "made", "path": "made.jsonl", "synthetic": True}
    splits = {"train": 8, "feedback": 2, "validation": 12, "test": 20, "by": "passage"}
    done = bench.prepare(QUESTIONS, bench.data(QA, made, splits=splits))
    for name in done.dataset.splits:
        assert {row.origin for row in done.dataset.rows(name, bench.store)} <= {"collected"}, "though the splits had room"
    assert done.dataset.made
    kept = read_rows(done.dataset.made, bench.store)
    assert {row.text for row in kept} == {row["question"] for row in invented}
    assert done.figures["made"]["sources"]["dropped"] == {"leaks test": 1}
    assert done.figures["overlaps_removed"]["made row and test: equal"] == 1


def test_a_split_that_would_take_a_made_row_is_not_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    divide = stage.divide

    def wrong(rows, *given):
        return divide([rows[0].model_copy(update={"origin": "synthetic"}), *rows[1:]], *given)

    monkeypatch.setattr(stage, "divide", wrong)
    splits = {"train": 8, "validation": 8, "test": 8}
    with pytest.raises(AssertionError, match=r"split '\w+' holds 1 rows that nobody collected"):
        bench.prepare(QUESTIONS, bench.data(QA, splits=splits))


def test_a_made_row_in_a_split_is_never_read_measured_or_shown(bench: Bench) -> None:
    path = bench.folder / "rows.jsonl"
    write(path, [{"id": "m", "text": "what is made", "answer": "this", "origin": "synthetic"}])
    made = bench.store.put(path)
    step = Step("m" * 64, bench.store.scratch("m" * 64), bench.workspace, Machine())
    candidate = Candidate(task="question_answering", runtime=Runtime(engine="baseline"))
    assert len(read_rows(Split(name="made", object=made, count=1), bench.store)) == 1
    for name in SPLITS:
        planted = Split(name=name, object=made, count=1)
        dataset = Dataset(splits={name: planted}, provenance=made)
        with pytest.raises(AssertionError, match="nobody collected"):
            dataset.rows(name, bench.store)  # what few-shot examples and baselines are drawn from
        with pytest.raises(AssertionError, match="nobody collected"):
            measure(candidate, lambda rows: [], planted, QUESTIONS, step)


def test_a_cap_takes_the_first_made_rows(bench: Bench) -> None:
    whole, capped = prepared(bench, {"rows": 9}), prepared(bench, {"rows": 9}, made=4)
    assert capped.dataset.made
    found = [read_rows(one.dataset.made, bench.store) for one in (whole, capped)]
    assert found[1] == found[0][:4]


def test_made_twice_they_are_equal(bench: Bench, tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert prepared(bench, {"rows": 9}).digest == prepared(Bench(tmp_path / "elsewhere"), {"rows": 9}).digest


@pytest.mark.parametrize(
    ("task", "synthetic", "said"),
    [
        (
            DOCUMENTS,
            {"rows": 5},
            r"no generator makes rows for summarization; there are some for question_answering",
        ),
        (QUESTIONS, {"rows": 5, "generator": "gpt"}, r"data\.synthetic\.generator: 'gpt' .*allowed: cloze"),
        (QUESTIONS, {"rows": 5}, r"data\.synthetic: rows are made from training passages, and there are none"),
    ],
)
def test_what_cannot_be_made_is_named_with_its_key(bench: Bench, task: Task, synthetic: dict, said: str) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    with pytest.raises(BadInput, match=said):
        bench.prepare(task, bench.data(QA | {"role": "examples"}, synthetic=synthetic))
