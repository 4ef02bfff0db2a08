"""CoNLL: a token a line, its columns between spaces, the last one its tag (B-PER, I-PER, O); an empty line after a sentence.

A sentence is one row: `text`, its tokens between spaces, and `entities`, for each type of the file those that stand there.
`-DOCSTART-` lines are passed over. Both taggings are read: every entity starts with B- (IOB2), or only one that follows
another of its type (IOB1). Not covered: CoNLL-U, whose last column is no tag.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from components.core import BadInput, Source

from ..decode import decoded_rows

SUFFIXES = (".conll", ".iob", ".bio")
UNIT = "line"
_TAG = re.compile(r"O|[BI]-(\S+)")

Tagged = tuple[str, str]


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(line on which the sentence begins, fields)"""
    sentences = list(_sentences(path))
    types = sorted({tag[2:] for _, tokens in sentences for _, tag in tokens if tag != "O"})
    for line, tokens in sentences:
        yield line, {"text": " ".join(token for token, _ in tokens), "entities": _entities(tokens, types)}


def _sentences(path: Path) -> Iterator[tuple[int, list[Tagged]]]:
    start, tokens = 0, list[Tagged]()
    for number, line in enumerate([*decoded_rows(path).split("\n"), ""], 1):
        columns = line.split()
        if columns and columns[0] != "-DOCSTART-":
            if len(columns) < 2 or not _TAG.fullmatch(columns[-1]):
                raise BadInput(
                    f"{path}, line {number}: expected a token, and its tag (O, B-<type>, I-<type>) in the last column; "
                    f"found {line.strip()[:60]!r}. Correct or remove the line"
                )
            start = start if tokens else number
            tokens.append((columns[0], columns[-1]))
        elif tokens:
            yield start, tokens
            tokens = []


def _entities(tokens: list[Tagged], types: list[str]) -> dict[str, list[str]]:
    by_type: dict[str, list[str]] = {one: [] for one in types}
    before = "O"
    for token, tag in tokens:
        if tag != "O":
            entities = by_type[tag[2:]]
            if tag[0] == "I" and before[2:] == tag[2:]:
                entities[-1] += f" {token}"
            else:
                entities.append(token)
        before = tag
    return by_type
