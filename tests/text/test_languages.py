"""In eleven languages the right answer scores 1, another one under 0.5, and the search finds the answer's passage."""

import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest

from components.application import Hit, load_retriever
from components.application.lexical import Lexical
from components.application.prompt import clean
from components.core import (
    Candidate,
    Machine,
    Passage,
    Prompt,
    PromptTurn,
    Quoted,
    Retriever,
    Row,
    Runtime,
    Source,
    Step,
    Task,
    Workspace,
    write_jsonl,
)
from components.data.read import Record
from components.data.rows import Collected
from components.measure import per_example
from components.retrieval.chunks import chunk
from components.retrieval.hits import score
from components.training.contexts import find

from .languages import GUIDES

LANGUAGES = pytest.mark.parametrize("language", GUIDES)


def task_of(language: str) -> Task:
    return Task(kind="question_answering", instruction="x", abstain=GUIDES[language].abstain, language=language)


@LANGUAGES
def test_a_right_answer_scores_one_however_it_is_written_and_a_wrong_one_under_half(language: str) -> None:
    guide, task = GUIDES[language], task_of(language)
    for row in guide.rows()[:15]:
        asked = Row(id="1", text=row["question"], answer=row["answer"], passage="p")
        right = [row["answer"], f" {row['answer']}{guide.ends}", f"“{row['answer']}”"]
        right += [unicodedata.normalize("NFD", row["answer"]), row["answer"].upper()]
        for text in right:
            found = per_example(task, asked, text, ["p"], [row["passage"]])
            assert (found["f1"], found["exact_match"], found["rouge_l"]) == (1, 1, 1), text
            assert found["abstention_rate"] == 0
        assert per_example(task, asked, row["answer"], ["p"])["bleu"] == pytest.approx(1)
        for text in (guide.wrong, guide.abstain):
            found = per_example(task, asked, text, ["p"])
            assert found["f1"] < 0.5, text
            assert found["rouge_l"] < 0.5
            assert found["exact_match"] == 0
        assert per_example(task, asked, f"{guide.abstain}{guide.ends}", ["p"])["abstention_rate"] == 1


@LANGUAGES
def test_another_answer_of_the_same_kind_scores_under_half(language: str) -> None:
    guide, task = GUIDES[language], task_of(language)
    goods = guide.goods.split()
    for good, other in pairwise(goods):
        row = Row(id="1", text="?", answer=good)
        assert per_example(task, row, other, None)["f1"] < 0.5


@LANGUAGES
def test_the_search_finds_the_passage_of_every_question(language: str, tmp_path: Path) -> None:
    rows = GUIDES[language].rows()
    passages = list(dict.fromkeys(row["passage"] for row in rows))
    workspace = Workspace(tmp_path)
    step = Step("s", workspace.store.scratch("s"), workspace, Machine(threads=1))
    write_jsonl(step.scratch / "passages.jsonl", [{"id": f"{i}", "text": text} for i, text in enumerate(passages)])
    base = step.store.put(step.scratch / "passages.jsonl")
    searcher = load_retriever(Retriever(scoring="bm25", knowledge=base), step.store, step.machine)
    asked = [row["question"] for row in rows]
    found = [passages[int(hits[0].passage)] for hits in searcher.search(asked, top_k=1)]
    assert found == [row["passage"] for row in rows]
    best = Lexical(passages).scores(asked).argmax(axis=1)
    assert [passages[at] for at in best] == [row["passage"] for row in rows]
    table = score(
        task_of(language),
        [Row(id=str(i), text=row["question"], answer=row["answer"], passage=row["passage"]) for i, row in enumerate(rows)],
        [[Hit(passage=row["passage"], text=row["passage"], score=1)] for row in rows],
        1,
    )
    assert all(row["support"] == 1 for row in table)
    assert all(find(row["answer"], row["passage"]) for row in rows)


@LANGUAGES
def test_every_row_is_kept_and_its_passage_too(language: str) -> None:
    rows = GUIDES[language].rows()
    collected = Collected(task_of(language))
    source = Source(name="guide", role="examples_and_knowledge", path="guide.jsonl", licence="CC0-1.0", origin="test")
    records = [Record(i, text=row["question"], answer=row["answer"], passage=row["passage"]) for i, row in enumerate(rows)]
    collected.add(source, [*records, *records[:3]])
    assert len(collected.rows) == 120
    assert len(collected.passages) == 40
    assert collected.dropped["guide"] == {"duplicate row": 3}


@LANGUAGES
def test_the_abstention_is_understood_with_what_follows_it(language: str) -> None:
    guide = GUIDES[language]
    prompt = Prompt(method="zero_shot", turns=(PromptTurn(user="{{input}}"),))
    candidate = Candidate(
        task="question_answering", abstain=guide.abstain, runtime=Runtime(engine="transformers"), prompt=prompt
    )
    assert clean(candidate, f" {guide.abstain}{guide.ends}\n") == guide.abstain
    assert clean(candidate, guide.wrong) == guide.wrong
    quoting = candidate.model_copy(update={"quoted": Quoted()})
    assert clean(quoting, f"{guide.abstain}{guide.ends}") == guide.abstain
    assert clean(quoting, f"{guide.abstain} {guide.wrong}") != guide.abstain


@LANGUAGES
def test_a_passage_longer_than_a_chunk_is_cut_in_every_script(language: str) -> None:
    text = " ".join(dict.fromkeys(row["passage"] for row in GUIDES[language].rows()[:30]))
    parts = chunk([Passage(id="p", text=text)], 40)
    assert len(parts) > 3
    assert "".join("".join(part.text.split()) for part in parts) == "".join(text.split())
