"""Turns the contract's sources (files of rows and passages) into a Dataset: gated, deduplicated, split, with provenance."""

from .audit import Bias, sentences
from .locate import found_formats, source_digests
from .preview import Seen, first_rows
from .stage import Config, Prepared, prepare
from .together import Apart, keep_apart

__all__ = [
    "Apart", "Bias", "Config", "Prepared", "Seen", "first_rows", "found_formats", "keep_apart", "prepare", "sentences",
    "source_digests",
]  # fmt: skip
