"""Cards: read a Record of what a run measured and decided (record.py), then verify it against its evidence (verification/)
or render it (render.py, which asks one file a part), then write the card, what lies beside it and an index (write.py)."""

from .description import description
from .diff import diff
from .examples import pick_examples
from .figures import test_metrics
from .gates import first_lines
from .record import Record, read_record, record_digest
from .render import markdown
from .safety import failed_items
from .verification import UNFILLED, Finding, Standing, Verified, lint, rendered_again, verify
from .write import index, write_card

__all__ = [
    "UNFILLED",
    "Finding",
    "Record",
    "Standing",
    "Verified",
    "description",
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
    "test_metrics",
    "verify",
    "write_card",
]
