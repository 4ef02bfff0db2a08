"""`ninefold feedback`: what was said about a model's answers, what of it waits for a person, and what the person decides.

The feedback stage says what is beyond its caps; here a person releases or rejects it. Decisions are appended to the store
with name and reason, and the next `ninefold run` goes on from the feedback stage with them. Not covered: they are not
signed, so whoever can write the workspace can write them.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypedDict

from rich.console import Console

from components.core import BadInput, FeedbackStore, Received, Split, Workspace, read_jsonl
from components.governance import Registry
from flows.approve import printable

WAITS, NEW, READ = "in quarantine", "new", "read"
DECIDED = {"accept": "accepted", "reject": "rejected"}


class Shown(TypedDict):
    """An item of feedback, its state, and who decided on it."""

    id: str
    state: str
    why: str
    decided_by: str
    source: str
    at: str
    kind: str
    answer_id: str
    consent: bool
    question: str
    answer: str
    said: str


class Listed(TypedDict):
    """Items on a model; states: state → items; waiting: source → its items in quarantine."""

    model: str
    states: dict[str, int]
    waiting: dict[str, int]
    items: list[Shown]


class Decided(TypedDict):
    """What a person decided; decided: ids of the items on which that was new."""

    model: str
    decision: Literal["accept", "reject"]
    decided: list[str]
    by: str
    reason: str


class Client(TypedDict):
    """A client's key, None once it is revoked."""

    client: str
    key: str | None
    revoked: bool


def listed(model: str, *, every: bool = False, workspace: Workspace | None = None) -> Listed:
    """The feedback on `model` that waits for a person (every: all of it), and how many items are in which state: new (no run
    has read it), read (counted, or dropped for a reason that the run's notes say), in quarantine, accepted, rejected.

    Raises BadInput for a model that is not registered and that nobody spoke of.
    """
    workspace = workspace or Workspace()
    items = [_shown(one, reason) for one, reason in _states(workspace, model)]
    states = Counter(item["state"] for item in items)
    sources = Counter(item["source"] for item in items if item["state"] == WAITS)
    chosen = [item for item in items if every or item["state"] == WAITS]
    return {"model": model, "states": dict(sorted(states.items())), "waiting": dict(sources.most_common()), "items": chosen}


def decide(
    verdict: Literal["accept", "reject"], model: str, ids: Sequence[str], by: str, reason: str, *, source: str = "",
    workspace: Workspace | None = None,
) -> Decided:  # fmt: skip
    """Record a person's decision on the items `ids`, and on all of `source` that nobody has decided on yet.

    Raises BadInput where an id is not known, a name or reason is missing, or there is nothing to decide on.
    """
    workspace = workspace or Workspace()
    for name, given in (("--by", by), ("--reason", reason)):
        if not given.strip():
            raise BadInput(f"{name}: is empty; say {'who decides' if name == '--by' else 'why'}, it goes on the record")
    known = _states(workspace, model)
    theirs = [one.item.key for one, _ in known if source and (one.source or "unknown") == source and one.review is None]
    if not ids and not theirs:
        problem = f"--source {source}: nothing of it is undecided" if source else "give the ids of items, or --source"
        raise BadInput(f"{problem}. `ninefold feedback list {model} --all` shows ids and sources")
    news = FeedbackStore(workspace.feedback).review(model, [*ids, *theirs], verdict, by.strip(), reason.strip())
    return {"model": model, "decision": verdict, "decided": [*news], "by": by, "reason": reason}


def client(name: str, *, revoke: bool = False, workspace: Workspace | None = None) -> Client:
    """Make the key by which `name` is known as a source, or revoke it. Raises BadInput as the store does."""
    store = FeedbackStore((workspace or Workspace()).feedback)
    if revoke:
        store.revoke_client(name)
    return {"client": name, "key": None if revoke else store.add_client(name), "revoked": revoke}


def _states(workspace: Workspace, model: str) -> list[tuple[Received, str]]:
    """Every item on `model` with its state; of one in quarantine, the cap that it is beyond."""
    store = FeedbackStore(workspace.feedback)
    received = store.received(model)
    if not received and model not in {*Registry(workspace).models(), *store.models()}:
        known = ", ".join(sorted({*Registry(workspace).models(), *store.models()})) or "none"
        raise BadInput(f"{model}: no registered model, and nobody spoke of one of this name; known here: {known}")
    upto, waiting = _last_read(workspace, model)
    states = []
    for one in received:
        state = waiting.get(one.item.key, READ) if one.number <= upto else NEW
        states.append((one, DECIDED[one.review.verdict] if one.review else state))
    return states


def _last_read(workspace: Workspace, model: str) -> tuple[int, dict[str, str]]:
    """Up to which number the newest run of the feedback stage read, and what it put in quarantine: id → reason."""
    steps = workspace.store.root / "steps"
    seals = [
        seal for seal in workspace.store.seals()
        if seal.name == "components.feedback.collect" and seal.result.get("model") == model
    ]  # fmt: skip
    if not seals:
        return 0, {}
    result = max(seals, key=lambda seal: (steps / f"{seal.key}.json").stat().st_mtime_ns).result
    held = result.get("quarantine") and Split.model_validate(result["quarantine"])
    rows = read_jsonl(workspace.store.file(held.object)) if held and workspace.store.has(held.object) else []
    return int(result["gathered"].partition(".")[0] or 0), {row["id"]: row["reason"] for row in rows}


def _shown(one: Received, state: str) -> Shown:
    item, held = one.item, state not in (NEW, READ, *DECIDED.values())
    return {
        "id": item.key,
        "state": WAITS if held else state,
        "why": state if held else (one.review.reason if one.review else ""),
        "decided_by": one.review.by if one.review else "",
        "source": one.source or "unknown",
        "at": one.at,
        "kind": item.kind,
        "answer_id": item.answer_id,
        "consent": item.consent,
        "question": item.question,
        "answer": item.answer,
        "said": item.text if item.kind == "correction" else str(item.rating),
    }


def show(report: Listed) -> None:
    """Print the items, then how many there are of each state."""
    for item in report["items"]:
        why = f": {item['why']}" if item["why"] else ""
        why += f" ({item['decided_by']})" if item["decided_by"] else ""
        _say(f"{item['id']}  {item['source']}, {item['at'][:19]}  {item['kind']}, {item['state']}{why}")
        _say(f"    {_cut(item['question'])!r}: {_cut(item['answer'])!r} → {_cut(item['said'])!r}")
    states = ", ".join(f"{count} {state}" for state, count in report["states"].items()) or "nobody has said anything yet"
    _say(f"{report['model']}: {states}")
    if report["waiting"]:
        _say("in quarantine by source: " + ", ".join(f"{source} {count}" for source, count in report["waiting"].items()))
        _say(f"decide: ninefold feedback accept|reject {report['model']} ID... (or --source SOURCE) --reason WHY")


def show_decision(report: Decided) -> None:
    """Print what was decided."""
    verb, count = DECIDED[report["decision"]], len(report["decided"])
    line = f"{count} item{'' if count == 1 else 's'} of feedback on {report['model']} {verb} by {report['by']}"
    line = f"{line}: {report['reason']}" if count else f"decided so before; nothing changed for {report['model']}"
    _say(line)
    if count:
        _say("the next `ninefold run` of its use case goes on from the feedback stage")


def show_client(report: Client) -> None:
    """Print the key, which is shown this once, or that there is none any more."""
    if report["revoked"]:
        _say(f"the key of {report['client']} is revoked: what is sent with it counts for the network peer")
    else:
        _say(f"{report['key']}")
        _say(f"shown once: what is sent with it (`Authorization: Bearer …`) counts for source client:{report['client']}")


def _say(line: str) -> None:
    Console().print(printable(line), highlight=False, markup=False, soft_wrap=True)


def _cut(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
