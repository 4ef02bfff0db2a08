"""Conversations: their turns are read, in each form that they are published in; one of them stands in one split."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.core import BadInput, GateRefused, Row, Source, Task, parse
from components.data.read import Record, read_source
from components.text.turns import Turn, as_text, turns_of

from .conftest import TOPICS, Bench, write

TASK = Task(kind="conversation", instruction="Answer as the front desk.")
RULES = "You are the front desk of a small museum and answer in one sentence, kindly and without any promises at all."
SOURCE = {"name": "talks", "path": "talks.jsonl"}


def said(*turns: str, system: str = "") -> list[dict[str, str]]:
    """Turns of user and assistant by turns, as OpenAI's messages."""
    first = [{"role": "system", "content": system}] if system else []
    roles = ("user", "assistant")
    return [*first, *({"role": roles[place % 2], "content": text} for place, text in enumerate(turns))]


OPEN = said("Is it open?", "Yes, until six.", "And today?", "Until four.")
ASKED = as_text([Turn("user", "Is it open?"), Turn("assistant", "Yes, until six."), Turn("user", "And today?")])


def read(path: Path, **fields: str) -> list[Record]:
    source = Source(name="rows", role="examples", path=path.name, licence="CC0-1.0", origin="made for a test", fields=fields)
    return read_source(source, 0, path, TASK)


SHAREGPT = [{"from": {"user": "human", "assistant": "gpt"}[one["role"]], "value": one["content"]} for one in OPEN]
PARTS = [{**one, "content": [{"type": "text", "text": one["content"]}]} for one in OPEN]


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ({"messages": OPEN}, {}),
        ({"messages": PARTS}, {}),
        ({"conversations": SHAREGPT}, {}),
        ({"dialog": OPEN}, {"messages": "dialog"}),
        ({"messages": OPEN, "summary": "About hours.", "label": "hours"}, {}),
        ({"messages": [*OPEN, {"role": "user", "content": "Thanks!"}]}, {}),
        ({"messages": OPEN[:-1], "reply": "Until four."}, {}),
        ({"messages": OPEN[:-1], "best": "Until four."}, {"reply": "best"}),
    ],
    ids=["messages", "parts", "ShareGPT", "mapped", "beside", "thanks", "reply", "reply mapped"],
)
def test_the_last_turn_of_the_assistant_is_the_answer(tmp_path: Path, row: dict[str, Any], fields: dict[str, str]) -> None:
    (record,) = read(write(tmp_path / "a.jsonl", [row]), **fields)
    assert (record.text, record.answer, record.fault) == (ASKED, "Until four.", None)


CALL = """Caller: Is it open?
Clerk: Yes, until six.
Jo (manager): On Sundays too.

caller : And today?
Is it late?
Clerk: Until four."""
BRACKETS = """[caller] Is it open?
[clerk] Yes, until six.

(Jo (manager)): On Sundays too.
[caller]: And today?
Is it late?
<clerk> Until four."""
NAMED = [{"role": "Caller", "content": "Is it open?"}, {"role": "Clerk", "content": "Yes, until six.\n\nOn Sundays too."},
         {"from": "caller", "value": "And today?\nIs it late?"}, {"from": "clerk", "value": "Until four."}]  # fmt: skip
SPEAKERS = {"Caller": "user", "Clerk": "assistant", "Jo (manager)": "assistant"}
HEARD = [Turn("user", "Is it open?"), Turn("assistant", "Yes, until six.\n\nOn Sundays too."),
         Turn("user", "And today?\nIs it late?"), Turn("assistant", "Until four.")]  # fmt: skip


@pytest.mark.parametrize(
    "talk", [CALL, BRACKETS, NAMED, CALL.replace("\n", "\r\n")], ids=["colons", "brackets", "turns", "Windows"]
)
def test_a_contract_says_who_speaks_and_each_reply_may_be_a_row(tmp_path: Path, talk: object) -> None:
    path = write(tmp_path / "a.jsonl", [{"talk": talk}, {"talk": talk}])
    source = Source(name="calls", role="examples", path=path.name, licence="CC0-1.0", origin="made for a test",
                    fields={"messages": "talk"}, values=SPEAKERS)  # fmt: skip
    last = (as_text(HEARD[:3]), "Until four.", None)
    assert [(one.text, one.answer, one.fault) for one in read_source(source, 0, path, TASK)] == [last, last]
    each = read_source(source.model_copy(update={"replies": "each"}), 0, path, TASK)
    first = ("Is it open?", HEARD[1].text, None)
    assert [(one.text, one.answer, one.fault) for one in each] == [first, last, first, last]
    assert [one.line for one in each] == [1, 2, 3, 4], "the gate sets rows aside by their numbers"


def test_who_answers_in_a_contract_counts_before_what_files_call_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"messages": [{"role": "assistant", "content": "Where does it hurt?"}, *OPEN]}])
    source = Source(name="calls", role="examples", path=path.name, licence="CC0-1.0", origin="made for a test",
                    values={"assistant": "user", "user": "assistant"}, replies="each")  # fmt: skip
    answers = [record.answer for record in read_source(source, 0, path, TASK)]
    assert answers == ["Is it open?", "And today?"]


def test_a_transcript_of_nobody_who_is_named_is_set_aside(tmp_path: Path) -> None:
    talks = ["Recorded on Monday.\nCaller: Hi.\nClerk: Hello.", "Clerk: Hello.", "", "Caller: Hi.\nClerk:\nCaller: Bye."]
    path = write(tmp_path / "a.jsonl", [{"messages": talk} for talk in talks])
    source = Source(name="calls", role="examples", path=path.name, licence="CC0-1.0", origin="made for a test",
                    values=SPEAKERS, replies="each")  # fmt: skip
    who = "data.sources.<n>.values: Caller, Clerk, Jo (manager)"
    assert [record.fault for record in read_source(source, 0, path, TASK)] == [
        f"it begins with 'Recorded on Monday.', and with nobody of {who}",
        "it has no turn of the user with one of the assistant behind it",
        f"it begins with '', and with nobody of {who}",
        "turn 2 says nothing, or is no text",
    ]


def test_one_question_is_a_conversation_too_whatever_it_looks_like(tmp_path: Path) -> None:
    rows = [{"question": "user: hi", "answer": "Hello."}, {"instruction": "Greet.", "input": "Ann", "output": "Hi Ann."}]
    first, second = (read(write(tmp_path / f"{place}.jsonl", [row]))[0] for place, row in enumerate(rows))
    assert (turns_of(first.text or ""), first.answer) == ([Turn("user", "user: hi")], "Hello.")
    assert (second.text, second.answer) == ("Greet.\nAnn", "Hi Ann.")


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        (said("Is it open?"), "no turn of the user with one of the assistant behind it"),
        (said("", "Hello."), "turn 1 says nothing, or is no text"),
        ([*OPEN[:1], {"role": "tool", "content": "6"}, *OPEN[1:]], "turn 2: 'tool' is nobody who speaks; allowed: user"),
        ([{"role": "assistant", "content": "Welcome."}], "no turn of the user"),
        ([*OPEN[:1], {"role": "assistant", "content": [{"type": "image_url"}]}], "turn 2 says nothing, or is no text"),
        (["Is it open?", "Yes."], "turn 1: '' is nobody who speaks"),
        ([], "no turn of the user"),
    ],
)
def test_what_is_no_conversation_with_an_answer_is_set_aside_with_the_reason(tmp_path: Path, turns: Any, why: str) -> None:
    good, bad = read(write(tmp_path / "a.jsonl", [{"messages": OPEN}, {"messages": turns}]))
    assert good.fault is None
    assert why in (bad.fault or "")


def test_another_kind_is_told_which_kind_reads_several_turns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"messages": OPEN}])
    source = Source(name="rows", role="examples", path="a.jsonl", licence="CC0-1.0", origin="made for a test")
    (record,) = read_source(source, 0, path, Task(kind="question_answering", instruction="Answer."))
    assert "a conversation of 4 turns" in (record.fault or "")
    assert "`kind: conversation`" in (record.fault or "")


def talks() -> list[dict[str, Any]]:
    """Each conversation as three rows, one for each turn of the assistant, all with one long system text and the same
    usual replies."""
    rows = []
    for topic in TOPICS:
        usual = "Thank you very much for your question, I shall be glad to look for that in our old catalogue at once."
        turns = [f"Where is the {topic}?", usual, f"Who brought the {topic} here?", usual, f"Is {topic} old?", "It is."]
        rows += [{"messages": said(*turns[:end], system=RULES)} for end in (2, 4, 6)]
    return rows


def placed(bench: Bench, **more: Any) -> dict[str, list[Row]]:
    write(bench.folder / "talks.jsonl", talks())
    splits = {"train": 18, "feedback": 6, "validation": 6, "test": 9}
    dataset = bench.prepare(TASK, bench.data(SOURCE, splits=splits, **more)).dataset
    return {name: dataset.rows(name, bench.store) for name in dataset.splits}


def test_rows_of_one_conversation_stand_in_one_split(bench: Bench) -> None:
    rows = placed(bench)
    assert {name: len(held) for name, held in rows.items()} == {"train": 18, "feedback": 6, "validation": 6, "test": 9}
    held = {name: {row.conversation for row in of} for name, of in rows.items()}
    assert sum(map(len, held.values())) == len(set.union(*held.values())) == 13
    assert {row.slices["turns"] for of in rows.values() for row in of} == {"1", "2-3", "4-7"}


def test_a_shared_system_text_and_a_usual_reply_are_no_leak(bench: Bench) -> None:
    write(bench.folder / "talks.jsonl", talks())
    assert "0 leaks removed" in bench.prepare(TASK, bench.data(SOURCE)).decision.reason


def test_curation_drops_conversations_whole_and_rewrites_turn_by_turn(bench: Bench) -> None:
    curation = {"duplicates": {"spans": 10, "sentences": 2}, "normalise": {"case": "lower", "whitespace": "collapse"}}
    for row in placed(bench, **curation)["train"]:
        turns = turns_of(row.text)
        assert turns[0].text == RULES.lower()
        assert turns[-1].role == "user"
        assert [turn.role for turn in turns[1:]] == ["user", "assistant", "user", "assistant", "user"][: len(turns) - 1]


def test_a_file_without_turns_is_named_with_what_it_lacks(bench: Bench) -> None:
    write(bench.folder / "talks.jsonl", [{"said": OPEN}])
    with pytest.raises(BadInput, match=r"no row has the field 'messages' or 'conversations'.*found: said"):
        bench.prepare(TASK, bench.data(SOURCE))
    write(bench.folder / "talks.jsonl", [{"messages": said("Open?")} for _ in range(20)])
    with pytest.raises(GateRefused, match="no turn of the user with one of the assistant behind it"):
        bench.prepare(TASK, bench.data(SOURCE))


def test_rows_of_other_kinds_are_written_as_they_were() -> None:
    assert "conversation" not in json.loads(Row(id="a", text="t", answer="x").model_dump_json())
    assert parse(Row, {"id": "a", "text": "t", "answer": "x", "conversation": "c"}, "row").conversation == "c"
