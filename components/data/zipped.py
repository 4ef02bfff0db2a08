"""Documents that are ZIP archives of XML (DOCX, EPUB), read so that a hostile one costs little and reaches nothing.

Only members that are asked for by name are unpacked, into memory and up to a limit, and nothing is written: a name such as
`../x` is a name like any other. XML is parsed without entities, document types and network.
"""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from .decode import Unreadable, content

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES = 500_000_000
"""Of the file, most of which are pictures."""
MOST_ENTRIES = 20_000
"""Members of an archive; each costs about 500 bytes of memory before anything is read."""
MOST_UNPACKED = 100_000_000
"""Bytes that are unpacked of one file, all its members together: some 25 times all of Shakespeare's words."""
_ENTRY = b"PK\x01\x02"
"""What each entry of an archive's directory begins with, whatever number of them it says that it has."""
_OFFICE = b"\xd0\xcf\x11\xe0"
"""What Word's older files begin with, and newer ones that a password locks."""


class Zipped:
    """An archive whose members are read by name. Raises Unreadable for what is none, and for one beyond the limits."""

    def __init__(self, path: Path) -> None:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(f"it is larger than {MOST_BYTES // 10**6} MB")
        data = content(path)
        if data.startswith(_OFFICE):
            raise Unreadable("it is locked by a password, or of Word 97: save it as DOCX without a password")
        if data.count(_ENTRY) > MOST_ENTRIES:
            raise Unreadable(f"its archive holds more than {MOST_ENTRIES:,} files")
        try:
            self._archive = ZipFile(BytesIO(data))
        except (BadZipFile, ValueError, NotImplementedError) as error:
            raise Unreadable(f"it is no readable ZIP archive ({error})") from error
        self.names = frozenset(self._archive.namelist())
        self._left = MOST_UNPACKED

    def read(self, name: str) -> bytes:
        """The bytes of one member."""
        if name not in self.names:
            raise Unreadable(f"its archive lacks '{name}', which it names")
        try:
            with self._archive.open(name) as member:
                data = member.read(self._left + 1)  # what the directory says of its size is not believed
        except Exception as error:  # zlib's, struct's, or RuntimeError where it is encrypted: by how it is broken
            raise Unreadable(f"'{name}' in its archive cannot be unpacked ({error})") from error
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(f"it unpacks to more than {MOST_UNPACKED // 10**6} MB")
        return data

    def xml(self, name: str) -> "_Element":
        """The root of a member that is XML."""
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
        try:
            return etree.fromstring(self.read(name), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise Unreadable(f"'{name}' in its archive is no valid XML ({error})") from error
