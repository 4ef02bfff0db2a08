"""Answers that are quotes: the tree of tokens, and both local engines held to it."""

import random
import re

import numpy as np
import pytest

from components.application import Hit, load
from components.application.quotes import Quotes, places
from components.core import BadInput, Candidate, Passage, Prompt, PromptTurn, Quoted, Row, Runtime, Step, write_jsonl
from components.text import together

TEXT = "The Normans (in French: Normands) came in 1066 with $5,000 , and Earth ' s orbit is 20–30 km, in 東京 – 😀."


@pytest.fixture(scope="module")
def tokenizer(candidate: Candidate, step: Step) -> object:
    with load(candidate, step.store, step.machine) as application:
        return application.engine.tokenizer


def said(tree: Quotes, wishes: dict[int, float], size: int, end: int) -> list[int]:
    """What is chosen when the model's logits are `wishes`, the same at every step."""
    logits = np.zeros(size, dtype=np.float32)
    for token, wish in wishes.items():
        logits[token] = wish
    found: list[int] = []
    while not found or found[-1] != end:
        found.append(tree.choose(logits))
        assert len(found) < 100
    return found[:-1]


def test_any_wish_ends_in_a_run_of_whole_words(tokenizer) -> None:
    draw, size, end = random.Random(0), len(tokenizer), tokenizer.eos_token_id
    lengths = set()
    for _ in range(200):
        wishes = {draw.randrange(size): draw.random() for _ in range(size // 2)}
        answer = tokenizer.decode(said(Quotes(tokenizer, [TEXT], "unknown"), wishes, size, end))
        whole = (r"\b" if answer[0].isalnum() else "") + re.escape(answer) + (r"\b" if answer[-1].isalnum() else "")
        assert answer == "unknown" or re.search(whole, TEXT)
        lengths.add(len(answer.split()))
    assert len(lengths) > 3


def test_the_bias_decides_between_a_quote_and_the_abstention(tokenizer) -> None:
    size, end = len(tokenizer), tokenizer.eos_token_id
    first = tokenizer("unknown", add_special_tokens=False).input_ids[0]
    wishes = {first: 1.0, tokenizer("Normans", add_special_tokens=False).input_ids[0]: 2.5}

    def answer(bias: float) -> str:
        return str(tokenizer.decode(said(Quotes(tokenizer, [TEXT], "unknown", bias), wishes, size, end)))

    assert answer(0.0).startswith("Normans")
    assert answer(1.4).startswith("Normans")
    assert answer(1.6) == "unknown"
    tree = Quotes(tokenizer, [TEXT], "unknown", 9.0)
    assert tokenizer.decode(said(tree, wishes, size, end)) == "unknown"
    assert tree.margin == pytest.approx(-1.5)


def test_with_nothing_to_quote_it_abstains_or_says_nothing(tokenizer) -> None:
    size, end = len(tokenizer), tokenizer.eos_token_id
    assert tokenizer.decode(said(Quotes(tokenizer, [], "unknown"), {}, size, end)) == "unknown"
    assert said(Quotes(tokenizer, ["…"], None), {}, size, end) == []


def test_the_engine_answers_in_quotes_streamed_or_not(candidate: Candidate, rows: list[Row], step: Step) -> None:
    quoted = candidate.model_copy(update={"quoted": Quoted()})
    with load(quoted, step.store, step.machine) as application:
        answers = application.answer(rows)
        assert [application.answer([row])[0].text for row in rows] == [answer.text for answer in answers]
        for row, answer in zip(rows, answers, strict=True):
            *pieces, whole = application.stream(row)
            assert "".join(pieces) == answer.text
            assert whole.model_copy(update={"margin": None}) == answer.model_copy(update={"margin": None})
            assert whole.margin == pytest.approx(answer.margin, abs=0.1)  # bf16, another batch
    margins = [answer.margin for answer in answers]
    for answer in answers:
        assert answer.text == "unknown" or answer.text in answer.context[0]
    assert len(set(margins)) == len(rows)
    middle = sorted(margins)[1:3]
    bias = -sum(middle) / 2
    with load(candidate.model_copy(update={"quoted": Quoted(abstain_bias=bias)}), step.store, step.machine) as application:
        silent = [answer.text == "unknown" for answer in application.answer(rows)]
    assert silent == [margin + bias > 0 for margin in margins]


def test_an_answer_after_a_marker_cannot_be_a_quote(candidate: Candidate, step: Step) -> None:
    turn = PromptTurn(user="Think about {{input}} Answer:", max_new_tokens=6)
    prompt = Prompt(method="chain_of_thought", turns=(turn,), answer_marker="Answer:")
    with pytest.raises(BadInput, match="marker"):
        load(candidate.model_copy(update={"quoted": Quoted(), "prompt": prompt}), step.store, step.machine)


def all_said(tree: Quotes, tokenizer) -> set[str]:
    """Every whole answer of a tree."""
    found, todo = set(), [(tree._root, ())]
    while todo:
        node, ids = todo.pop()
        if node.whole:
            found.add(tokenizer.decode(ids).strip())
        todo += [(after, (*ids, token)) for token, after in node.next.items()]
    return found


def test_no_quote_cuts_a_number_or_turns_a_sense(tokenizer) -> None:
    text = "It can't cost $5,000 at 10:30, but 3.5 more, and Anna's 20–30 km."
    answers = all_said(Quotes(tokenizer, [text], "unknown"), tokenizer)
    assert {"$5,000", "10:30", "3.5", "3.5 more", "Anna", "Anna's", "20", "20–30 km", "can't cost", "unknown"} <= answers
    for part in ("$", "$5", "5", "000", "10", "30 , but", "3", "can", "t", "t cost", "Ann"):
        assert part not in answers


def test_quotes_are_whole_words_in_every_script(tokenizer) -> None:
    for text, whole, parts in (
        ("镇上最有名的特产是铜矿，建于1200年。", ("铜矿", "1200年"), ("120",)),
        ("東京は日本の首都です。", ("東京", "首都", "日本の首都"), ("東", "京")),
        ("श्री राम कुमार यहाँ आए।", ("राम कुमार", "राम"), ("र", "रा", "ाम", "कुम")),
        ("ราคา -5 บาท", ("-5", "-5 บาท", "ราคา"), ("5", "รา")),
        ("이 도시는 청천시입니다", ("청천시입니다", "청천시"), ("천시",)),
    ):
        answers = all_said(Quotes(tokenizer, [text], "unknown"), tokenizer)
        assert {*whole} <= answers, answers
        assert not {*parts} & answers


def test_a_quote_too_long_for_the_answer_ends_with_a_word(tokenizer) -> None:
    for longest in (3, 5, 8):
        tree = Quotes(tokenizer, [TEXT], "no", longest=longest)
        for answer in all_said(tree, tokenizer):
            whole = (r"\b" if answer[0].isalnum() else "") + re.escape(answer) + (r"\b" if answer[-1].isalnum() else "")
            assert answer == "no" or re.search(whole, TEXT), answer
        wishes = {token: float(token) for token in range(len(tokenizer))}
        tree = Quotes(tokenizer, [TEXT], "no", longest=longest)
        assert len(said(tree, wishes, len(tokenizer), tokenizer.eos_token_id)) <= longest
    with pytest.raises(BadInput, match="shorten"):
        Quotes(tokenizer, [TEXT], "the base does not hold the answer to this", longest=2)


def test_only_the_abstention_begins_as_it_does(tokenizer) -> None:
    first = tokenizer("unknown", add_special_tokens=False).input_ids[0]
    tree = Quotes(tokenizer, ["unknown soldiers of the king"], "unknown")
    assert all_said(tree, tokenizer) >= {"unknown", "soldiers of the king"}
    assert not any(answer.startswith("unknown ") for answer in all_said(tree, tokenizer))
    assert first in tree._root.next


def test_an_endpoint_cannot_be_held_to_quotes(candidate: Candidate, step: Step) -> None:
    runtime = Runtime(engine="openai", url="http://127.0.0.1:9")
    with pytest.raises(BadInput, match="quotes"):
        load(candidate.model_copy(update={"quoted": Quoted(), "runtime": runtime}), step.store, step.machine)


SCRIPTS = {
    "latin": "It cost $5,000 in 1066. The Normans paid $5,000, not 5,000 marks; Annan's bank did not.",
    "han": "镇上最有名的特产是铜矿，建于1200年。铜矿在1900年关闭。",
    "japanese": "京都は古い都です。東京は日本の首都です。",
    "devanagari": "यह एक गाँव है। श्री राम कुमार यहाँ आए।",
    "thai": "ราคา -5 บาท ราคาใหม่ 15 บาท",
    "korean": "이 도시는 청천시입니다. 시장은 김철수입니다.",
    "arabic": "القاهرة عاصمة مصر. يمر بها نهر النيل.",
    "emoji": "😀😀 It is 𝔸. The river is called the Nile 😀",
}


@pytest.mark.parametrize(
    ("script", "quote", "wanted"),
    [
        ("latin", "$5,000", [8, 41]),
        ("latin", "5,000", [53]),
        ("latin", "Ann", []),
        ("latin", "can", []),
        ("han", "铜矿", [9, 20]),
        ("han", "120", []),
        ("japanese", "東京", [9]),
        ("japanese", "京", []),
        ("devanagari", "राम कुमार", [20]),
        ("devanagari", "रा", []),
        ("thai", "-5", [5]),
        ("thai", "5 บาท", []),
        ("korean", "청천시", [6]),
        ("arabic", "نهر النيل", [27]),
        ("emoji", "Nile", [36]),
        ("emoji", "", []),
    ],
)
def test_a_quote_is_found_where_it_may_begin_and_end(script: str, quote: str, wanted: list[int]) -> None:
    found = places(quote, SCRIPTS[script])
    assert [start for start, _ in found] == wanted
    assert {SCRIPTS[script][start:end] for start, end in found} <= {quote}


def test_an_answer_cites_the_characters_of_its_passage_in_every_script(candidate: Candidate, step: Step) -> None:
    path = step.scratch / "scripts.jsonl"
    write_jsonl(path, [Passage(id=script, text=text) for script, text in SCRIPTS.items()])
    retriever = candidate.retriever.model_copy(update={"knowledge": step.store.put(path), "top_k": 2})
    quoting = candidate.model_copy(update={"retriever": retriever, "quoted": Quoted(abstain_bias=-1000)})
    asked = [Row(id=script, text="What does it say?", answer="") for script in SCRIPTS]
    # the second half of each passage, as a chunk of it is; then a text that is of no passage
    halves = {script: re.split(r"(?<=[.。।]) ?", text, maxsplit=1)[-1] for script, text in SCRIPTS.items()}
    hits = [
        [Hit(passage=script, text=half, score=1.0), Hit(passage="nobody", text=half, score=0.5)]
        for script, half in halves.items()
    ]
    with load(quoting, step.store, step.machine) as application:
        answers = application.answer(asked, hits)
    for script, answer in zip(SCRIPTS, answers, strict=True):
        (cited,) = answer.citations
        assert cited.passage == script
        assert SCRIPTS[script][cited.start : cited.end] == answer.text != ""
        assert cited.start >= SCRIPTS[script].index(halves[script])


def test_an_abstention_and_an_answer_that_is_no_quote_cite_nothing(
    candidate: Candidate, rows: list[Row], step: Step
) -> None:
    silent = candidate.model_copy(update={"quoted": Quoted(abstain_bias=1000)})
    for one in (silent, candidate):
        with load(one, step.store, step.machine) as application:
            assert [answer.citations for answer in application.answer(rows[:2])] == [(), ()]


def test_a_quote_of_a_text_that_came_with_its_question_cites_that_text(candidate: Candidate, step: Step) -> None:
    update = {"retriever": None, "own": {"context": "given"}, "quoted": Quoted(abstain_bias=-1000)}
    asked = Row(id="q", text=together(SCRIPTS["latin"], "Who paid?"), answer="")
    with load(candidate.model_copy(update=update), step.store, step.machine) as application:
        (answer,) = application.answer([asked])
    (cited,) = answer.citations
    assert (cited.passage, SCRIPTS["latin"][cited.start : cited.end]) == ("given", answer.text)
