"""What a generator returns."""

from typing import NamedTuple


class Draft(NamedTuple):
    """A row to be: what is asked, the answer as the passage writes it, and what kind of span the answer is."""

    text: str
    answer: str
    span: str
