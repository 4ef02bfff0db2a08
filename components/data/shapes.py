"""The shapes that sets of questions and answers are published in, brought into rows with one question and one answer.

SQuAD's nested object and the hub's flat rows of it, Alpaca's instructions, conversations (ShareGPT's, or messages): of one
turn, or for a kind of task with turns of any number. Preference pairs (prompt, chosen, rejected) are named and not read:
stage `feedback` makes its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from components.text.turns import ASSISTANT, SYSTEM, USER, Turn, in_order

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
_ASKS, _ANSWERS = ("user", "human", "prompter"), ("assistant", "gpt", "chatgpt", "model", "bot")
_ROLES = {"asks": USER, "answers": ASSISTANT, "system": SYSTEM}


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
    said = [turn for turn in map(_turn, turns) if turn[0] != "system"]
    if [speaker for speaker, _ in said] == ["asks", "answers"]:
        return fields | {"question": said[0][1], "answer": said[1][1]}, None
    fault = (
        f"it is a conversation of {len(said)} turns: one question and one answer are read, so write a row for each, or "
        "`kind: conversation` in the contract's task"
    )
    return fields | {"question": None, "answer": None}, fault


def conversation(value: object, answered: bool) -> tuple[list[Turn], str, str | None]:
    """(what was said up to the user's last turn that has an answer, that answer, why it is no such conversation).

    value: turns (messages, ShareGPT's), or a text that the user said; what follows the last answer is left out.
    answered: the answer stands elsewhere, and all turns are what was said before it.
    """
    if not isinstance(value, list):
        return ([Turn(USER, value)] if isinstance(value, str) else []), "", None
    said = [_turn(turn) for turn in value]
    for place, (speaker, text) in enumerate(said, 1):
        if speaker not in _ROLES:
            return [], "", f"turn {place}: '{speaker}' is nobody who speaks; allowed: user (human), assistant (gpt), system"
        if not _said(text):
            return [], "", f"turn {place} says nothing, or is no text"
    turns = in_order(Turn(_ROLES[speaker], _said(text)) for speaker, text in said)
    ends = USER if answered else ASSISTANT
    while turns and turns[-1].role != ends:
        turns.pop()
    answer = turns.pop().text if turns and not answered else ""
    if not turns or turns[-1].role != USER:
        return [], "", "it has no turn of the user" + ("" if answered else " with one of the assistant behind it")
    return turns, answer, None


def _said(content: object) -> str:
    """A turn's text; of several parts all that are text, "" where another is among them."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        return "\n\n".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else ""
    return content.strip() if isinstance(content, str) else ""


def _turn(turn: object) -> tuple[str, object]:
    """(asks, answers or another speaker, what is said)"""
    if not isinstance(turn, dict):
        return "", None
    named = str(turn.get("from") or turn.get("role")).lower()
    part = "asks" if named in _ASKS else "answers" if named in _ANSWERS else named
    return part, turn.get("value", turn.get("content"))


def speaker(name: object) -> str:
    """user, assistant or system, or the name as it stands."""
    role, _ = _turn({"role": name})
    return _ROLES.get(role, role)


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
