"""The shapes that sets of questions and answers are published in, brought into rows with one question and one answer.

SQuAD's nested object and the hub's flat rows of it, Alpaca's instructions, conversations (ShareGPT's, or messages): of one
turn, or for a kind of task with turns of any number. Preference pairs (prompt, chosen, rejected) are named and not read:
stage `feedback` makes its own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from components.text.turns import ASSISTANT, ROLES, SYSTEM, USER, Turn, in_order

Fields = dict[str, object]


@dataclass(frozen=True)
class Raw:
    """A row before its fields have our names. tree: it is a path of a reply tree, of which others begin alike."""

    line: int
    fields: Fields
    file: str = ""
    fault: str | None = None
    tree: bool = False


INSIDE = ("data", "rows", "examples", "records", "instances")
"""Keys under which one object over a whole file holds its rows."""
CONVERSATIONS = ("messages", "conversations", "conversation")
"""Fields that hold the turns of one."""
_CALLED = {**dict.fromkeys((USER, "human", "prompter"), USER), SYSTEM: SYSTEM}
_CALLED |= dict.fromkeys((ASSISTANT, "gpt", "chatgpt", "model", "bot"), ASSISTANT)


def rows_inside(whole: Mapping[str, object]) -> list[Fields] | None:
    """The rows of a file that is one object: SQuAD's questions, or the objects under one of `INSIDE`; None where there are
    none, and the object is a row itself. Raises ValueError for articles that are not as SQuAD has them."""
    for key in INSIDE:
        members = whole.get(key)
        if isinstance(members, list) and members and all(isinstance(one, dict) for one in members):
            if any("paragraphs" in one for one in members):
                return list(chain.from_iterable(_questions(one, f"{key}.{place}") for place, one in enumerate(members)))
            return members
    return None


def _questions(article: Fields, where: str) -> list[Fields]:
    questions = list[Fields]()
    for place, paragraph in enumerate(_objects(article, "paragraphs", where)):
        at = f"{where}.paragraphs.{place}"
        about = {"title": article.get("title"), "context": paragraph.get("context")}
        questions += [about | question for question in _objects(paragraph, "qas", at)]
    return questions


def _objects(holder: Fields, key: str, where: str) -> list[Fields]:
    members = holder.get(key)
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        raise ValueError(f"'{where}.{key}' must be a list of objects, as in SQuAD")
    return members


def asked_and_answered(fields: Fields, asks: bool) -> tuple[Fields, str | None]:
    """(the fields with `question` and `answer`, where the row is an instruction or a conversation; why it holds none).

    asks: the task is to answer questions: an instruction is one together with its input; else the input is the text.
    """
    if {"instruction", "output"} <= fields.keys():
        parts = [fields["instruction"], fields.get("input")] if asks else [fields.get("input") or fields["instruction"]]
        text = "\n".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
        return fields | {"question": text, "answer": fields["output"]}, None
    turns = next((fields[key] for key in CONVERSATIONS if key in fields), None)
    if not isinstance(turns, list):
        return fields, None
    said = [turn for turn in map(_turn, turns) if turn[0] != SYSTEM]
    if [role for role, _ in said] == [USER, ASSISTANT]:
        return fields | {"question": said[0][1], "answer": said[1][1]}, None
    fault = (
        f"it is a conversation of {len(said)} turns: one question and one answer are read, so write a row for each, or "
        "`kind: conversation` in the contract's task"
    )
    return fields | {"question": None, "answer": None}, fault


def conversation(value: object, answered: bool, speakers: Mapping[str, str]) -> tuple[list[Turn], str | None]:
    """(its turns, the last of them the user's where the answer stands elsewhere, else the assistant's that answers one; why
    it is no such conversation).

    value: turns (messages, ShareGPT's), a transcript where `speakers` are named, or a text that the user said; what follows
    the last answer is left out. answered: the answer stands elsewhere, and all turns are what was said before it.
    speakers: name → user, assistant or system.
    """
    if isinstance(value, str) and speakers:
        value, fault = _transcript(value, speakers)
        if fault:
            return [], fault
    if not isinstance(value, list):
        return ([Turn(USER, value)] if isinstance(value, str) else []), None
    said = [_turn(turn, speakers) for turn in value]
    for place, (role, text) in enumerate(said, 1):
        if role not in ROLES:
            allowed = ", ".join(["user (human)", "assistant (gpt)", "system", *speakers])
            hint = "" if speakers else "; say who others are with data.sources.<n>.values, as `{Caller: user}`"
            return [], f"turn {place}: '{role}' is nobody who speaks; allowed: {allowed}{hint}"
        if not _said(text):
            return [], f"turn {place} says nothing, or is no text"
    turns = in_order(Turn(role, _said(text)) for role, text in said)
    ends = USER if answered else ASSISTANT
    while turns and turns[-1].role != ends:
        turns.pop()
    asked = [turn.role for turn in turns][-1 if answered else -2 :][:1]
    if asked != [USER]:
        return [], "it has no turn of the user" + ("" if answered else " with one of the assistant behind it")
    return turns, None


def exchanges(turns: Sequence[Turn]) -> list[tuple[list[Turn], str]]:
    """(what was said before, the answer) of each turn of the assistant that answers one of the user."""
    return [
        ([*turns[:place]], turn.text)
        for place, turn in enumerate(turns)
        if turn.role == ASSISTANT and place and turns[place - 1].role == USER
    ]


def _transcript(text: str, speakers: Mapping[str, str]) -> tuple[list[Fields] | str, str | None]:
    """(the turns of a text in which each begins with its speaker's name and a colon on a line of its own, or the text
    itself; why it cannot be read). What stands in brackets around a name does not count: `[doctor]`, `(Doctor):`."""
    names = "|".join(map(re.escape, sorted(speakers, key=len, reverse=True)))
    begins = rf"^[^\S\n]*(?:[\[(<]({names})[\])>][^\S\n]*:?|({names})[^\S\n]*:)"
    parts = re.split(begins, text.replace("\r\n", "\n"), flags=re.MULTILINE | re.IGNORECASE)
    if parts[0].strip() or len(parts) == 1:
        first = next((line.strip() for line in parts[0].splitlines() if line.strip()), "")
        shown = first if len(first) <= 40 else f"{first[:40]}…"
        return text, f"it begins with '{shown}', and with nobody of data.sources.<n>.values: {', '.join(speakers)}"
    told = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return [{"role": bracketed or plain, "content": said} for bracketed, plain, said in told], None


def _said(content: object) -> str:
    """A turn's text; of several parts all that are text, "" where another is among them."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        return "\n\n".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else ""
    return content.strip() if isinstance(content, str) else ""


def _turn(turn: object, speakers: Mapping[str, str] = MappingProxyType({})) -> tuple[str, object]:
    """(who speaks, as `speaker` says it; what is said)"""
    if not isinstance(turn, dict):
        return "", None
    return speaker(turn.get("from") or turn.get("role"), speakers), turn.get("value", turn.get("content"))


def speaker(name: object, speakers: Mapping[str, str]) -> str:
    """user, assistant or system, or the name as it stands. speakers: names of this file → one of these."""
    called = str(name).strip().lower()
    own = {theirs.lower(): role for theirs, role in speakers.items()}
    return own.get(called) or _CALLED.get(called, called)


def answers_in(value: object) -> list[str] | None:
    """Equally good answers, where a field holds several: texts, SQuAD's {text, answer_start}, or its lists of both; of the
    turns of a conversation the last. None for any other value."""
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        value = value["text"]
    if not isinstance(value, list):
        return None
    if value and all(isinstance(one, dict) and ("role" in one or "from" in one) for one in value):
        value = [_turn(value[-1])[1]]
    texts = [one.get("text") if isinstance(one, dict) else one for one in value]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def named(there: set[str]) -> str:
    """What a file with such fields is and what to do, where it is a shape that is not read; or nothing."""
    if {"chosen", "rejected"} <= there:
        return (
            ". These are preference pairs (prompt, chosen, rejected), which stage feedback makes itself; to learn from the "
            "chosen answers alone, map `{question: prompt, answer: chosen}`"
        )
    return ""
