"""Tables of a real PostgreSQL, which the test starts on loopback and stops."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from components.core import BadInput, MachineFault, Source
from components.data.locate import source_digests
from components.data.read import Record, read_source

from .conftest import QUESTIONS, Bench

BINARIES = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
"""Where Debian keeps the server's programs, which are not on the PATH."""
if (found := shutil.which("initdb")) and not BINARIES:
    BINARIES = [Path(found).resolve().parent]
pytestmark = pytest.mark.skipif(not BINARIES, reason="no PostgreSQL server here: apt-get install postgresql")
TABLES = """
create table faq (id uuid primary key, passage text not null, title varchar(20), price numeric(6, 2), at timestamptz);
insert into faq values
  ('00000000-0000-0000-0000-000000000002', E'the second\\nline', 'straße', 2.50, '2024-02-29 12:00+00'),
  ('00000000-0000-0000-0000-000000000001', 'the first', null, 3, null);
create view shown as select passage, title, json_build_object('price', price) as more from faq;
create schema desk;
create table desk.notes (passage text, said jsonb);
insert into desk.notes values ('b', '{"a": 1}'), ('a', '[]');
create table bare (passage text);
create role reader login;
grant select on shown to reader;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """`host:port` of a server with `TABLES` in its database postgres. PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where, binaries = folder / "data", BINARIES[-1]
    make = [binaries / "initdb", "--pgdata", where, "--username", "owner", "--auth", "trust", "--encoding", "UTF8"]
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    control = [binaries / "pg_ctl", "--pgdata", where, "--log", folder / "log", "--wait"]
    quiet: dict[str, Any] = {"check": True, "capture_output": True, "cwd": folder, "timeout": 60, **user}
    try:
        subprocess.run([*make, "--locale", "C", "--no-sync"], **quiet)
        subprocess.run([*control, "--options", options, "start"], **quiet)
        try:
            with psycopg.connect(f"host=127.0.0.1 port={port} user=owner dbname=postgres") as base:
                base.execute(TABLES)
            yield f"127.0.0.1:{port}"
        finally:
            subprocess.run([*control, "--mode", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder)


def read(address: str, table: str, user: str = "owner", **fields: str) -> list[Record]:
    given = {"name": "faq", "role": "knowledge", "licence": "CC0-1.0", "origin": "made for a test", "format": "table"}
    path = f"postgresql+psycopg://{user}@{address}/postgres"
    return read_source(Source(**given, path=path, table=table, fields=fields), 0, Path(), QUESTIONS)


def test_a_servers_rows_come_in_the_order_of_their_key(server: str) -> None:
    assert read(server, "faq", title="price") == [
        Record(1, passage="the first", title="3.00"),
        Record(2, passage="the second\nline", title="2.50"),
    ]
    assert read(server, "faq", title="at")[1].title == "2024-02-29T12:00:00+00:00"


def test_a_view_without_a_key_is_read_in_one_order_also_where_a_column_has_none(server: str) -> None:
    assert [record.passage for record in read(server, "shown", "reader")] == ["the first", "the second\nline"]
    assert [record.passage for record in read(server, "desk.notes")] == ["a", "b"]


def test_what_the_server_refuses_is_said(server: str) -> None:
    with pytest.raises(BadInput, match="permission denied"):
        read(server, "faq", "reader")
    with pytest.raises(BadInput, match="no such table; there are: bare, faq"):
        read(server, "wiki")
    with pytest.raises(BadInput, match="the table 'bare' is empty"):
        read(server, "bare")
    with pytest.raises(MachineFault, match="cannot be read"):
        read(server, "faq", "nobody")


def test_a_server_that_does_not_answer_is_the_machines_fault() -> None:
    with closing(socket.socket()) as bound:  # bound, and nobody listens there
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(MachineFault, match="cannot be read"):
            read(f"127.0.0.1:{bound.getsockname()[1]}", "faq")


def test_the_digest_of_a_servers_table_follows_its_rows(server: str, bench: Bench) -> None:
    path = f"postgresql+psycopg://owner@{server}/postgres"
    data = bench.data({"name": "faq", "role": "knowledge", "path": path, "format": "table", "table": "desk.notes"})
    digests = [source_digests(data, bench.folder, bench.workspace) for _ in range(2)]
    with psycopg.connect(path.replace("+psycopg", "")) as base:
        base.execute("update desk.notes set passage = 'c' where passage = 'a'")
    digests.append(source_digests(data, bench.folder, bench.workspace))
    assert digests[0] == digests[1]
    assert digests[1] != digests[2]
