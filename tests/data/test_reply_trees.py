"""Reply trees: a conversation for each path from the root, one tree in one split, and what has no place told by its line."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from components.core import Source, Task
from components.data import reply_trees
from components.data.read import Record, read_source
from components.data.rows import Collected
from components.text.turns import turns_of

from .conftest import write

TASK = Task(kind="conversation", instruction="Answer as the front desk.")
SOURCE = Source(name="forum", role="examples", path="a.jsonl", licence="CC0-1.0", origin="made for a test")
OPEN, HOURS, LATE = "Is it open?", "Yes, until six.", "Not today."
AND_THEN, TOMORROW, THANKS = "And then?", "Tomorrow from nine.", "Thanks!"
SAID = [OPEN, HOURS, AND_THEN, TOMORROW, THANKS, LATE]
PARENTS = [None, 0, 1, 2, 3, 0]
ROLES = ["prompter", "assistant", "prompter", "assistant", "prompter", "assistant"]
FLAT = [
    {"message_id": f"m{place}", "parent_id": None if parent is None else f"m{parent}", "text": text, "role": role}
    for place, (text, parent, role) in enumerate(zip(SAID, PARENTS, ROLES, strict=True))
]


def nested(place: int) -> dict[str, Any]:
    replies = [nested(other) for other, parent in enumerate(PARENTS) if parent == place]
    return {"text": SAID[place], "role": ROLES[place], "replies": replies}


def read(folder: Path, rows: list[dict[str, Any]]) -> list[Record]:
    return read_source(SOURCE, 0, write(folder / "a.jsonl", rows), TASK)


def spoken(record: Record) -> list[str]:
    assert record.text is not None
    assert record.answer is not None
    return [*(turn.text for turn in turns_of(record.text)), record.answer]


LEFT, RIGHT = [OPEN, HOURS, AND_THEN, TOMORROW], [OPEN, LATE]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (FLAT, [4, 6]),
        ([{key: value for key, value in row.items() if key != "role"} for row in FLAT], [4, 6]),
        ([{"id": row["message_id"], "parent": row["parent_id"], "body": row["text"]} for row in FLAT], [4, 6]),
        ([nested(0)], [1, 2]),
        ([{"message_tree_id": "t", "prompt": nested(0)}], [1, 2]),
    ],
    ids=["flat", "by turns", "forum", "nested", "in a prompt"],
)
def test_each_path_is_a_conversation(tmp_path: Path, rows: list[dict[str, Any]], lines: list[int]) -> None:
    records = read(tmp_path, rows)
    assert sorted(spoken(one) for one in records) == sorted([LEFT, RIGHT])
    assert [one.line for one in records] == lines
    assert all(one.tree and one.fault is None for one in records)


def test_the_order_of_lines_plays_no_part(tmp_path: Path) -> None:
    rows = list(FLAT)
    random.Random(1).shuffle(rows)
    assert sorted(spoken(one) for one in read(tmp_path, rows)) == sorted([LEFT, RIGHT])


def test_all_paths_of_a_tree_stand_in_one_split(tmp_path: Path) -> None:
    collected = Collected(TASK)
    collected.add(SOURCE, read(tmp_path, FLAT))
    first, second = collected.rows
    assert first.conversation == second.conversation
    plain = Collected(TASK)
    plain.add(SOURCE, read(tmp_path, [{"messages": [{"role": "user", "content": OPEN}, {"role": "gpt", "content": HOURS}]}]))
    assert plain.rows[0].conversation != first.conversation, "another file's conversations are told apart by the first reply"


def test_what_was_deleted_ends_a_path(tmp_path: Path) -> None:
    gone = [{**FLAT[2], "text": "[deleted]"}, {**FLAT[2], "deleted": True}, {**FLAT[2], "text": " "}]
    for message in gone:
        records = read(tmp_path, [*FLAT[:2], message, *FLAT[3:]])
        assert sorted(spoken(one) for one in records) == sorted([[OPEN, HOURS], RIGHT])


def test_messages_without_a_place_are_told_by_their_line(tmp_path: Path) -> None:
    rows = [
        *FLAT,
        {"message_id": "x", "parent_id": "nobody", "text": "Lost.", "role": "assistant"},
        {"message_id": "y", "parent_id": "x", "text": "Lost too.", "role": "prompter"},
        {"message_id": "c", "parent_id": "d", "text": "Round.", "role": "assistant"},
        {"message_id": "d", "parent_id": "c", "text": "And round.", "role": "prompter"},
        {"message_id": "m1", "parent_id": "m0", "text": "Twice.", "role": "assistant"},
        {"message_id": None, "parent_id": "m0", "text": "Nameless.", "role": "assistant"},
        {"message_id": "alone", "parent_id": None, "text": "Anybody?", "role": "prompter"},
        {"message_id": "bot", "parent_id": None, "text": "Buy!", "role": "merchant"},
    ]
    faults = {one.line: one.fault for one in read(tmp_path, rows) if one.fault}
    assert faults == {
        7: "it answers 'nobody', which is not in the file",
        8: "over what it answers, it answers 'nobody', which is not in the file",
        9: "it answers itself, over what it answers",
        10: "it answers itself, over what it answers",
        11: "another message before it has the id 'm1'",
        12: "it has no id",
        13: "it has no turn of the user with one of the assistant behind it",
        14: "turn 1: 'merchant' is nobody who speaks; allowed: user (human), assistant (gpt), system"
        "; say who others are with data.sources.<n>.values, as `{Caller: user}`",
    }


def test_a_deep_thread_is_followed_to_its_bound_and_no_further(tmp_path: Path) -> None:
    rows = [{"id": place, "parent": place - 1 if place else None, "body": f"Turn {place}."} for place in range(20_000)]
    (record,) = read(tmp_path, rows)
    assert len(spoken(record)) == reply_trees.DEEPEST


def test_rows_of_other_shapes_are_no_tree(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "parent": None, "text": "Is it open?", "reply": "Yes."},
        {"prompt": "Is it?", "answer": "Yes.", "id": 2},
    ]
    for row in rows:
        path = tmp_path / "a.jsonl"
        path.write_text(json.dumps(row))
        fields = {"messages": "prompt"} if "prompt" in row else {}
        (record,) = read_source(SOURCE.model_copy(update={"fields": fields}), 0, path, TASK)
        assert not record.tree
