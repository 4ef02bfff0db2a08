"""The durable feedback store: ratings and corrections, each acknowledged one kept exactly once.

SQLite in WAL mode with `synchronous=FULL`: when `add` returns, the row survives `kill -9` and power loss. Rows are only
ever appended. The endpoint writes what callers say, the feedback stage writes what its simulated rater says and reads both.
It does not scrub: what leaves the store for training is scrubbed by the reader.
"""

import json
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
    body text not null, at text not null
)
"""


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


class FeedbackStore:
    """Feedback of one workspace; safe for many threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with durable(self.path) as database:
            database.execute(SCHEMA)

    def add(self, *items: Feedback) -> list[str]:
        """Keep `items` in one transaction and return their ids; they are durable when this returns.

        Adding the same item again is no change and gives the same id. Raises BadInput when an id is already taken by
        other content; then none of `items` is kept.
        """
        with durable(self.path) as database:
            for item in items:
                database.execute(
                    "insert or ignore into feedback (id, simulated, consent, body, at) values (?, ?, ?, ?, ?)",
                    [item.key, item.simulated, item.consent, item.model_dump_json(), now()],
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

    def mark(self, model: str) -> str:
        """Where the real (not simulated) feedback on `model` stands: `<last number>:<digest>`, or an empty text when there
        is none.

        A step that takes a mark as input reads the same rows on every repeat, whatever arrives in between.
        """
        with durable(self.path) as database:
            query = "select max(number) from feedback where simulated = 0 and json_extract(body, '$.model') = ?"
            (last,) = database.execute(query, [model]).fetchone()
        return "" if last is None else f"{last}:{digest_of(self.list(simulated=False, model=model, up_to=last))}"

    def at(self, mark: str, model: str) -> tuple[Feedback, ...]:
        """The real feedback on `model` that `mark` stands for; raises MachineFault when the store no longer holds it."""
        if not mark:
            return ()
        number, _, digest = mark.partition(":")
        found = self.list(simulated=False, model=model, up_to=int(number))
        if digest_of(found) != digest:
            raise MachineFault(f"{self.path}: feedback up to number {number} is not what the run began with; run again")
        return found
