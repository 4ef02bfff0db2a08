"""HTML: one document, the page's main text without menus and footers, titled by the page, or by its file's name."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from components.core import Source

from ..decode import Unreadable, content, document

if TYPE_CHECKING:
    from trafilatura.settings import Document

UNSEEN = [
    "//noscript",
    "//template",
    "//*[@hidden]",
    "//*[contains(translate(@style, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ ', 'abcdefghijklmnopqrstuvwxyz'), 'display:none')]",
]
"""What a browser does not show, by the page itself; what style sheets hide is not known here."""
SUFFIXES = (".html", ".htm", ".xhtml")
UNIT = "document"


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """The document, in the encoding that the page names or shows; raises Unreadable."""
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it warns of every page without text; we say so ourselves
    data = content(path)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("it is binary (it holds zero bytes)")
    extracted = trafilatura.bare_extraction(data, include_comments=False, with_metadata=True, prune_xpath=UNSEEN)
    page = cast("Document | None", extracted)  # a dict is had for `as_dict` alone
    if page is None or not page.text:
        raise Unreadable("no main text was found in the page")
    yield 1, document(page.text, page.title or path.stem)
