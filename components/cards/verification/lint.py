"""A card's own inconsistencies, found in its text alone: what a careful reader would trip over.

Not covered: whether a figure is true (`verify` does that).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..front_matter import check
from .finding import Finding

NUMBER = r"[+-]?\d+\.\d+"
INTERVAL = re.compile(rf"({NUMBER}) \[({NUMBER}), ({NUMBER})\]")
PLAIN = r"[+-]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
SHOWN = 0.0006
"""What rounding to three decimals, or to three digits, may hide."""
LINK = re.compile(r"(?<![\\!])\[([^\]\\]*)\]\(([^)\s]+)\)")
OBJECT = re.compile(r"/store/objects/[0-9a-f]{64}/")
"""Evidence in a workspace, which a card in git outlives: `verify` names what is not here."""
UNFILLED = re.compile(r"\b(TODO|TBD|FIXME|XXX)\b|\[More Information Needed\]|\{%|\{\{|\}\}|<fill[^>]*>")
QUOTED = ("**Prompt, turn", "model.predict(", "curl ")
"""Starts of lines that show other texts as they are: a prompt has fields of its own."""
EXAMPLES = "Best and worst answers"
NONE = "—"
REFUSED = ("**Does not meet the contract**", "**Not enough evidence**")
EDGE = re.compile(rf", (?:up|down) to ({PLAIN})$")
"""Behind a figure: the value furthest off that is not excluded."""
VERDICTS = ("holds", "broken", "not shown")
TESTED = re.compile(r"These ([\d,]+) rows would find")
Cell = tuple[int, list[str]]
"""(line number, cells) of one row of a table."""


def lint(card: Path) -> list[Finding]:
    """Every inconsistency of the card at `card`, each with its line."""
    text = card.read_text(encoding="utf-8")
    lines = text.splitlines()
    inconsistencies = [*_head(text), *_status(card, lines), *_intervals(lines), *_unfilled(lines), *_sections(lines)]
    inconsistencies += [*_tables(lines), *_figures(text, lines), *_gates(lines), *_rows(lines), *_splits(lines)]
    inconsistencies += [*_dates(lines), *_links(card, lines)]
    return [Finding(where=f"{card.name}, line {number}", what=what) for number, what in sorted(inconsistencies)]


def _head(text: str) -> Iterator[tuple[int, str]]:
    try:
        check(text)
    except ValueError as error:
        yield 1, f"its metadata is not what the hub reads: {str(error).splitlines()[0]}"


def _status(card: Path, lines: list[str]) -> Iterator[tuple[int, str]]:
    title = next((i for i, line in enumerate(lines) if line.startswith("# ")), None)
    if title is None:
        yield 1, "it has no title"
        return
    draft = next((i for i, line in enumerate(lines) if "This is a draft" in line), None)
    number = re.fullmatch(r"v(\d+)", card.stem)
    if number and not lines[title].endswith(f" version {number[1]}"):
        yield title + 1, f"the file is named {card.name}, and the title names another version, or none"
    registered = next((i for i, line in enumerate(lines) if line.startswith("Registered as **")), None)
    if number and registered is None:
        yield title + 1, "it is final, and names no registered version"
    if number and draft is not None:
        yield draft + 1, "it has a version, and calls itself a draft"
    if card.stem == "draft" and draft is None:
        yield title + 1, "it is a draft, and does not say so"


def _intervals(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        for match in INTERVAL.finditer(line):
            value, low, high = (float(part) for part in match.groups())
            if not low <= value <= high:
                yield number, f"the interval of {match[0]} does not hold its value"


def _unfilled(lines: list[str]) -> Iterator[tuple[int, str]]:
    section = ""
    for number, line in enumerate(lines, 1):
        section = line[3:] if line.startswith("## ") else section
        if section != EXAMPLES and not line.startswith(QUOTED) and (match := UNFILLED.search(line)):
            yield number, f"unfilled text: {match[0]}"


def _sections(lines: list[str]) -> Iterator[tuple[int, str]]:
    headings = [(i, line) for i, line in enumerate(lines) if re.match(r"#{2,3} ", line)]
    ends = [i for i, _ in headings[1:]] + [len(lines)]
    for (start, heading), end in zip(headings, ends, strict=False):  # without any heading there is one end too many
        below = end < len(lines) and lines[end].startswith("### ") and heading.startswith("## ")
        if not below and not any(line.strip() for line in lines[start + 1 : end]):
            yield start + 1, f"section '{heading.lstrip('# ')}' is empty"


def _tables(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, cells in _cells(lines):
        if any(not cell for cell in cells):
            yield number, "a table has an empty cell"
        if any(cell in ("None", "nan", "inf", "undefined") for cell in cells):
            yield number, "a table shows a value that is none"


def _figures(text: str, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Figures of the candidate on test that are stated in more than one place."""
    measured = {cells[0]: (number, cells[1]) for number, cells in _section(lines, "What was measured") if len(cells) > 2}
    for number, cells in _section(lines, "Decision"):
        known = measured.get(cells[0])
        if known and known[1] != EDGE.sub("", cells[1]):
            yield number, f"{cells[0]} is {cells[1]} here and {known[1]} in line {known[0]}"
    for name, indexed in _indexed(text).items():
        known = measured.get(name)
        value = re.match(NUMBER, known[1]) if known else None
        if measured and known is None:
            yield 1, f"{name} is in the metadata and not among what was measured"
        if known and value and abs(float(value[0]) - indexed) > SHOWN:
            yield known[0], f"{name} is {value[0]} here and {indexed} in the metadata"
    decided = re.search(rf"^\*\*[A-Z][^*]*\*\*: (\S+) ({NUMBER}) on test", text, re.MULTILINE)
    if decided and decided[1] in measured and not measured[decided[1]][1].startswith(decided[2]):
        number, shown = measured[decided[1]]
        yield number, f"{decided[1]} is {shown} here and {decided[2]} in the decision"


def _gates(lines: list[str]) -> Iterator[tuple[int, str]]:
    """A gate's word is the one that what was found and what was asked give, and it counts what the tables count."""
    measured = {cells[0]: cells[-1] for _, cells in _section(lines, "What was measured") if len(cells) > 2}
    gates = [(number, cells) for number, cells in _section(lines, "Decision") if len(cells) == 6 and cells[0] != "gate"]
    verdict = next((i for i, line in enumerate(lines, 1) if line.startswith("**Meets the contract**")), None)
    unshown = next((i for i, line in enumerate(lines, 1) if line.startswith("**Not shown**")), None)
    if unshown and not any(cells[4] == "not shown" for _, cells in gates):
        yield unshown, "says that a bound is not shown, and no gate is"
    for number, (name, shown, count, asked, holds, _) in gates:
        bound = re.search(rf"(at least|at most) ({PLAIN})(?: \S+)?$", asked)
        value = re.match(PLAIN, shown)
        edge = EDGE.search(shown)
        for figure, word in ((value and value[0], "broken"), (edge and edge[1], "not shown")):
            if not bound or not figure or holds not in VERDICTS:
                continue
            over = float(figure.replace(",", "")) - float(bound[2].replace(",", ""))
            beyond = over < 0 if bound[1] == "at least" else over > 0
            expected = word if beyond else "holds"
            contradicts = holds not in (expected, *(("broken",) if word == "not shown" else ("not shown",) if edge else ()))
            if contradicts and abs(over) > SHOWN * (1 + 10 * abs(float(figure.replace(",", "")))):
                yield number, f"{name} is {figure}, {asked} was asked, and it says '{holds}'"
        if holds == "broken" and verdict:
            yield verdict, f"meets the contract, and {name} is broken (line {number})"
        if holds == "not shown" and edge and unshown is None:
            yield number, f"{name} is not shown, and the first lines do not say so"
        if name in measured and count != NONE and _number(count) != _number(measured[name]):
            yield number, f"{name} is of {count} here and of {measured[name]} among what was measured"
    refused = next((i for i, line in enumerate(lines, 1) if line.startswith(REFUSED)), None)
    if refused and gates and all(cells[4] == "holds" for _, cells in gates):
        yield refused, "it is refused, and every gate holds"
    paired = next((cells[-1] for _, cells in _section(lines, "What was measured") if cells[0].startswith("**paired")), None)
    counted = next((i for i, line in enumerate(lines, 1) if (rows := TESTED.search(line)) and rows[1] != paired), None)
    if paired and counted:
        yield counted, f"another number of rows than the {paired} of the paired gain"
    for number, cells in gates:
        stated = cells[0].startswith("gain over ") and cells[2] != NONE
        if paired and stated and _number(cells[2]) != _number(paired):
            yield number, f"{cells[0]} is of {cells[2]} here and of {paired} among what was measured"


def _number(cell: str) -> str:
    """A count without the words behind it."""
    return cell.partition(" ")[0]


def _splits(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The rows of each split, as the data statement and the stage tell them, are those of the table of splits."""
    tables = _section(lines, "Data and provenance")
    counted = {cells[0].replace("_", " "): (number, cells[1]) for number, cells in reversed(tables) if len(cells) == 3}
    for number, cells in _section(lines, "Data statement") + _section(lines, "What each stage decided"):
        told = cells[1] if cells[0].startswith("F. ") else cells[2] if cells[0] == "data" else ""
        listed = told.partition("rows: ")[2].partition(";")[0]
        for name, count in re.findall(r"([a-z][a-z ]*) ([\d,]*\d)", listed):
            known = counted.get(name)
            if known and known[1] != count:
                yield number, f"{count} rows of {name} here, {known[1]} in line {known[0]}"


def _dates(lines: list[str]) -> Iterator[tuple[int, str]]:
    """No approval was given later than now; a day is left for clocks of another zone."""
    start = next((i for i, line in enumerate(lines) if line == "## Approval"), len(lines))
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("## ")), len(lines))
    latest = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    for number, line in enumerate(lines[start:end], start + 1):
        given = re.match(r"Approved by .*? on (\d{4}-\d\d-\d\d)", line)
        if given and given[1] > latest:
            yield number, f"an approval of {given[1]}, which is still to come"


def _indexed(text: str) -> dict[str, float]:
    """Metric → value of the metadata's model index."""
    try:
        index = check(text).model_index
    except ValueError:
        return {}  # `_head` says it
    return {figure.type: figure.value for one in index or () for result in one.results for figure in result.metrics}


def _rows(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The number of test rows, wherever it is stated."""
    tables = reversed(_section(lines, "Data and provenance"))  # of the tables with a row `test` the first counts rows
    splits = {cells[0]: (number, cells[1]) for number, cells in tables if len(cells) == 3}
    if "test" not in splits or not splits["test"][1].replace(",", "").isdigit():
        return
    line, total = splits["test"][0], int(splits["test"][1].replace(",", ""))
    for number, text in enumerate(lines, 1):
        part = re.search(r"the first ([\d,]+) of the ([\d,]+) rows of the test split", text)
        whole = re.search(r"the test split \(([\d,]+) rows", text)
        stated = part[2] if part else whole[1] if whole else None
        if stated and int(stated.replace(",", "")) != total:
            yield number, f"{stated} test rows here, {total:,} in line {line}"
    for number, cells in _section(lines, "What was measured") + _section(lines, "Slices"):
        if cells[-1].replace(",", "").isdigit() and int(cells[-1].replace(",", "")) > total:
            yield number, f"{cells[-1]} examples, and the test split has {total:,} rows (line {line})"


def _links(card: Path, lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        for _, target in LINK.findall(line):
            elsewhere = "://" in target or target.startswith("#") or OBJECT.search(target)
            if not elsewhere and not (card.parent / target).is_file():
                yield number, f"links to {target}, which is not there"


def _section(lines: list[str], title: str) -> list[Cell]:
    """The table rows below one heading."""
    start = next((i for i, line in enumerate(lines) if line == f"## {title}"), None)
    if start is None:
        return []
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("## ")), len(lines))
    return [(number, cells) for number, cells in _cells(lines) if start < number <= end]


def _cells(lines: list[str]) -> list[Cell]:
    """Every row of a table, but the rules below the heads."""
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.startswith("|")]
    split = [(number, [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]) for number, line in rows]
    return [(number, cells) for number, cells in split if not all(re.fullmatch(r":?-+:?", cell) for cell in cells)]
