"""The sentences of a text, by the marks that end them in any script."""

import regex

_END = regex.compile(r"(?<=[.!?؟۔։\u037e])\s+(?=\S)|(?<=[。！？｡।॥][」』”’）]?)(?![」』”’）。！？])\s*(?=\S)|\n+")


def sentences(text: str) -> list[str]:
    """`text` cut at line ends, after . ! ? (and their like) and white space, and after 。！？ and danda without one."""
    return [part for part in _END.split(text.strip()) if part]
