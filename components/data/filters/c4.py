"""C4's heuristics (Raffel et al. 2020, arXiv:1910.10683, section 2.2): lines that are no sentences are cut, pages of too few
sentences, of code or of filler text dropped.

Not here: its list of bad words (it is not ours to ship), and the repeated three-sentence spans (`data.duplicates`).
"""

import re
from collections.abc import Sequence

from pydantic import Field

from components.core import Frozen, Task
from components.text import count

from ..documents import Cut, Document, Found

_LINE = re.compile(r"[^\n]+")
_SENTENCE_END = re.compile(r"[.!?؟][\"')\]”’]*(?=\s|$)|[。！？।][」』”’）]*")
ENDS = (".", "!", "?", '"', "”", "؟", "。", "！", "？", "।", "」", "』")
"""What the paper names, and the same marks of other scripts."""


JUDGES_QUESTIONS = False


class Config(Frozen):
    """The paper's bounds."""

    line_words: int = Field(5, ge=1)
    """Shorter lines are cut."""
    sentences: int = Field(3, ge=0)
    """Fewer in the lines that stay: dropped."""
    braces: bool = True
    """Drop what holds a curly bracket: code, mostly."""


def find(config: Config, documents: Sequence[Document], task: Task, key: str) -> Found:
    """Drop pages and cut lines. The cut leaves practice rows alone, whose answers stand there."""
    drop: dict[int, str] = {}
    cut: dict[int, list[Cut]] = {}
    for place, document in enumerate(documents):
        why, cuts = judge(config, document.text)
        if why:
            drop[place] = why
        elif cuts:
            cut[place] = cuts
    return Found(drop, cut)


def judge(config: Config, text: str) -> tuple[str | None, list[Cut]]:
    """(why the text is dropped, or None; lines to cut)."""
    if config.braces and "{" in text:
        return "a curly bracket", []
    if "lorem ipsum" in text.lower():
        return "lorem ipsum", []
    cuts: list[Cut] = []
    sentences = 0
    for line in _LINE.finditer(text):
        why = _line(config, line[0].strip())
        if why:
            cuts.append((line.start(), line.end(), why))
        else:
            sentences += len(_SENTENCE_END.findall(line[0]))
    if sentences < config.sentences:
        return f"{sentences} sentences", []
    return None, cuts


def _line(config: Config, line: str) -> str | None:
    if not line.endswith(ENDS):
        return "a line without an end mark" if line else None
    if count(line) < config.line_words:
        return f"a line of fewer than {config.line_words} words"
    return "a line about Javascript" if "javascript" in line.lower() else None
