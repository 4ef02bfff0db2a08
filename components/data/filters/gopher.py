"""Gopher's quality heuristics (Rae et al. 2021, arXiv:2112.11446, appendix A1.1), with its bounds as defaults."""

from collections.abc import Sequence

from pydantic import Field

from components.core import Frozen, Task
from components.text import as_written

from ..documents import Document, Found

STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
"""The paper's list."""


JUDGES_QUESTIONS = False


class Config(Frozen):
    """The paper's bounds."""

    words: tuple[int, int] = (50, 100_000)
    """Fewest and most words."""
    word_length: tuple[float, float] = (3.0, 10.0)
    """Mean characters of a word."""
    symbols: float = Field(0.1, ge=0)
    """Most hash signs, and most ellipses, for a word."""
    bullets: float = Field(0.9, ge=0, le=1)
    """Largest share of lines that begin with a bullet."""
    ellipses: float = Field(0.3, ge=0, le=1)
    """Largest share of lines that end with an ellipsis."""
    alphabetic: float = Field(0.8, ge=0, le=1)
    """Smallest share of words with a letter."""
    stop_words: int = Field(2, ge=0)
    """How many of eight English words must stand there; not asked where the task's language is another."""


def find(config: Config, documents: Sequence[Document], task: Task, key: str) -> Found:
    """Drop what breaks one of the bounds; the first is named."""
    least = config.stop_words if task.language.split("-")[0] == "en" else 0
    reasons = {place: reason(config, document.text, least) for place, document in enumerate(documents)}
    return Found({place: why for place, why in reasons.items() if why})


def reason(config: Config, text: str, stop_words: int) -> str | None:
    """Why the text is dropped, with its figure."""
    words = as_written(text)
    count = len(words)
    if not config.words[0] <= count <= config.words[1]:
        return f"{count} words"
    mean = sum(map(len, words)) / count
    if not config.word_length[0] <= mean <= config.word_length[1]:
        return f"words of {mean:.1f} characters on average"
    symbols = max(text.count("#"), text.count("...") + text.count("…")) / count
    if symbols > config.symbols:
        return f"{symbols:.2f} symbols a word"
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if sum(line.startswith(("-", "*", "•", "‣")) for line in lines) > config.bullets * len(lines):
        return "a list of bullets"
    if sum(line.endswith(("...", "…")) for line in lines) > config.ellipses * len(lines):
        return "lines that break off"
    alphabetic = sum(word.isalpha() or any(map(str.isalpha, word)) for word in words) / count
    if alphabetic < config.alphabetic:
        return f"letters in {alphabetic:.0%} of the words"
    there = len(STOP_WORDS.intersection(text.lower().split())) if stop_words else 0
    return f"{there} of eight English stop words" if there < stop_words else None
