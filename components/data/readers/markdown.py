"""Markdown: one document without its markup, titled by its first heading, or by its file's name.

A block of metadata at the top (`---`, keys and values in YAML, `---`) and raw HTML are left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from components.core import Source

from ..decode import decoded, document

if TYPE_CHECKING:
    from markdown_it.token import Token

SUFFIXES = (".md", ".markdown")
UNIT = "document"
_METADATA = re.compile(r"\A---[ \t]*\r?\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """The document; raises Unreadable."""
    from markdown_it import MarkdownIt

    blocks: list[str] = []
    title = ""
    tokens = MarkdownIt("commonmark").enable("table").parse(_METADATA.sub(_unless_text, decoded(path), count=1))
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type in ("fence", "code_block"):
            blocks.append(token.content.rstrip("\n"))
        elif token.type == "inline":
            text = "".join(_text(child) for child in token.children or [])
            if before is not None and before.type == "heading_open":
                title = title or text
            cell = before is not None and before.type in ("th_open", "td_open")
            _append(blocks, text, cell)
        elif token.type == "tr_open":
            blocks.append("")
    yield 1, document("\n\n".join(block for block in blocks if block.strip()), title or path.stem)


def _unless_text(block: re.Match[str]) -> str:
    """Nothing in place of metadata; a text between two horizontal rules, which is no YAML mapping, as it stands."""
    try:
        metadata = yaml.load(block[1], Loader=yaml.BaseLoader)  # it builds texts, lists and mappings alone
    except (yaml.YAMLError, RecursionError):
        return block[0]
    return "" if isinstance(metadata, dict) else block[0]


def _append(blocks: list[str], text: str, cell: bool) -> None:
    """A cell goes on in its row's line; anything else is a block of its own."""
    if cell and blocks:
        blocks[-1] = f"{blocks[-1]} {text}".strip()
    else:
        blocks.append(text)


def _text(token: "Token") -> str:
    """What a reader sees of one inline token; an image is its description."""
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return "" if token.type == "html_inline" else str(token.content)
