"""Texts cut into sentences."""

import re

_END = re.compile(r"(?<=[.!?])\s+|\n+")


def sentences(text: str) -> list[str]:
    """`text` cut at line ends, and after . ! or ? and white space."""
    return [part for part in _END.split(text.strip()) if part]
