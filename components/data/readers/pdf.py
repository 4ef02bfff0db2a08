"""PDF: a page with text is a passage, titled by the document's title, or by its file's name.

pypdf reads it: of those tried it keeps the cells of tables apart best. Pages of pictures alone are passed over; a file of
nothing else is named, since nothing here reads pictures. A sentence that goes on over a page is two. Not covered: forms,
notes on the margin, and the order of columns that the file itself does not keep.
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import Source

from ..decode import Unreadable, document

if TYPE_CHECKING:
    from pypdf import PdfReader

SUFFIXES = (".pdf",)
UNIT = "page"
MOST_BYTES = 500_000_000
MOST_PAGES = 10_000
MOST_UNPACKED = 10_000_000
"""Bytes of one page's instructions: a page of dense print has some 20,000. So many take 11 s and 250 MB; pypdf's own limit
lies at 75 MB."""
MOST_SECONDS = 300
"""Processor time for one file, asked between its pages: an honest page takes 10 to 50 ms."""


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(number of the page, its text), without pages that hold none; raises Unreadable."""
    from pypdf import apply_configuration

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every flaw that it mends
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES // 10**6} MB")
    with apply_configuration(
        zlib_maximum_output_length=MOST_UNPACKED,
        lzw_maximum_output_length=MOST_UNPACKED,
        run_length_maximum_output_length=MOST_UNPACKED,
        array_based_stream_maximum_output_length=MOST_UNPACKED,
    ):
        try:
            title, pages = _read(path)
        except (Unreadable, OSError):
            raise
        except Exception as error:  # pypdf meets a broken file with whatever its parts raise
            raise Unreadable(f"it is no readable PDF ({error or type(error).__name__})") from error
    if not pages:
        raise Unreadable("it holds pictures only, no text layer: run a text recogniser (OCR) on it first")
    for number, text in pages:
        yield number, document(text, title or path.stem)


def _read(path: Path) -> tuple[str, list[tuple[int, str]]]:
    """(title, pages with text)"""
    from pypdf import PdfReader

    start = time.process_time()
    with PdfReader(path) as reader:
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("it is encrypted: save it without a password")
        if len(reader.pages) > MOST_PAGES:
            raise Unreadable(f"it has more than {MOST_PAGES:,} pages: split it")
        pages = []
        for number, page in enumerate(reader.pages, 1):
            if text := page.extract_text().strip():
                pages.append((number, text))
            if time.process_time() - start > MOST_SECONDS:
                raise Unreadable(f"page {number} was reached after {MOST_SECONDS} seconds: split it, or print it anew")
        return _title(reader), pages


def _title(reader: "PdfReader") -> str:
    title = reader.metadata.title if reader.metadata else None
    return title.strip() if isinstance(title, str) else ""
