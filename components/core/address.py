"""Addresses of servers and databases as people write them, and the passwords that may stand in one.

Drivers read theirs from the user's part (`//name:secret@host`) and from the query, each with its own word: `password`
(psycopg, snowflake), `passwd` (MySQLdb, PyMySQL), `pwd` (pyodbc), `sslpassword`, `passphrase`, `token`, `secret`, and from
whole connection strings inside of it (`odbc_connect=…;PWD=…`). libpq's `passfile` names a file and is none.
"""

import re
from urllib.parse import unquote_plus

_WORD = r"[\w.-]*(?:pass(?!file)|pwd|secret|token|credential|private_?key|api_?key)[\w.-]*"
_KEY = re.compile(_WORD, re.IGNORECASE)
_INSIDE = re.compile(rf"(?:^|[;&\s{{]){_WORD}\s*=", re.IGNORECASE)
_USER = re.compile(r"//[^/?#\s]*@")
_QUERY = re.compile(r"(?<=[?&;])([^=&;#\s]+)=([^&;#\s]*)")


def is_secret(key: str, value: str = "") -> bool:
    """Whether a setting of an address is a password: by its word, or since its value is a connection string with one."""
    return bool(_KEY.fullmatch(key.strip()) or _INSIDE.search(unquote_plus(unquote_plus(value))))


def without_secrets(text: str) -> str:
    """An address, or a message that quotes addresses, as it may be shown: no user's part, `…` for passwords in queries."""
    shown = _USER.sub("//", text)
    return _QUERY.sub(lambda pair: f"{pair[1]}=…" if is_secret(unquote_plus(pair[1]), pair[2]) else pair[0], shown)


def holds_secret(address: str) -> bool:
    """Whether a password stands in an address, wherever a driver would look for it."""
    user = _USER.search(address)
    return (user is not None and ":" in user[0]) or without_secrets(address) != _USER.sub("//", address)
