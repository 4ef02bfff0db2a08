"""Where one source row or passage went: its split or base, every object, prompt and table that it turned up in, and the
versions that were released from them; or where and why it was left out.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NotRequired, TypedDict

from components.core import BadInput, Passage, Row, Seal, Store, digest_of, read_jsonl
from components.text import same, words

from .graph import provenance, was_read
from .search import TAUGHT_BY, object_roles
from .subject import LEAST, Subject, size

ROWS = ("train", "feedback", "validation", "test", "practice", "made", "pseudo")
PASSAGES = ("knowledge", "training_knowledge", "practice_passages", "documents", "documents_in_domain")


class StoredText(TypedDict):
    """A line of a split or a base, as far as every one of them goes."""

    id: str
    text: str


class Line(TypedDict):
    """A line of a data step's `lines.jsonl` (where a text was read) or `dropped.jsonl` (what was left out)."""

    source: str
    line: int
    file: NotRequired[str]
    part: NotRequired[str]
    id: NotRequired[str]
    words: NotRequired[str]
    step: NotRequired[str]
    reason: NotRequired[str]
    cut: NotRequired[object]


def find_row(store: Store, wanted: str) -> tuple[Row, str] | None:
    """The row with this id, or whose text has these words, and its split; None where no split of the store has it."""
    for line, role in _stored(store, ROWS, wanted):
        return Row.model_validate(line), role
    return None


def trace(store: Store, wanted: str) -> dict[str, object]:
    """Where a row or passage went. wanted: its id, its text, or `<source>:<line>`.

    {"row" or "passage", "split", "read_by", "training", "places": [{"what", "digest", "file", "steps"}], "read": [{"source",
    "line", "file", "licence", "origin"}], "released": versions}; of one that no split and no base holds {"left_out":
    [{"source", "line", "file", "licence", "origin", "step", "reason"}]}. Raises BadInput where this workspace knows of none,
    Damaged where something of the store was damaged and not made again since.
    """
    store.whole()
    seals = [seal for seal in store.seals() if seal.name == "components.data.prepare"]
    known = [(line, seal) for seal in seals for line in _list(store, seal, "lines") if _is(line, wanted)]
    for name in (wanted, *(line["id"] for line, _ in known if "id" in line)):
        for line, role in _stored(store, (*ROWS, *PASSAGES), name):
            return _followed(store, line, role, seals)
    gone = [one for seal in seals for one in _left_out(store, seal, wanted, [line for line, of in known if of == seal])]
    if not gone:
        raise BadInput(
            f"--row {wanted}: no row or passage of this workspace has this id, this text or this place. Evidence tables "
            "name the ids; a place is `<source>:<line>`"
        )
    return {"left_out": list({digest_of(one): one for one in gone}.values())}


def _stored(store: Store, roles: tuple[str, ...], wanted: str) -> Iterator[tuple[StoredText, str]]:
    """Rows and passages of the splits and bases `roles` with this id, or whose text is this one, and which it is; where
    there is none, those whose text has the same words."""
    read = [(digest, role) for digest, role in object_roles(store).items() if role in roles and store.has(digest)]
    asked, found = words(wanted), False
    for alike in (lambda text: same(text) == same(wanted), lambda text: asked and words(text) == asked):
        for digest, role in read:
            lines: list[StoredText] = read_jsonl(store.file(digest))
            for line in lines:
                if line["id"] == wanted or alike(line["text"]):
                    found = True
                    yield line, role
        if found:
            return


def _followed(store: Store, line: StoredText, role: str, prepared: list[Seal]) -> dict[str, object]:
    kind = "row" if role in ROWS else "passage"
    text = (Row if role in ROWS else Passage).model_validate(line)
    roles = sorted({role for _, role in _stored(store, (*ROWS, *PASSAGES), text.id)})
    taught = any(role in TAUGHT_BY for role in roles)
    # a text too short to tell texts apart is followed by its id alone
    subject = Subject.of(text.id, *([text.text] if size(text.text) >= LEAST else []))
    places, holding, seals = [], set(), store.seals()
    for digest, what in sorted(object_roles(store).items(), key=lambda item: item[1]):
        if not store.has(digest):
            continue
        for path in sorted(store.path(digest).rglob("*.jsonl")):
            if subject.in_bytes(path.read_bytes()):
                steps = sorted({seal.name for seal in seals if digest in seal.made})
                holding.add(digest)
                places.append({"what": what, "digest": digest, "file": path.name, "steps": steps})
    for seal in seals:
        shots = sum(subject.holds(shown) for shown in _shown(seal.result))
        if shots:
            places.append(
                {"what": f"few-shot examples ({shots})", "digest": seal.key, "file": "prompt", "steps": [seal.name]}
            )
    mine = [seal for seal in prepared if seal.made & holding]
    return {
        kind: text.model_dump(mode="json"),
        "split": ", ".join(roles),
        "read": _read(store, mine, text.id),
        "read_by": sorted(_readers(store, seals, holding, roles)),
        "training": f"weights are {'' if taught else 'not '}made from this",
        "released": _released(seals, {seal.result["dataset"]["provenance"] for seal in mine}),
        "places": places,
    }


def _readers(store: Store, seals: Sequence[Seal], holding: set[str], roles: Sequence[str]) -> set[str]:
    """The stages with a step that was handed a split which holds the text, and read it."""
    splits = {digest: role for digest, role in object_roles(store).items() if digest in holding and role in roles}
    return {
        seal.name.split(".")[1]
        for seal in seals
        if seal.name.startswith("components.") and seal.name.split(".")[1] != "data"
        for digest in splits.keys() & {one for given in seal.inputs.values() for one in given}
        if was_read(seal, digest, splits[digest])
    }


def _list(store: Store, seal: Seal, name: Literal["lines", "dropped_rows"]) -> list[Line]:
    """One of a data step's lists of lines; empty where it is gone, or was not kept yet."""
    digest = provenance(store, seal).get(name)
    return read_jsonl(store.file(digest)) if digest and store.has(digest) else []


def _is(line: Line, wanted: str) -> bool:
    """Whether a line of `lines.jsonl` is about what is wanted: by id, by the words of its text, by its place."""
    named = digest_of(words(wanted))[:12]
    return line.get("id") in (wanted, named) or line.get("words") == named or _place(line) == wanted


def _place(line: Line) -> str:
    return f"{line['source']}:{line['line']}"


def _left_out(store: Store, seal: Seal, wanted: str, known: Sequence[Line]) -> Iterator[dict[str, object]]:
    """Lines of `dropped.jsonl` about what is wanted; a text that was cut from what stayed is none."""
    places = {(_place(line), line["part"]) for line in known}
    for one in _list(store, seal, "dropped_rows"):
        if "cut" not in one and (_place(one) == wanted or (_place(one), one.get("part")) in places):
            yield {**one, **_rights(store, seal, one["source"])}


def _read(store: Store, seals: list[Seal], id: str) -> list[dict[str, object]]:
    """Where the row or passage with this id was read, with the source's licence and origin, each place once."""
    places = [
        {name: line.get(name) for name in ("source", "line", "file") if name in line} | _rights(store, seal, line["source"])
        for seal in seals
        for line in _list(store, seal, "lines")
        if line.get("id") == id
    ]
    return list({digest_of(one): one for one in places}.values())


def _rights(store: Store, seal: Seal, source: str) -> dict[str, object]:
    sources = {one["name"]: one for one in provenance(store, seal).get("sources", ())}
    known = sources.get(source)
    return {name: known.get(name) if known else None for name in ("licence", "origin")}


def _released(seals: list[Seal], datasets: set[str]) -> list[str]:
    """Versions that were released from one of these datasets, named by their provenance."""
    versions = set()
    for seal in seals:
        if seal.name == "components.deployment.deploy" and datasets & {
            one for given in seal.inputs.values() for one in given
        }:
            versions.add(f"{seal.result['release']['model_name']} {seal.result['release']['version']}")
    return sorted(versions)


def _shown(value: object) -> list[str]:
    """Solved cases of every prompt inside a result."""
    if isinstance(value, list):
        return [text for one in value for text in _shown(one)]
    if not isinstance(value, dict):
        return []
    here = [asked for turn in value.get("turns") or () if isinstance(turn, dict) for asked, _ in turn.get("examples", ())]
    return here + [text for one in value.values() for text in _shown(one)]
