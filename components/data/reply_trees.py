"""Reply trees, as forums and collections of dialogues publish them, brought into conversations: one a path from the root.

Messages stand in rows of their own, each with the id of what it answers (`message_id`, `parent_id`, as OpenAssistant's:
Köpf et al. 2023, arXiv:2304.07327), or within one another (`replies`). Who speaks stands in `role`; where no message of a
file says it, user and assistant take turns from the root. A path ends with the last reply of the assistant. What was deleted
ends it before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from components.text.turns import ASSISTANT, USER

from .shapes import CONVERSATIONS, Fields, Raw, speaker

IDS = ("message_id", "id")
PARENTS = ("parent_id", "parent", "in_reply_to", "reply_to")
TEXTS = ("text", "body", "content", "value")
ROLES = ("role", "from")
REPLIES, ROOT = "replies", "prompt"
DELETED = ("[deleted]", "[removed]", "")
DEEPEST = 200
"""Turns of a path, which is not followed any further: a file of many deep leaves would grow with its square."""


@dataclass
class Message:
    """A message and what answers it. row: where it was read; depth: 0 at the root."""

    row: Raw
    role: str
    text: str
    before: "Message | None" = None
    replies: "list[Message]" = field(default_factory=list)
    depth: int = 0

    @property
    def path(self) -> "list[Message]":
        """From the root to this one."""
        back: list[Message] = []
        one: Message | None = self
        while one is not None:
            back.append(one)
            one = one.before
        return back[::-1]


def is_tree(rows: Sequence[Raw]) -> bool:
    """Whether rows are messages of reply trees: no other shape of a conversation has such fields."""
    columns = {column for row in rows for column in row.fields}
    by_id = all(not columns.isdisjoint(names) for names in (IDS, PARENTS, TEXTS))
    return (by_id or _nested(rows)) and columns.isdisjoint((*CONVERSATIONS, "reply", "answer", "output"))


def paths(rows: Sequence[Raw], speakers: Mapping[str, str]) -> list[Raw]:
    """A row with `messages` for each path of `rows`, by the line of its last message (numbered, where messages stand within
    one another: they share a line); and the messages that have no place in a tree, each with its fault. speakers: as of
    `shapes.speaker`."""
    if _nested(rows):
        found = [path for row in rows for root in _roots_within(row) for path in _of(root, speakers)]
        return [replace(path, line=number) for number, path in enumerate(found, 1)]
    lost: list[Raw] = []
    roots = _roots_by_id(rows, lost)
    found = [path for root in roots for path in _of(root, speakers)]
    return sorted([*found, *lost], key=lambda row: (row.file, row.line))


def _nested(rows: Sequence[Raw]) -> bool:
    return any(isinstance(row.fields.get(REPLIES), list) or isinstance(row.fields.get(ROOT), dict) for row in rows)


def _of(root: Message, speakers: Mapping[str, str]) -> Iterator[Raw]:
    """The paths from `root`: to each reply of the assistant that no other one follows; where there is none, the root alone,
    which the gate sets aside."""
    every = _settle(root, speakers)
    ends = list[Message]()
    answered: set[int] = set()
    """Messages with a reply of the assistant somewhere behind them."""
    for one in reversed(every):  # replies before what they answer
        if one.role == ASSISTANT and id(one) not in answered:
            ends.append(one)
        if one.before is not None and (one.role == ASSISTANT or id(one) in answered):
            answered.add(id(one.before))
    for end in reversed(ends or [root]):
        turns = [{"role": one.role, "content": one.text} for one in end.path]
        yield replace(end.row, fields={"messages": turns}, tree=True)


def _settle(root: Message, speakers: Mapping[str, str]) -> list[Message]:
    """All messages from `root` on, each before its replies, with depths; what was deleted is taken out with what follows."""
    every, at_hand = list[Message](), [root]
    while at_hand:
        one = at_hand.pop()
        every.append(one)
        one.role = speaker(one.role, speakers) if one.role else ""
        one.replies = [reply for reply in one.replies if reply.text not in DELETED]
        for reply in one.replies:
            reply.depth = one.depth + 1
            if reply.depth < DEEPEST:
                at_hand.append(reply)
    if not any(one.role for one in every):
        for one in every:
            one.role = (USER, ASSISTANT)[one.depth % 2]
    return every


def _roots_by_id(rows: Sequence[Raw], lost: list[Raw]) -> list[Message]:
    """The roots of messages that name what they answer. lost: takes those whose place cannot be told"""
    known: dict[tuple[str, str], Message] = {}
    answers: dict[int, str] = {}
    for row in rows:
        name, parent = _first(row.fields, IDS), _first(row.fields, PARENTS)
        if name in (None, "") or (row.file, str(name)) in known:
            fault = "it has no id" if name in (None, "") else f"another message before it has the id '{name}'"
            lost.append(replace(row, fault=row.fault or fault))
            continue
        known[row.file, str(name)] = one = _message(row, row.fields)
        if parent not in (None, ""):
            answers[id(one)] = str(parent)
    roots, orphans = list[Message](), list[tuple[Message, str]]()
    for one in known.values():
        if id(one) not in answers:
            roots.append(one)
        elif before := known.get((one.row.file, answers[id(one)])):
            one.before = before
            before.replies.append(one)
        else:
            orphans.append((one, f"it answers '{answers[id(one)]}', which is not in the file"))
    placed = {id(one) for root in roots for one in _behind(root)}
    for orphan, fault in orphans:
        beside = list(_behind(orphan))
        placed |= {id(one) for one in beside}
        lost += [replace(one.row, fault=fault if one is orphan else f"over what it answers, {fault}") for one in beside]
    circles = [one for one in known.values() if id(one) not in placed]
    lost += [replace(one.row, fault="it answers itself, over what it answers") for one in circles]
    return roots


def _behind(root: Message) -> Iterator[Message]:
    """`root` and all that answers it."""
    at_hand = [root]
    while at_hand:
        one = at_hand.pop()
        yield one
        at_hand += one.replies


def _roots_within(row: Raw) -> Iterator[Message]:
    """The root that `row` holds with all its replies."""
    within = row.fields.get(ROOT)
    root = _message(row, within if isinstance(within, dict) else row.fields)
    at_hand = [(root, within if isinstance(within, dict) else row.fields)]
    while at_hand:
        one, fields = at_hand.pop()
        replies = fields.get(REPLIES)
        for reply in replies if isinstance(replies, list) else []:
            if isinstance(reply, dict):
                next_one = _message(row, reply)
                next_one.before = one
                one.replies.append(next_one)
                at_hand.append((next_one, reply))
    yield root


def _message(row: Raw, fields: Fields) -> Message:
    text, role = _first(fields, TEXTS), _first(fields, ROLES)
    deleted = fields.get("deleted") is True
    said = text.strip() if isinstance(text, str) and not deleted else ""
    return Message(row, str(role) if role is not None else "", said)


def _first(fields: Fields, names: tuple[str, ...]) -> object:
    return next((fields[name] for name in names if fields.get(name) is not None), None)
