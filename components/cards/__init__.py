"""Cards: a Record of what a run measured and decided goes in; a model card with what lies beside it and an index come out.
A card can be verified against its evidence."""

from .diff import diff
from .examples import pick_examples
from .gates import first_lines
from .joints import Standing
from .lint import UNFILLED, lint
from .recompute import Finding
from .record import Record, read_record, record_digest
from .safety import failed_items
from .verify import Verified, rendered_again, verify
from .write import index, markdown, write_card

__all__ = [
    "UNFILLED",
    "Finding",
    "Record",
    "Standing",
    "Verified",
    "diff",
    "failed_items",
    "first_lines",
    "index",
    "lint",
    "markdown",
    "pick_examples",
    "read_record",
    "record_digest",
    "rendered_again",
    "verify",
    "write_card",
]
