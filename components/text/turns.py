"""What was said in a conversation as one text, which is a row's input, what is logged and what is curated.

Each turn begins on a line of its own with who says it (`user: …`, `assistant: …`), an empty line comes between two; a line
of a turn that begins like that gets a backslash in front, so that nobody's text makes a turn of its own. A single turn of
the user is written without a mark. System texts come first, and what one speaker says twice in a row is one turn: chat
templates know no others.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

ROLES = SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
_MARK = re.compile(rf"^({SYSTEM}|{USER}|{ASSISTANT}):", re.MULTILINE)
_LIKE_A_MARK = re.compile(rf"^(?=\\*(?:{SYSTEM}|{USER}|{ASSISTANT}):)", re.MULTILINE)
_HIDDEN = re.compile(rf"^\\(?=\\*(?:{SYSTEM}|{USER}|{ASSISTANT}):)", re.MULTILINE)


class Turn(NamedTuple):
    """role: system, user or assistant."""

    role: str
    text: str


def as_text(turns: Iterable[Turn]) -> str:
    """The turns as one text; `turns_of` gives them back, as `in_order` has them."""
    told = in_order(turns)
    if [turn.role for turn in told] == [USER]:
        return _hidden(told[0].text)
    return "\n\n".join(f"{turn.role}: {_hidden(turn.text)}" for turn in told)


def turns_of(text: str) -> list[Turn]:
    """The turns that `text` holds; what stands before the first mark is the user's."""
    marks = list(_MARK.finditer(text))
    ends = [*(mark.start() for mark in marks), len(text)]
    told = [Turn(USER, text[: ends[0]])]
    told += [Turn(mark[1], text[mark.end() : end]) for mark, end in zip(marks, ends[1:], strict=True)]
    return in_order(Turn(turn.role, _HIDDEN.sub("", turn.text.strip())) for turn in told)


def in_order(turns: Iterable[Turn]) -> list[Turn]:
    """The turns that say anything: system texts first, as one, and those of one speaker behind each other as one."""
    told = [Turn(turn.role, turn.text.strip()) for turn in turns if turn.text.strip()]
    one_by_one: list[Turn] = []
    for turn in sorted(told, key=lambda turn: turn.role != SYSTEM):
        if one_by_one and one_by_one[-1].role == turn.role:
            turn = Turn(turn.role, f"{one_by_one.pop().text}\n\n{turn.text}")
        one_by_one.append(turn)
    return one_by_one


def last_said(text: str) -> tuple[list[Turn], str]:
    """(what came before, what the user said last; empty where somebody else spoke last)"""
    told = turns_of(text)
    return (told[:-1], told[-1].text) if told and told[-1].role == USER else (told, "")


def by_user(text: str) -> str:
    """What the user said in all turns: by it two conversations are the same. System texts and replies stand in many."""
    return "\n".join(turn.text for turn in turns_of(text) if turn.role == USER)


def opening(text: str, reply: str) -> tuple[str, str]:
    """What the user said first and what was answered: what all rows of one conversation share. reply: to all of `text`."""
    told = [turn.text for turn in in_order([*turns_of(text), Turn(ASSISTANT, reply)]) if turn.role != SYSTEM]
    return told[0], told[1] if len(told) > 1 else ""


def each_turn(text: str, change: Callable[[str], str], role: str | None = None) -> str:
    """The text with `change` applied to each turn, or to those of one role; empty where nothing is left of the last one."""
    told = [Turn(turn.role, change(turn.text) if role in (None, turn.role) else turn.text) for turn in turns_of(text)]
    return as_text(told) if told and told[-1].text.strip() else ""


def _hidden(text: str) -> str:
    return _LIKE_A_MARK.sub(r"\\", text)
