"""The record of approvals: who let which version become champion, and what was covered. Lines are only ever appended.

Each line names the digest of the line before it and is signed with the operator's key, so that a line that was changed,
moved or made by somebody else is found. The ledger keeps the digest of every line as well: a record that was cut short is
found by that. SQLite in the workspace (`approvals.db`), WAL, `synchronous=FULL`; triggers refuse a slip of the hand.
A key that was put aside (`ninefold keys rotate`) holds for the lines that it signed until then, and for no later one.
Time does not go back: no line is older than the one before it, or than the ledger's last effect. Where a wrong clock ran
ahead, a line of its own (`clock`) says so: from it on time starts again, and what was approved before it promotes nothing.
Not covered: proof of who a person is (the operator's account answers for the names); and an end that was cut off both the
record and the ledger: what is left is whole, so keep the last line's digest (`ninefold approvals` prints it) elsewhere.
"""

import hashlib
import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from sqlite3 import Row
from typing import Literal, TypedDict

from pydantic import ValidationError

from components.core import Approval, Frozen, GateRefused, Ledger, MachineFault, Workspace, canonical, short
from components.core.database import durable, now
from components.core.keys import Retired, key_id, retired_keys, sign, verified

SCHEMA = """
create table if not exists lines (
    number integer primary key, line text not null, signature text not null, key text not null
);
create trigger if not exists lines_are_kept before delete on lines
    begin select raise(abort, 'approvals are never deleted'); end;
create trigger if not exists lines_do_not_change before update on lines
    begin select raise(abort, 'approvals are never changed'); end;
"""
KIND = "approval"
Event = Literal["approve", "reject", "void", "rollback", "clock"]


class Line(TypedDict):
    """A row of the table `lines`."""

    number: int
    line: str
    signature: str
    key: str


class Anchor(TypedDict):
    """What the ledger keeps of a line."""

    number: int
    digest: str


class Entry(Frozen):
    """One line of the record. `reject` ends what was approved before, and so does `void`, which is not a person's word but
    the version's withdrawal; `rollback` says why `previous` came back; `clock` is about no version: it says that the clock
    had run ahead."""

    event: Event
    model: str
    version: int
    candidate: str
    evidence: str
    config: str
    card: str
    by: str
    role: str
    policy: bool = False
    reason: str
    tier: str = ""
    """Risk tier of the contract."""
    rules: str = ""
    """Digest of the contract's rules on who may approve."""
    expires: str = ""
    ahead: str = ""
    """Of `clock`: the latest time that was put aside as a wrong clock's."""
    number: int = 0
    before: str = ""
    """Digest of the line before; empty for the first."""
    at: str = ""

    @property
    def approval(self) -> Approval:
        """The entry as the card shows it."""
        return Approval.model_validate(self.model_dump(include=set(Approval.model_fields)))


class Approvals:
    """The record of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.path: Path = workspace.root / "approvals.db"
        self.ledger = Ledger(workspace.ledger)
        with durable(self.path) as database:
            database.executescript(SCHEMA)

    def append(self, entry: Entry) -> Entry:
        """Sign and add a line, durable on return; its number, time and predecessor are set here.

        Raises GateRefused when the record is broken, MachineFault when the clock went back, BadInput without a key.
        """
        seen = self.latest()
        with durable(self.path) as database:
            database.execute("begin immediate")  # so that two writers do not both follow the same line
            last = database.execute("select number, line from lines order by number desc limit 1").fetchone()
            at = now()
            if entry.event != "clock":
                in_order(max(seen, json.loads(last["line"])["at"] if last else ""), at)
            entry = entry.model_copy(
                update={
                    "number": last["number"] + 1 if last else 1,
                    "before": _digest(last["line"]) if last else "",
                    "at": at,
                }
            )
            line = canonical(entry)
            row: Line = {"number": entry.number, "line": line, "signature": sign(line.encode()), "key": key_id() or ""}
            # The key was replaced this moment: such a line would break the record for good.
            if fault := _wrong(row, entry, key_id(), retired_keys()) or _late(row, entry, retired_keys()):
                raise MachineFault(
                    f"{self.path}: {fault}: the signing key is being replaced. Nothing was recorded; try again"
                )
            database.execute(
                "insert into lines (number, line, signature, key) values (:number, :line, :signature, :key)", row
            )
        self._anchor(entry.number, line)
        return entry

    def latest(self) -> str:
        """The latest time that the record or the ledger has seen since the clock was last corrected; empty where neither
        has seen any. Raises GateRefused when the record is broken."""
        lines = self.entries()
        corrections = [line for line in lines if line.event == "clock"]
        since = lines[corrections[-1].number - 1 :] if corrections else lines
        ahead = max((line.ahead for line in corrections), default="")
        return max(self.ledger.latest(ahead), *(line.at for line in since), "")

    def entries(self, model: str | None = None, version: int | None = None) -> list[Entry]:
        """Lines about `model` (one version of it), and on the clock, oldest first. Raises GateRefused when the record is
        broken: then nothing in it is believed."""
        lines, faults = self._read()
        if faults:
            raise GateRefused(
                f"{self.path}: the record of approvals is broken: {faults[0]}. Nothing is promoted or served as champion on "
                "it: bring the file back from a copy (`ninefold approvals --verify` names every fault)"
            )
        about = [entry for entry in lines if model in (None, entry.model) or entry.event == "clock"]
        return [entry for entry in about if version in (None, entry.version) or entry.event == "clock"]

    def verify(self) -> tuple[list[Entry], list[str]]:
        """Every line that can be read, and one sentence for each fault of the record."""
        return self._read()

    def head(self) -> str:
        """Digest of the last line; empty where there is none. Kept elsewhere, it tells of an end that was cut off."""
        with durable(self.path) as database:
            last = database.execute("select line from lines order by number desc limit 1").fetchone()
            return _digest(last["line"]) if last else ""

    def _read(self) -> tuple[list[Entry], list[str]]:
        with durable(self.path) as database:
            rows = database.execute("select number, line, signature, key from lines order by number").fetchall()
        lines: list[Entry] = []
        faults: list[str] = []
        digests: dict[int, str] = {}
        own, old = key_id(), retired_keys()
        late: list[str] = []
        keys: list[str] = []
        before, expected = "", 1
        for row in rows:
            number, line = row["number"], row["line"]
            digests[number] = _digest(line)
            entry = _parsed(line)
            fault = _wrong(row, entry, own, old)
            if not fault and row["key"] in keys[:-1]:
                fault = f"line {number} is signed with key {row['key']}, which another had followed by then"
            keys += [] if row["key"] in keys else [row["key"]]
            if fault:
                faults.append(fault)
            elif too_late := _late(row, entry, old):
                late.append(too_late)
            elif entry and entry.event == "clock":
                late.clear()  # what was dated ahead before this is known by its place
            if number != expected:
                faults.append(f"line {expected} is missing" if number > expected else f"line {number} is out of order")
            elif entry and entry.before != before:
                faults.append(f"line {number} does not follow the line before it: one was changed, removed or moved")
            if entry:
                if lines and entry.at < lines[-1].at and entry.event != "clock":
                    faults.append(f"line {number} is older than the line before it")
                lines.append(entry)
            before, expected = digests[number], number + 1
        faults += late
        known: list[Anchor] = [json.loads(effect["detail"]) for effect in self.ledger.effects(KIND)]
        faults += [_cut_short(anchor, digests) for anchor in known if digests.get(anchor["number"]) != anchor["digest"]]
        if rows and not faults and rows[-1]["number"] not in {anchor["number"] for anchor in known}:
            self._anchor(rows[-1]["number"], rows[-1]["line"])  # a kill came between the line and its anchor
        return lines, faults

    def _anchor(self, number: int, line: str) -> None:
        digest = _digest(line)
        detail = {"number": number, "digest": digest}
        self.ledger.once(KIND, f"{KIND}:{number}:{digest}", find=lambda: True, do=lambda: True, detail=detail)


def in_order(earlier: str, later: str) -> None:
    """Raise MachineFault when the clock went back between a time that was seen (empty: none) and now."""
    if earlier and datetime.fromisoformat(later) < datetime.fromisoformat(earlier):
        raise MachineFault(
            f"the clock went back: it says {later}, and the record or the ledger has seen {earlier}. Set the clock right, "
            "then try again: nothing was recorded or promoted. Where it is right and had run ahead before, say so on the "
            "record: `ninefold approvals --correct-clock WHY`; what was approved until then must be approved again"
        )


def _cut_short(anchor: Anchor, digests: dict[int, str]) -> str:
    """What to say of a line that the ledger knows and the record does not hold."""
    number, digest = anchor["number"], short(anchor["digest"])
    if number in digests:
        return f"line {number} is not the one that was written ({digest})"
    return f"line {number} is missing: the ledger knows it ({digest})"


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _parsed(line: str) -> Entry | None:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None


def _wrong(row: Row | Line, entry: Entry | None, own: str | None, old: dict[str, Retired]) -> str | None:
    """What is wrong with a line by itself, where today's key is `own`, and `old` were put aside."""
    number, key = row["number"], row["key"]
    if key != own and key not in old:
        return f"line {number} is signed with another key ({key}); this operator's is {own or 'not here'}"
    if not _signed(row["line"], row["signature"], key):
        return f"line {number} was changed after it was signed"
    return None if entry and entry.number == number else f"line {number} was moved: it was not written there"


def _late(row: Row | Line, entry: Entry | None, old: dict[str, Retired]) -> str | None:
    """What to say of a line that is dated after its key was put aside; None of any other."""
    number, key = row["number"], row["key"]
    if entry is None or key not in old or entry.at <= old[key].at:
        return None
    return f"line {number} is of {entry.at}, and key {key}, which signed it, was put aside at {old[key].at}"


@lru_cache(maxsize=10_000)
def _signed(line: str, signature: str, key: str) -> bool:
    """Whether the key with this id signed `line`. Remembered: one command reads the record several times."""
    return verified(line.encode(), signature, key)
