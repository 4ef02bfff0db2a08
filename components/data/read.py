"""Reads one source (a file, a folder, a table) into records with our field names; `readers/` has a file for each format.

What breaks a file's structure (a line that is no JSON object, a CSV row of another width, a mapped field that no row has)
is answered at once with file and line. What is wrong with a single value becomes None here, and a document of a folder that
cannot be read a record with its fault, for the gate to find.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from math import isfinite
from pathlib import Path

from components.core import BadInput, Source, Task
from components.tasks import Kind, kind_of
from components.text import holds, same
from components.text.turns import as_text

from .decode import Unreadable
from .folder import members
from .readers import DOCUMENTS, READERS, SUFFIXES, UNITS
from .reply_trees import is_tree, paths
from .shapes import CONVERSATIONS, Raw, answers_in, asked_and_answered, conversation, exchanges, named
from .templates import filled, names

ALIASES = {
    "text": ("question", "text", "document"),
    "answer": ("answer", "label", "summary"),
    "passage": ("passage",),
    "title": ("title",),
}
REQUIRED = {
    "examples": ("text", "answer"),
    "knowledge": ("passage",),
    "examples_and_knowledge": ("text", "answer", "passage"),
    "practice": ("text", "answer", "passage"),
    "unlabelled": ("text",),
}
GIVEN = {"examples": ("text", "answer", "passage")}
"""What of it is more where each question comes with its text."""
OF_TEXTS = ("knowledge", "unlabelled")
"""Roles of sources that may be texts without answers."""
OPTIONAL = {"examples": ("passage",), "knowledge": ("title",), "examples_and_knowledge": ("title",)}


@dataclass(frozen=True)
class Record:
    """One row of a source: stripped text, or None where the value is missing or is not text.

    line: counted from 1; in a folder the record's number, files in the order of their names. file: in a folder, the file's
    name (and the line in it, where it holds many). fault: why a document, or an answer, could not be read.
    """

    line: int
    text: str | None = None
    answer: str | None = None
    passage: str | None = None
    title: str | None = None
    tests: str | None = None
    file: str = ""
    fault: str | None = None
    tree: bool = False
    """It is a path of a reply tree."""


def read_source(source: Source, number: int, path: Path, task: Task, at_most: int | None = None) -> list[Record]:
    """The records of `path`, with `source.fields` and `source.values` applied.

    number: the source's place in the contract, for messages. at_most: only so many, the first ones. Raises BadInput for an
    empty or malformed file.
    """
    folder = path.is_dir() and source.format != "table"
    rows = list(islice(_folder(source, number, path) if folder else _one(source, number, path), at_most))
    if not rows:
        what = f"the table '{source.table}'" if source.format == "table" else f"{path}: the file"
        raise BadInput(f"{what} is empty (data.sources.{number}, '{source.name}'): it must hold at least one row")
    if source.templates:
        rows = _with_templates(source, number, path, rows, task)
    there = {column for row in rows for column in row.fields}
    kind = kind_of(task.kind)
    if kind.turns and is_tree(rows):
        rows = paths(rows, source.values)
        there = {column for row in rows for column in row.fields}
    texts = _aliases(task)["text"]
    required = required_fields(source, task)
    if "text" in required and not there & {*texts, *(source.fields.get(alias, alias) for alias in texts)}:
        rows = [_with_question(row, kind.asks or kind.turns) for row in rows]
    if kind.turns:
        rows = [one for row in rows for one in _with_turns(row, source, task)]
        if source.replies == "each":  # several share a line: they are numbered
            rows = [replace(row, line=number) for number, row in enumerate(rows, 1)]
    there = {column for row in rows for column in row.fields}
    columns = _columns(source, number, path, there, task) if there else {}
    replaced = {} if kind.turns else source.values  # of conversations they name who speaks
    records = []
    for row in rows:
        given, fault = {ours: row.fields.get(theirs) for ours, theirs in columns.items()}, row.fault
        if (kind.asks or source.role == "practice") and "answer" in given:
            given["answer"] = _one_of(given["answer"], given.get("passage"), source.role)
            if given["answer"] == []:
                given["answer"] = task.abstain
                silent = "it has no answer: write the words that say so as task.abstain, or leave such rows out"
                fault = fault or (silent if task.abstain is None else None)
        if given.get("answer") is not None:
            said = _with_values(given["answer"], replaced, kind)
            if (beside := _text(given.get("text"))) is not None:
                said = kind.read_beside(beside, said)
            given["answer"] = None if said is None else kind.read_answer(said, task.own)
            if given["answer"] is None:
                fault = fault or f"answer {kind.unreadable(said, task.own)}"
        values = {ours: _text(value) for ours, value in given.items()}
        if "answer" in values:
            values["answer"] = _as_contract(replaced.get(values["answer"] or "", values["answer"]), task)
        records.append(Record(row.line, **values, file=row.file, fault=fault, tree=row.tree))
    return records


def _with_templates(source: Source, number: int, path: Path, rows: list[Raw], task: Task) -> list[Raw]:
    """The rows with the texts that `source.templates` make. Raises BadInput for a template that no row can fill."""
    there = {column for row in rows for column in row.fields}
    known = [alias for aliases in _aliases(task).values() for alias in aliases]
    for ours, template in source.templates.items():
        key, fields = f"data.sources.{number}.templates", names(template)
        if ours not in known:
            raise BadInput(f"{key}: key '{ours}' is not known; allowed: {', '.join(known)}")
        if not fields:
            raise BadInput(f"{key}.{ours}: it names no field of the file; write one as {{{{field}}}}")
        if there and (missing := next((name for name in fields if name not in there), None)):
            found = ", ".join(sorted(map(_shown, there)))
            raise BadInput(f"{key}.{ours}: {path}: no row has the field '{missing}'; found: {found}")
    made = [(row, *filled(source.templates, row.fields, _text)) for row in rows]
    return [replace(row, fields=fields, fault=row.fault or fault) for row, fields, fault in made]


def _with_values(answer: object, values: Mapping[str, str], kind: Kind) -> object:
    """An answer of several parts with `values` applied to each; any other one as it is, since it is looked up whole."""
    if kind.parts is None or not values:
        return answer
    return [values.get(_text(part) or "", part) for part in kind.parts(answer)]


def _as_contract(answer: str | None, task: Task) -> str | None:
    """A label, or the abstention, as the contract writes it where a file writes the same one (another Unicode form)."""
    spelled = {same(text): text for text in (*task.labels, *([task.abstain] if task.abstain else []))}
    return answer if answer is None else spelled.get(same(answer), answer)


def _one(source: Source, number: int, path: Path) -> Iterator[Raw]:
    """The rows of one file, or of a table."""
    kind = source.format or SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise BadInput(
            f"data.sources.{number}.path: {path}: its format does not follow from its name. Name it as "
            f"data.sources.{number}.format: {', '.join(sorted(READERS))}"
        )
    _texts_hold_no_answers(kind, source, number, path)
    try:
        yield from (Raw(line, fields) for line, fields in READERS[kind](path, source))
    except (Unreadable, OSError) as error:
        raise BadInput(f"data.sources.{number}.path: {path}: {_why(error)}") from error


def _folder(source: Source, number: int, path: Path) -> Iterator[Raw]:
    """The rows of all files of a folder, numbered through; a document that cannot be read is a row with its fault."""
    line = 0
    for member in members(path, source, f"data.sources.{number}.path"):
        if member.fault:
            line += 1
            yield Raw(line, {}, member.name, member.fault)
            continue
        _texts_hold_no_answers(member.format, source, number, member.path)
        rows, unit = READERS[member.format](member.path, source), UNITS[member.format]
        try:
            for inside, fields in list(rows) if member.format in DOCUMENTS else rows:  # a text is read whole, or set aside
                line += 1
                yield Raw(line, fields, member.name if unit == "document" else f"{member.name}, {unit} {inside}")
        except (Unreadable, OSError) as error:
            line += 1
            yield Raw(line, {}, member.name, _why(error))


def _why(error: Exception) -> str:
    return f"it cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)


def _texts_hold_no_answers(kind: str, source: Source, number: int, path: Path) -> None:
    if kind in DOCUMENTS and source.role not in OF_TEXTS:
        raise BadInput(
            f"data.sources.{number}.role: {path}: a document ({kind}) is a passage and holds no answers: its role must be "
            f"'knowledge' (or 'unlabelled'), not '{source.role}'. Rows with answers come in csv, jsonl, parquet or a table"
        )


def _columns(source: Source, number: int, path: Path, there: set[str], task: Task) -> dict[str, str]:
    """Our field → the file's column, from the contract's mapping or, where it says nothing, by the usual names."""
    aliases = _aliases(task)
    if source.role == "unlabelled":  # a document's text waits for a label as any other
        aliases |= {"text": (*aliases["text"], *aliases["passage"])}
    known = [alias for names in aliases.values() for alias in names]
    for field in source.fields:
        if field not in known:
            raise BadInput(f"data.sources.{number}.fields: key '{field}' is not known; allowed: {', '.join(known)}")
    columns: dict[str, str] = {}
    given = {**source.fields, **{ours: ours for ours in source.templates}}
    required = required_fields(source, task)
    for ours in dict.fromkeys((*required, *OPTIONAL.get(source.role, ()))):
        mapped = next((given[alias] for alias in aliases[ours] if alias in given), None)
        column = mapped or next((alias for alias in aliases[ours] if alias in there), None)
        if column in there:
            columns[ours] = str(column)
        elif mapped or ours in required:
            wanted = f"'{mapped}'" if mapped else " or ".join(f"'{alias}'" for alias in aliases[ours])
            raise BadInput(
                f"{path}: no row has the field {wanted}; found: {', '.join(sorted(map(_shown, there)))}. Name the file's "
                f"field under data.sources.{number}.fields, as in `{_usual(ours, task)}: <field of the file>`{named(there)}"
            )
    return columns


def _shown(name: object) -> str:
    """A field's name as text that can be printed: JSON may hold halves of characters."""
    return str(name).encode(errors="backslashreplace").decode()


def _usual(ours: str, task: Task) -> str:
    """The alias that this kind of task speaks of."""
    return _aliases(task)[ours][0]


def required_fields(source: Source, task: Task) -> tuple[str, ...]:
    """Our fields that the source's files must have."""
    required = ({**REQUIRED, **GIVEN} if task.given else REQUIRED)[source.role]
    return (*required, "tests") if kind_of(task.kind).tested and "answer" in required else required


def _aliases(task: Task) -> dict[str, tuple[str, ...]]:
    """Our field → what files call it, the words of the kind of task first."""
    text, answer = kind_of(task.kind).columns
    own = {"text": (text, *ALIASES["text"]), "answer": (answer, *ALIASES["answer"])}
    if kind_of(task.kind).asks:
        own = {"text": own["text"], "answer": (*own["answer"], "answers"), "passage": (*ALIASES["passage"], "context")}
    if kind_of(task.kind).turns:
        # `summary` or `label` beside a conversation is about it
        own = {"text": (text, *CONVERSATIONS, *ALIASES["text"]), "answer": (answer, "answer")}
    if kind_of(task.kind).tested:
        own["tests"] = ("tests", "test")
    if task.given:  # a field `text` is then what is asked about, not what is asked
        own |= {"text": (text,), "passage": (*own["passage"], "text", "document")}
    return ALIASES | {ours: tuple(dict.fromkeys(names)) for ours, names in own.items()}


def _with_question(row: Raw, asks: bool) -> Raw:
    """The row with a question and an answer, where it is an instruction or a conversation, or why it has none."""
    fields, fault = asked_and_answered(row.fields, asks)
    return replace(row, fields=fields, fault=row.fault or fault)


def _with_turns(row: Raw, source: Source, task: Task) -> list[Raw]:
    """The row with a conversation as one text and the answer to its last turn, or why it has none; where each reply is an
    answer, a row for each of them."""
    columns = {ours: _there(row, source, names) for ours, names in _aliases(task).items() if ours in ("text", "answer")}
    asked, answered = columns["text"], columns["answer"] or kind_of(task.kind).columns[1]
    if asked is None:
        return [row]
    reply = row.fields.get(answered)
    turns, fault = conversation(row.fields[asked], reply is not None, source.values)
    found = [*exchanges(turns), *([(turns, reply)] if reply is not None else [])] or [(turns, None)]
    rows = found if source.replies == "each" else found[-1:]
    return [
        replace(row, fields=row.fields | {asked: as_text(before) or None, answered: answer}, fault=row.fault or fault)
        for before, answer in rows
    ]


def _there(row: Raw, source: Source, names: tuple[str, ...]) -> str | None:
    """The row's field that is mapped to one of our names, or called so; None where it has none."""
    mapped = (source.fields[name] for name in names if name in source.fields)
    return next((name for name in (*mapped, *names) if name in row.fields), None)


def _one_of(value: object, passage: object, role: str) -> object:
    """Of several equally good answers the first that stands in the passage, else the first of all; [] where there are none
    to choose from, and that is what the row says. What is one answer stays as it is."""
    texts = answers_in(value)
    if texts is None:
        return value
    if not texts:
        return [] if value == [] or isinstance(value, dict) else None
    if role == "practice":  # answers in whole sentences, of which an answer here is none
        texts = [text.rstrip(".") for text in texts]
    standing = (text for text in texts if isinstance(passage, str) and holds(passage, text))
    return next(standing, texts[0])


def _text(value: object) -> str | None:
    """The value as stripped text; None for what is empty, nested, no finite number, or not encodable (lone
    surrogates)."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        if not isinstance(value, float):
            return str(value)
        return None if not isfinite(value) else str(int(value)) if value.is_integer() else str(value)
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value.strip() or None
