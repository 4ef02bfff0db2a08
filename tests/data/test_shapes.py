"""Published shapes of questions and answers, as files: SQuAD, Alpaca, ShareGPT, messages, preference pairs."""

import json
from pathlib import Path

import pandas as pd
import pytest

from components.core import BadInput, GateRefused, Source, Task, UseCase, read_yaml
from components.core.code import ROOT
from components.data.read import Record, read_source

from .conftest import DOCUMENTS, QUESTIONS, REVIEWS, Bench, question_rows, write

SQUAD = ROOT / "tests/cases/13-squad-forms"
SAID = {"from": "human", "value": "When was it built?"}, {"from": "gpt", "value": "In 1887."}


def read(path: Path, task: Task = QUESTIONS, role: str = "examples", **fields: str) -> list[Record]:
    source = Source(name="rows", role=role, path=path.name, licence="CC0-1.0", origin="made for a test", fields=fields)
    return read_source(source, 0, path, task)


@pytest.mark.parametrize("form", ["nested", "pretty", "flat"])
def test_squad_is_read_in_each_of_its_forms(form: str) -> None:
    contract = read_yaml(SQUAD / f"{form}.yaml", UseCase)
    source = contract.data.sources[0]
    records = read_source(source, 0, SQUAD / source.path, contract.task)
    assert len({record.line for record in records}) == len(records) == 100
    first = records[0]
    assert (first.text, first.answer) == ("Where does the soup stall stand?", "near the harbour")
    assert first.passage == "The soup stall stands near the harbour."
    assert not any(record.fault for record in records)


def test_a_question_of_squad_that_has_no_answer_gets_the_words_for_that(tmp_path: Path) -> None:
    row = {"question": "Who?", "context": "Nobody knows.", "answers": {"text": [], "answer_start": []}}
    path = write(tmp_path / "a.jsonl", [row])
    assert [record.answer for record in read(path)] == ["unknown"]
    (record,) = read(path, Task(kind="question_answering", instruction="Answer."))
    assert record.answer is None
    assert "write the words that say so as task.abstain" in (record.fault or "")


def test_of_several_answers_the_first_that_stands_in_the_passage_is_read(tmp_path: Path) -> None:
    row = {"question": "When?", "context": "Built in 1887 by U.S.", "answer": ["about 1890", "1887", "U.S."]}
    assert [record.answer for record in read(write(tmp_path / "a.jsonl", [row]))] == ["1887"]
    assert [record.answer for record in read(write(tmp_path / "b.jsonl", [row | {"answer": ["U.S."]}]))] == ["U.S."]


def test_the_hubs_parquet_of_squad_is_read(tmp_path: Path) -> None:
    row = {"question": "When?", "context": "Built in 1887.", "answers": {"text": ["1887"], "answer_start": [9]}}
    pd.DataFrame([row]).to_parquet(tmp_path / "a.parquet")
    (record,) = read(tmp_path / "a.parquet", role="examples_and_knowledge")
    assert (record.answer, record.passage) == ("1887", "Built in 1887.")


def test_articles_that_are_not_as_squad_has_them_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"data": [{"paragraphs": [{"context": "x", "qas": "none"}]}]}))
    with pytest.raises(BadInput, match=r"a\.json: 'data\.0\.paragraphs\.0\.qas' must be a list of objects, as in SQuAD"):
        read(tmp_path / "a.json")


def test_an_instruction_is_a_question_together_with_its_input(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Name the year.", "input": "The wall is of 1887.", "output": "1887"},
        {"instruction": "Name a colour.", "input": "", "output": "red"},
    ]
    path = write(tmp_path / "a.jsonl", rows)
    assert [(one.text, one.answer) for one in read(path)] == [
        ("Name the year.\nThe wall is of 1887.", "1887"),
        ("Name a colour.", "red"),
    ]
    assert [one.text for one in read(path, DOCUMENTS)] == ["The wall is of 1887.", "Name a colour."]
    assert [one.text for one in read(path, REVIEWS, text="output", label="output")] == ["1887", "red"]


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": SAID},
        {"messages": [{"role": "system", "content": "x"}, *({"role": r, "content": one["value"]} for r, one in
                      zip(("user", "assistant"), SAID, strict=True))]},
    ],
    ids=["ShareGPT", "messages"],
)  # fmt: skip
def test_a_conversation_of_one_turn_is_a_question_and_an_answer(tmp_path: Path, row: dict) -> None:
    assert [(one.text, one.answer) for one in read(write(tmp_path / "a.jsonl", [row]))] == [
        ("When was it built?", "In 1887.")
    ]


def test_a_longer_conversation_is_set_aside_with_the_reason(bench: Bench) -> None:
    plain = [{"conversations": [{"from": "human", "value": one["question"]}, {"from": "gpt", "value": one["answer"]}]}
             for one in question_rows()]  # fmt: skip
    path = write(bench.folder / "talk.jsonl", [{"conversations": [*SAID, *SAID]}, *plain])
    assert read(path)[0].fault == (
        "it is a conversation of 4 turns: one question and one answer are read, so write a row for each, or "
        "`kind: conversation` in the contract's task"
    )
    data = bench.data({"name": "talk", "path": "talk.jsonl"}, quarantine_at_most=0)
    with pytest.raises(GateRefused, match="it is a conversation of 4 turns"):
        bench.prepare(QUESTIONS, data)


def test_preference_pairs_are_named_and_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"prompt": "When?", "chosen": "1887", "rejected": "1890"}])
    with pytest.raises(BadInput, match=r"These are preference pairs .* map `\{question: prompt, answer: chosen\}`"):
        read(path)
    assert [(one.text, one.answer) for one in read(path, question="prompt", answer="chosen")] == [("When?", "1887")]
    turns = [{"role": "user", "content": "When?"}, {"role": "assistant", "content": "1887"}]
    path = write(tmp_path / "b.jsonl", [{"prompt": "When?", "chosen": turns, "rejected": turns}])
    assert [one.answer for one in read(path, question="prompt", answer="chosen")] == ["1887"]
