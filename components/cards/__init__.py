"""Cards: a Record of what a run measured and decided goes in; a model card with what lies beside it and an index come out.
A card can be verified against its evidence."""

from .examples import pick_examples
from .recompute import Finding
from .record import Record, read_record
from .verify import Standing, Verified, verify
from .write import index, markdown, write_card

__all__ = [
    "Finding",
    "Record",
    "Standing",
    "Verified",
    "index",
    "markdown",
    "pick_examples",
    "read_record",
    "verify",
    "write_card",
]
