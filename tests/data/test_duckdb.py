"""Tables and views of a DuckDB file, opened so that a view reads nothing else."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from components.core import BadInput, Source
from components.data.locate import source_digests
from components.data.read import Record, read_source
from components.data.readers import duckdb as reader

from .conftest import QUESTIONS, Bench

TABLES = """
create table faq (id integer primary key, passage text, title varchar, price decimal(6, 2), noted timestamp);
insert into faq values (2, 'the second', 'b', 2.50, '2024-02-29 12:00'), (1, 'the first', null, 3, null);
create table bare (passage text, "odd ""name" text);
insert into bare values ('b', 'x'), ('a', 'y');
create schema desk;
create view desk.notes as select passage || '!' as passage from faq;
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "support.duckdb")) as made:
        made.execute(TABLES)
    return tmp_path / "support.duckdb"


def read(path: Path, table: str, **fields: str) -> list[Record]:
    given: dict[str, Any] = {"role": "knowledge", "licence": "CC0-1.0", "origin": "made for a test", "table": table}
    return read_source(Source(name="faq", path=path.name, fields=fields, **given), 0, path, QUESTIONS)


def test_a_table_is_read_in_the_order_of_its_key_and_never_written(base: Path) -> None:
    before = base.read_bytes()
    assert read(base, "faq", title="price") == [
        Record(1, passage="the first", title="3.00"),
        Record(2, passage="the second", title="2.50"),
    ]
    assert read(base, "faq", title="noted")[1].title == "2024-02-29T12:00:00"
    assert [(one.passage, one.title) for one in read(base, "bare", title='odd "name')] == [("a", "y"), ("b", "x")]
    assert [one.passage for one in read(base, "desk.notes")] == ["the first!", "the second!"]
    assert base.read_bytes() == before
    assert [path.name for path in base.parent.iterdir()] == ["support.duckdb"]


@pytest.mark.parametrize("table", ["wiki", 'faq"; drop table faq; --', "notes"])
def test_a_table_that_is_not_there_is_named_with_those_that_are(base: Path, table: str) -> None:
    with pytest.raises(BadInput, match=r"no such table; there are: desk\.notes, bare, faq\. Name one as `table`"):
        read(base, table)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select content as passage from read_text('{outside}')", "external access|disabled|permission"),
        ("select * from read_csv('{outside}')", "external access|disabled|permission"),
        ("select * from '{outside}'", "external access|disabled|permission"),
        ("select * from glob('/etc/*')", "external access|disabled|permission"),
        ("select repeat('x', 1000) || range as passage from range(100000000)", "memory"),
    ],
)
def test_a_view_reads_no_other_file_and_takes_no_more_than_its_memory(
    base: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, query: str, said: str
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text("passage\nsecret\n")
    with duckdb.connect(str(base)) as made:
        made.execute(f"create view trick as {query.format(outside=outside)}")
    monkeypatch.setitem(reader._CLOSED, "memory_limit", "50MB")
    with pytest.raises(BadInput, match=rf"table 'trick' of .*support\.duckdb: cannot be read \((?i:.*({said}))"):
        read(base, "trick")


def test_what_is_no_duckdb_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(BadInput, match=r"a\.duckdb: cannot be read"):
        read(tmp_path / "a.duckdb", "faq")


def test_a_tables_name_is_for_tables(bench: Bench) -> None:
    with pytest.raises(BadInput, match="table: `format: table` and DuckDB files need the table's name"):
        bench.data({"name": "a", "path": "a.csv", "table": "faq"})


def test_a_files_digest_is_that_of_its_bytes(bench: Bench, base: Path) -> None:
    data = bench.data({"name": "faq", "role": "knowledge", "path": str(base), "table": "faq"})
    before = source_digests(data, bench.folder, bench.workspace)
    with duckdb.connect(str(base)) as made:
        made.execute("update faq set passage = 'the third' where id = 2")
    assert source_digests(data, bench.folder, bench.workspace) != before
