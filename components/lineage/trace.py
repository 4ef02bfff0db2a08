"""Where one source row went: its split, and every object, prompt and table that it turned up in."""

from typing import Any

from components.core import BadInput, Row, Store, read_jsonl
from components.core.suppression import words

from .graph import READS
from .search import TAUGHT_BY, object_roles
from .subject import LEAST, Subject

ROWS = ("train", "feedback", "validation", "test", "practice", "made")


def find_row(store: Store, wanted: str) -> tuple[Row, str] | None:
    """The row with this id, or whose text has these words, and its split; None where no split of the store has it."""
    same = words(wanted)
    for digest, role in object_roles(store).items():
        if role in ROWS and store.has(digest):
            for line in read_jsonl(store.file(digest)):
                if line["id"] == wanted or (same and words(line["text"]) == same):
                    return Row.model_validate(line), role
    return None


def trace(store: Store, wanted: str) -> dict[str, Any]:
    """Where the row went: {"row", "split", "places": [{"what", "digest", "used", "steps"}]}.

    wanted: a row's id, or its text. Raises BadInput where no row of this workspace is it.
    """
    found = find_row(store, wanted)
    if found is None:
        raise BadInput(f"--row {wanted}: no row of this workspace has this id or text. Evidence tables name the ids")
    row, split = found
    # a text too short to tell texts apart is followed by its id alone
    subject = Subject.of(row.id, *([row.text] if sum(map(len, words(row.text))) >= LEAST else []))
    roles, places = object_roles(store), []
    seals = store.seals()
    for digest, role in sorted(roles.items(), key=lambda item: item[1]):
        if not store.has(digest):
            continue
        for path in sorted(store.path(digest).rglob("*.jsonl")):
            if subject.in_bytes(path.read_bytes()):
                steps = sorted({seal.name for seal in seals if digest in seal.made})
                places.append({"what": role, "digest": digest, "file": path.name, "steps": steps})
    for seal in seals:
        shots = sum(subject.holds(shown) for shown in _shown(seal.result))
        if shots:
            places.append(
                {"what": f"few-shot examples ({shots})", "digest": seal.key, "file": "prompt", "steps": [seal.name]}
            )
    readers = sorted(stage for stage, splits in READS.items() if split in splits)
    taught = "in the rows that weights are made from" if split in TAUGHT_BY else "no weights are made from this split"
    return {"row": row.model_dump(mode="json"), "split": split, "read_by": readers, "training": taught, "places": places}


def _shown(value: Any) -> list[str]:
    """Solved cases of every prompt inside a result."""
    if isinstance(value, list):
        return [text for one in value for text in _shown(one)]
    if not isinstance(value, dict):
        return []
    here = [asked for turn in value.get("turns") or () if isinstance(turn, dict) for asked, _ in turn.get("examples", ())]
    return here + [text for one in value.values() for text in _shown(one)]
