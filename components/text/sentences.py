"""The sentences of a text, by the marks that end them in any script."""

import regex

_MARKS = r"(?<=[.!?؟۔։\u037e])\s+(?=\S)|(?<=[。！？｡।॥][」』”’）]?)(?![」』”’）。！？])\s*(?=\S)"
_END, _END_OR_LINE = regex.compile(_MARKS), regex.compile(rf"{_MARKS}|\n+")


def sentences(text: str, lines: bool = True) -> list[str]:
    """`text` cut after . ! ? (and their like) and white space, after 。！？ and danda without one; with `lines` at line ends
    too."""
    return [part for part in (_END_OR_LINE if lines else _END).split(text.strip()) if part]
