"""Passages cut into chunks at the best boundary that fits: paragraph, sentence, word (semantic-text-splitter).

Not covered: tables, code, other formats than plain text.
"""

from collections.abc import Sequence

from components.core import Frozen, Passage
from components.text import count


class Chunk(Frozen):
    """A part of a passage. `id` is the passage's with the chunk's number."""

    id: str
    passage: str
    text: str


def chunk(passages: Sequence[Passage], words: int, overlap: int = 0) -> list[Chunk]:
    """Chunks of at most `words` words, in the order of `passages`; neighbours share up to `overlap` words.

    words: 0 keeps every passage whole
    """
    from semantic_text_splitter import TextSplitter

    if not words:
        return [Chunk(id=f"{passage.id}#0", passage=passage.id, text=passage.text.strip()) for passage in passages]
    splitter = TextSplitter.from_callback(count, words, overlap=overlap)
    return [
        Chunk(id=f"{passage.id}#{number}", passage=passage.id, text=text)
        for passage in passages
        for number, text in enumerate(splitter.chunks(passage.text))
    ]
