"""EPUB: the chapters of a book in the order of reading, each titled by the book and its first heading.

Own code over zipfile and lxml: EbookLib, which reads it too, is under the AGPL and would bind whoever passes Ninefold on.
Tables of contents are passed over. Not covered: books whose text is encrypted, which are named, and notes that pop up.
"""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from components.core import Source

from ..decode import Unreadable, document
from ..zipped import Zipped

if TYPE_CHECKING:
    from lxml.etree import _Element

SUFFIXES = (".epub",)
UNIT = "chapter"
_PAGES = ("application/xhtml+xml", "text/html")
_UNSEEN = ("head", "script", "style", "template", "nav")
_BLOCKS = (
    *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "form"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"),
)
_PARAGRAPH, _LINE = "\u2029", "\u2028"
"""Unicode's own marks, which a text cannot hold in another meaning."""


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(place in the order of reading, text of the chapter), without those that hold none; raises Unreadable."""
    archive = Zipped(path)
    where = _book(archive)
    book = archive.xml(where)
    title = (book.findtext("{*}metadata/{*}title") or "").strip() or path.stem
    locked, chapters = _locked(archive), 0
    for number, name in enumerate(_chapters(book, posixpath.dirname(where)), 1):
        if name in locked:
            raise Unreadable("its text is encrypted (DRM)")
        heading, text = _chapter(archive.read(name), name)
        if text:
            chapters += 1
            yield number, document(text, f"{title}: {heading}" if heading else title)
    if not chapters:
        raise Unreadable("it holds no text")


def _book(archive: Zipped) -> str:
    """The name of the file that lists the book's parts."""
    root = archive.xml("META-INF/container.xml").find("{*}rootfiles/{*}rootfile")
    if root is None or not root.get("full-path"):
        raise Unreadable("its archive names no book (META-INF/container.xml)")
    return str(root.get("full-path"))


def _chapters(book: "_Element", folder: str) -> list[str]:
    """Names of the chapters in the archive, in the order of reading."""
    pages = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
        for item in book.iterfind("{*}manifest/{*}item")
        if item.get("media-type") in _PAGES and "nav" not in (item.get("properties") or "").split()
    }
    order = [reference.get("idref") for reference in book.iterfind("{*}spine/{*}itemref")]
    return [pages[one] for one in dict.fromkeys(order) if one in pages]


def _locked(archive: Zipped) -> set[str]:
    """Names of what is encrypted; publishers encrypt fonts alone, too."""
    if "META-INF/encryption.xml" not in archive.names:
        return set()
    found = archive.xml("META-INF/encryption.xml").iter("{*}CipherReference")
    return {unquote(one.get("URI") or "") for one in found}


def _chapter(data: bytes, name: str) -> tuple[str, str]:
    """(first heading, text): a paragraph between empty lines, the cells of a table in their row's line."""
    from lxml import etree, html

    encoding = None if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        page = html.document_fromstring(
            data, parser=html.HTMLParser(encoding=encoding, remove_comments=True, remove_pis=True)
        )
    except (etree.ParserError, ValueError, AssertionError):  # an empty page
        return "", ""
    for one in page.xpath("|".join(f"//{tag}" for tag in _UNSEEN)):
        one.drop_tree()
    heading = next((" ".join(one.text_content().split()) for one in page.iter("h1", "h2", "h3", "h4", "h5", "h6")), "")
    for one in page.iter(*_BLOCKS):
        one.text, one.tail = _PARAGRAPH + (one.text or ""), _PARAGRAPH + (one.tail or "")
    for tag, mark in (("br", _LINE), ("td", " "), ("th", " ")):
        for one in page.iter(tag):
            one.tail = mark + (one.tail or "")
    paragraphs = (_lines(part) for part in str(page.text_content()).split(_PARAGRAPH))
    return heading, "\n\n".join(filter(None, paragraphs))


def _lines(paragraph: str) -> str:
    return "\n".join(filter(None, (" ".join(line.split()) for line in paragraph.split(_LINE))))
