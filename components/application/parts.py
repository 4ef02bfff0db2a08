"""A text cut into parts that overlap, each of them words of it as they stand, so that a quote of a part is one of the text.

`retrieval/chunks.py` cuts a knowledge base at paragraphs and sentences, with a library that what is served does without.
"""

import re
from collections.abc import Sequence

from components.core import Reading
from components.text import spans, unspaced

from .asking import Asked


def parts_of(asked: Asked, how: Reading) -> list[Asked]:
    """`asked` once for each part of its texts, or of its input where there are none beside it; itself where it is short."""
    if not asked.context:
        return [Asked(part) for part in windows(asked.text, how.words, how.overlap)]
    texts = [part for text in asked.context for part in windows(text, how.words, how.overlap)]
    return [Asked(asked.text, (part,)) for part in texts] if len(texts) > len(asked.context) else [asked]


def windows(text: str, words: int, overlap: int) -> list[str]:
    """Parts of `words` words, the last one of as many or fewer; neighbours share `overlap`. All of it if it is short."""
    places: Sequence[tuple[int, int]]
    places = spans(text) if unspaced(text) else [word.span() for word in re.finditer(r"\S+", text)]
    if len(places) <= words:
        return [text]
    starts = range(0, len(places) - overlap, words - overlap)
    return [text[places[start][0] : places[min(start + words, len(places)) - 1][1]] for start in starts]
