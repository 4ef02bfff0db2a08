"""Cards: read a Record of what a run measured and decided (record.py), then verify it against its evidence (verification/)
or render it (render.py, which asks one file a part), then write the card with what lies beside it (write.py), and an
index of all (index.py)."""

from .description import description
from .diff import diff
from .examples import pick_examples
from .figures import test_metrics
from .gates import first_lines, gates
from .index import index
from .page import pictures
from .record import Record, read_record, record_digest
from .render import markdown
from .safety import failed_items
from .verification import UNFILLED, Finding, Standing, Verified, lint, rendered_again, verify
from .write import write_card

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
    "gates",
    "index",
    "lint",
    "markdown",
    "pick_examples",
    "pictures",
    "read_record",
    "record_digest",
    "rendered_again",
    "test_metrics",
    "verify",
    "write_card",
]
