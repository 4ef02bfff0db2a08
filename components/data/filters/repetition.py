"""Gopher's removal of repetitive documents (Rae et al. 2021, arXiv:2112.11446, table A1), with its bounds as defaults."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from components.core import Frozen, Task
from components.text import as_written

from ..documents import Document, Found

JUDGES_QUESTIONS = False


class Config(Frozen):
    """Largest shares allowed."""

    lines: float = 0.3
    """Lines that stood before, of all lines."""
    line_characters: float = 0.2
    """Characters in them."""
    paragraphs: float = 0.3
    """The same for paragraphs."""
    paragraph_characters: float = 0.2
    top: dict[int, float] = {2: 0.2, 3: 0.18, 4: 0.16}
    """Words of a run → characters in the most frequent such run."""
    repeated: dict[int, float] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}
    """Words of a run → characters in all runs that occur more than once."""


def find(config: Config, documents: Sequence[Document], task: Task, key: str) -> Found:
    """Drop what repeats itself beyond a bound; the first is named."""
    reasons = {place: reason(config, document.text) for place, document in enumerate(documents)}
    return Found({place: why for place, why in reasons.items() if why})


def reason(config: Config, text: str) -> str | None:
    """Why the text is dropped, with its figure."""
    for name, mark, share, characters in (
        ("lines", "\n", config.lines, config.line_characters),
        ("paragraphs", "\n\n", config.paragraphs, config.paragraph_characters),
    ):
        pieces = [piece.strip() for piece in text.split(mark) if piece.strip()]
        again = list((Counter(pieces) - Counter(set(pieces))).elements())
        if len(again) > share * len(pieces):
            return f"{len(again)} of {len(pieces)} {name} stood before"
        if sum(map(len, again)) > characters * len(text):
            return f"{sum(map(len, again)) / len(text):.0%} of its characters in {name} that stood before"
    words = as_written(text)
    total = sum(map(len, words))
    for size, share in config.top.items():
        run, count = _most(words, size)
        if count > 1 and count * sum(map(len, run)) > share * total:
            return f"{count * sum(map(len, run)) / total:.0%} of its characters in one run of {size} words"
    for size, share in config.repeated.items():
        length = _repeated(words, size)
        if not length:
            break  # no run of five twice: none of six either
        if length > share * total:
            return f"{length / total:.0%} of its characters in repeated runs of {size} words"
    return None


def _most(words: list[str], size: int) -> tuple[tuple[str, ...], int]:
    runs = pairwise(words) if size == 2 else zip(*(words[start:] for start in range(size)), strict=False)
    return max(Counter(runs).items(), key=lambda item: item[1], default=((), 0))


def _repeated(words: list[str], size: int) -> int:
    """Characters in runs of `size` words that stand there more than once, each word counted once."""
    runs = list(zip(*(words[start:] for start in range(size)), strict=False))
    if len(set(runs)) == len(runs):
        return 0
    counts = Counter(runs)
    inside = {start + offset for start, run in enumerate(runs) if counts[run] > 1 for offset in range(size)}
    return sum(len(words[place]) for place in inside)
