"""DOCX: the sections of a document, cut where headings of its highest level stand; without two such, one passage.

Read as a reader sees it: what a tracked change deleted, and hidden text, are left out; what it inserted stands there. Own
code over lxml: python-docx passes over content controls and text boxes, which forms and templates are made of, and unpacks
every picture. Not covered: notes, comments, headers and footers.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import Source

from ..decode import Unreadable, document
from ..zipped import Zipped

if TYPE_CHECKING:
    from lxml.etree import _Element

SUFFIXES = (".docx", ".docm")
UNIT = "section"
_UNSEEN = ("del", "moveFrom", "Fallback", "pPr", "instrText")
"""Parts of a paragraph that are not shown; a `Fallback` says again what a text box says."""
_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """A paragraph, or a row of a table. level: of a heading; 0 for what is none."""

    text: str
    level: int = 0
    title: bool = False


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(number of the section, its text); raises Unreadable."""
    archive = Zipped(path)
    blocks = [block for block in _blocks(archive) if block.text]
    if not blocks:
        raise Unreadable("it holds no text")
    title = _title(archive) or next((block.text for block in blocks if block.title), "") or path.stem
    for number, section in enumerate(_sections(blocks), 1):
        name = f"{title}: {section[0].text}" if section[0].level else title
        yield number, document("\n\n".join(block.text for block in section), name)


def _sections(blocks: list[Block]) -> list[list[Block]]:
    levels = Counter(block.level for block in blocks if block.level)
    cut = min((level for level, count in levels.items() if count > 1), default=0)
    sections: list[list[Block]] = []
    for block in blocks:
        if not sections or (cut and block.level == cut):
            sections.append([])
        sections[-1].append(block)
    return sections


def _blocks(archive: Zipped) -> Iterator[Block]:
    """In the order of the document; cells of a table stand in their row's line."""
    from lxml.etree import iterwalk

    styles = _styles(archive)
    texts: list[list[str]] = [[]]  # a paragraph may hold a text box with paragraphs of its own
    cells = list[str]()
    inside = 0
    walk = iterwalk(archive.xml(_main(archive)), events=("start", "end"), tag="{*}*")
    for event, one in walk:
        name = _name(one)
        if event == "start":
            if name in _UNSEEN or (name == "r" and _hidden(one)):
                walk.skip_subtree()
            elif name == "p":
                texts.append([])
            elif name == "tr":
                inside += 1
            elif name in _MARKS or name == "t":
                texts[-1].append(_MARKS.get(name) or one.text or "")
        elif name == "p":
            text = "".join(texts.pop()).strip()
            if inside:
                cells.append(" ".join(text.split()))
            else:
                style = styles.get(_style(one), "")
                level = _HEADING.fullmatch(style)
                yield Block(text, int(level[1]) if level else 0, style.lower() == "title")
        elif name == "tr":
            inside -= 1
            if not inside:
                yield Block(" ".join(filter(None, cells)))
                cells = []


def _main(archive: Zipped) -> str:
    """The name of the part that holds the text."""
    for one in archive.xml("_rels/.rels").iter("{*}Relationship"):
        if str(one.get("Type")).endswith("/officeDocument"):
            return str(one.get("Target")).lstrip("/")
    raise Unreadable("it is no Word document: its archive names no text")


def _styles(archive: Zipped) -> dict[str, str]:
    """Style's id → its name, which Word keeps in English for its own."""
    if "word/styles.xml" not in archive.names:
        return {}
    found = {}
    for style in archive.xml("word/styles.xml").iter("{*}style"):
        name = style.find("{*}name")
        found[_value(style, "styleId")] = "" if name is None else _value(name, "val")
    return found


def _title(archive: Zipped) -> str:
    if "docProps/core.xml" not in archive.names:
        return ""
    return (archive.xml("docProps/core.xml").findtext("{*}title") or "").strip()


def _style(paragraph: "_Element") -> str:
    style = paragraph.find("{*}pPr/{*}pStyle")
    return "" if style is None else _value(style, "val")


def _hidden(run: "_Element") -> bool:
    vanish = run.find("{*}rPr/{*}vanish")
    return vanish is not None and _value(vanish, "val") not in ("0", "false", "off")


def _value(one: "_Element", key: str) -> str:
    """An attribute by its name without namespace, of which there are two: of ECMA's first edition, and of the strict one."""
    return next((str(value) for name, value in one.attrib.items() if str(name).rpartition("}")[2] == key), "")


def _name(one: "_Element") -> str:
    return str(one.tag).rpartition("}")[2]
