"""Continued pre-training by span corruption (Raffel et al. 2020, arXiv:1910.10683), for a decoder as in UL2 (Tay et al.
2022, arXiv:2205.05131): the text with spans taken out, followed by the spans, which alone are learned.

Not covered: UL2's other denoisers (long spans, prefixes) and its mode tokens, which a vocabulary does not have.
"""

from collections.abc import Sequence
from pathlib import Path

from components.core import Machine

from ..documents import Spans
from ..recipe import Recipe, Trained
from . import mixture

ROWS = "documents"


class Settings(Spans):
    """How documents are packed, and what is taken out."""


def train(
    recipe: Recipe,
    own: Settings,
    base: Path,
    rows: Sequence[Sequence[int]],
    scratch: Path,
    machine: Machine,
    start: Path | None = None,
) -> Trained:
    """Train on `rows`, each the token ids of a document: a mixture in which every block loses spans."""
    every = mixture.Settings(**own.model_dump(), share=1.0)
    return mixture.train(recipe, every, base, rows, scratch, machine, start)
