"""The durable feedback store: ratings and corrections, each acknowledged one kept exactly once.

SQLite in WAL mode with `synchronous=FULL`: when `add` returns, the row survives `kill -9` and power loss. Rows are only
ever appended. The endpoint writes what callers say, the feedback stage writes what its simulated rater says and reads both;
what people decide on single items is appended too. It does not scrub: what leaves the store for training is scrubbed by the
reader.

Beside what a caller says the store keeps what no caller chooses: the source (`FeedbackStore.client`, else the network peer)
and a random ticket, by which pairs are drawn. Like the text itself, the source is personal data that stays on this machine.
"""

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from .database import durable, now
from .digest import Frozen, digest_of
from .errors import BadInput, MachineFault

SCHEMA = """
create table if not exists feedback (
    number integer primary key autoincrement, id text not null unique, simulated integer not null, consent integer not null,
    body text not null, at text not null, source text not null default '', ticket text not null default ''
);
create table if not exists review (
    number integer primary key autoincrement, item integer not null, verdict text not null, by text not null,
    reason text not null, at text not null
);
create index if not exists review_by_item on review (item);
create table if not exists client (name text primary key, key text not null unique, at text not null);
"""
CLIENT_NAME = r"[A-Za-z0-9._-]{1,64}"


class Seen(Frozen):
    """A passage that the rated answer was given from."""

    id: str
    text: str


class Feedback(Frozen):
    """What somebody said about one answer."""

    kind: Literal["rating", "correction"]
    answer_id: str
    """Which answer: the id of the endpoint's response, or of the row."""
    model: str = ""
    """The registered model that answered; simulated feedback needs none."""
    question: str = ""
    answer: str = ""
    """The answer as it was given."""
    passages: tuple[Seen, ...] = ()
    rating: Literal[-1, 1] | None = None
    text: str = ""
    """correction: what the answer should have been."""
    consent: bool = False
    """Whether it may be used to improve the application."""
    by: str = "anonymous"
    simulated: bool = False
    id: str = Field("", pattern=r"^[A-Za-z0-9._:-]{0,128}$")
    """The caller's idempotency key; left empty, the digest of all the other fields."""

    @model_validator(mode="after")
    def _says_something(self) -> "Feedback":
        if self.kind == "rating" and self.rating is None:
            raise ValueError("rating: a rating needs 1 (good) or -1 (bad)")
        if self.kind == "correction" and not self.text.strip():
            raise ValueError("text: a correction needs the right answer")
        return self

    @property
    def key(self) -> str:
        """`id`, or what stands for it when the caller gave none."""
        return self.id or digest_of(self)


class Review(Frozen):
    """What a person decided on one item: it may be trained on beyond the caps, or not at all."""

    verdict: Literal["accept", "reject"]
    by: str
    reason: str
    at: str


class Received(Frozen):
    """One item of feedback with what its caller did not choose."""

    item: Feedback
    number: int = 0
    """Its place in the order of arrival."""
    source: str = ""
    """`client:<name>` or `peer:<address>`; empty: unknown, kept before sources were."""
    ticket: str
    """Random (128 bits), drawn when the item was kept and never shown; of a simulated item its digest, so that two
    workspaces draw alike."""
    at: str = ""
    review: Review | None = None
    """The last decision of a person."""


class FeedbackStore:
    """Feedback of one workspace; safe for many threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with durable(self.path) as database:
            database.executescript(SCHEMA)
            _bring_up_to_date(database)

    def add(self, *items: Feedback, source: str = "") -> list[str]:
        """Keep `items` in one transaction and return their ids; they are durable when this returns.

        source: who sent them, as the receiver knows it. Adding the same item again is no change, whoever sends it, and gives
        the same id. Raises BadInput when an id is already taken by other content; then none of `items` is kept.
        """
        with durable(self.path) as database:
            for item in items:
                ticket = "" if item.simulated else secrets.token_hex(16)
                database.execute(
                    "insert or ignore into feedback (id, simulated, consent, body, at, source, ticket)"
                    " values (?, ?, ?, ?, ?, ?, ?)",
                    [item.key, item.simulated, item.consent, item.model_dump_json(), now(), source, ticket],
                )
                (body,) = database.execute("select body from feedback where id = ?", [item.key]).fetchone()
                if Feedback.model_validate_json(body) != item:
                    raise BadInput(f"id: feedback '{item.key}' is already kept with other content; send another id, or none")
        return [item.key for item in items]

    def list(
        self,
        *,
        ids: Sequence[str] | None = None,
        simulated: bool | None = None,
        model: str | None = None,
        up_to: int | None = None,
    ) -> tuple[Feedback, ...]:
        """What is kept, in order of arrival: those named by `ids`, simulated or real ones, on one model's answers, the
        first `up_to` numbers."""
        wanted = None if ids is None else json.dumps([*ids])
        with durable(self.path) as database:
            rows = database.execute(
                "select body from feedback where (?1 is null or id in (select value from json_each(?1)))"
                " and (?2 is null or simulated = ?2) and (?3 is null or number <= ?3)"
                " and (?4 is null or json_extract(body, '$.model') = ?4) order by number",
                [wanted, simulated, up_to, model],
            ).fetchall()
        return tuple(Feedback.model_validate_json(body) for (body,) in rows)

    def count(self, *, simulated: bool | None = None) -> int:
        """How many items are kept (simulated ones, real ones)."""
        with durable(self.path) as database:
            query = "select count(*) from feedback where ?1 is null or simulated = ?1"
            return int(database.execute(query, [simulated]).fetchone()[0])

    def models(self) -> tuple[str, ...]:
        """The models that real feedback is on."""
        with durable(self.path) as database:
            query = "select distinct json_extract(body, '$.model') from feedback where simulated = 0 order by 1"
            return tuple(name for (name,) in database.execute(query))

    def mark(self, model: str) -> str:
        """Where the real (not simulated) feedback on `model` stands: `<last number>.<last review>:<digest>`; empty where
        there is none.

        A step that takes a mark as input reads the same rows and decisions on every repeat, whatever arrives in between.
        """
        with durable(self.path) as database:
            last, reviewed = database.execute(
                "select max(feedback.number), coalesce(max(review.number), 0) from feedback"
                " left join review on review.item = feedback.number"
                " where simulated = 0 and json_extract(body, '$.model') = ?",
                [model],
            ).fetchone()
        return "" if last is None else f"{last}.{reviewed}:{digest_of(self._received(model, last, reviewed))}"

    def at(self, mark: str, model: str) -> tuple[Received, ...]:
        """The real feedback on `model` that `mark` stands for; raises MachineFault when the store no longer holds it."""
        if not mark:
            return ()
        numbers, _, digest = mark.partition(":")
        number, _, reviewed = numbers.partition(".")
        received = self._received(model, int(number), int(reviewed or 0))
        if digest_of(received) != digest:
            raise MachineFault(f"{self.path}: feedback up to number {number} is not what the run began with; run again")
        return received

    def received(self, model: str) -> tuple[Received, ...]:
        """All real feedback on `model`, in order of arrival."""
        return self._received(model, None, None)

    def review(
        self, model: str, ids: Sequence[str], verdict: Literal["accept", "reject"], by: str, reason: str
    ) -> tuple[str, ...]:
        """Append a person's decision on the real items `ids` of `model`, in one transaction; the last one on an item holds.
        Returns the ids on which it is news. Raises BadInput for an id that is none of them; then nothing is recorded."""
        wanted = list(dict.fromkeys(ids))
        with durable(self.path) as database:
            database.execute("begin immediate")
            items = database.execute(
                "select id, number, (select verdict from review where item = feedback.number"
                " order by review.number desc limit 1) as verdict"
                " from feedback where simulated = 0 and json_extract(body, '$.model') = ?"
                " and id in (select value from json_each(?))",
                [model, json.dumps(wanted)],
            ).fetchall()
            numbers = {row["id"]: row["number"] for row in items}
            if unknown := [id for id in wanted if id not in numbers]:
                raise BadInput(
                    f"feedback '{unknown[0]}': not among the feedback on '{model}'. `ninefold feedback list {model} --all` "
                    "names all ids; nothing was recorded"
                )
            news = tuple(row["id"] for row in items if row["verdict"] != verdict)
            rows = [(numbers[id], verdict, by, reason, now()) for id in news]
            database.executemany("insert into review (item, verdict, by, reason, at) values (?, ?, ?, ?, ?)", rows)
        return news

    def add_client(self, name: str) -> str:
        """A new key (256 bits) by which `name` is known as a source of feedback. Only its SHA-256 is kept: it is shown once.
        Raises BadInput for a name that is taken or no name."""
        if not re.fullmatch(CLIENT_NAME, name):
            raise BadInput(f"client '{name}': allowed are 1 to 64 letters, digits, '.', '_' and '-'")
        key = f"nf-{secrets.token_urlsafe(32)}"
        with durable(self.path) as database:
            new = database.execute("insert or ignore into client values (?, ?, ?)", [name, _hidden(key), now()]).rowcount
        if not new:
            raise BadInput(
                f"client '{name}': has a key already, which was shown once. Revoke it first, or choose another name"
            )
        return key

    def revoke_client(self, name: str) -> None:
        """Know the key of `name` no more; what came with it keeps its source. Raises BadInput where it has none."""
        with durable(self.path) as database:
            if not database.execute("delete from client where name = ?", [name]).rowcount:
                names = ", ".join(name for (name,) in database.execute("select name from client order by name")) or "none"
                raise BadInput(f"client '{name}': has no key here; clients with one: {names}")

    def client(self, key: str) -> str:
        """The client that `key` was made for; empty where it is nobody's. Looked up by its hash, so that the time that it
        takes says nothing about keys that are kept."""
        with durable(self.path) as database:
            row = database.execute("select name from client where key = ?", [_hidden(key)]).fetchone()
        return str(row["name"]) if row else ""

    def _received(self, model: str, up_to: int | None, reviewed: int | None) -> tuple[Received, ...]:
        with durable(self.path) as database:
            rows = database.execute(
                "select feedback.number as number, body, source, ticket, feedback.at as at, review.verdict, review.by,"
                " review.reason, review.at as reviewed from feedback left join review on review.number ="
                " (select max(one.number) from review as one"
                "  where one.item = feedback.number and (?1 is null or one.number <= ?1))"
                " where simulated = 0 and (?2 is null or feedback.number <= ?2) and json_extract(body, '$.model') = ?3"
                " order by feedback.number",
                [reviewed, up_to, model],
            ).fetchall()
        return tuple(_received_from(row) for row in rows)


def _received_from(row: sqlite3.Row) -> Received:
    review = {"verdict": row["verdict"], "by": row["by"], "reason": row["reason"], "at": row["reviewed"]}
    return Received(
        item=Feedback.model_validate_json(row["body"]),
        number=row["number"],
        source=row["source"],
        ticket=row["ticket"],
        at=row["at"],
        review=Review.model_validate(review) if row["verdict"] else None,
    )


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    """Give rows that were kept before sources and tickets were (or that a server of then still writes) an unknown source
    and a random ticket of their own."""
    known = {row["name"] for row in database.execute("pragma table_info(feedback)")}
    lacks = [column for column in ("source", "ticket") if column not in known]
    old = "select 1 from feedback where ticket = '' and simulated = 0 limit 1"
    if not lacks and not database.execute(old).fetchone():
        return
    database.execute("begin immediate")
    known = {row["name"] for row in database.execute("pragma table_info(feedback)")}  # another process may have been first
    for column in lacks:
        if column not in known:
            database.execute(f"alter table feedback add column {column} text not null default ''")
    database.execute("update feedback set ticket = lower(hex(randomblob(16))) where ticket = '' and simulated = 0")


def _hidden(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
