"""Every format in its own file, alone and in a folder; what cannot be read is a row with its reason."""

import datetime
import json
import os
import pwd
import shutil
import sqlite3
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from components.core import BadInput, MissingPackage, Source, Task
from components.core.code import reached_files, words_of
from components.data.locate import found_formats, source_digests
from components.data.read import Record, read_source
from components.data.readers import DOCUMENTS, READERS, SUFFIXES

from .conftest import QUESTIONS, Bench

PAGE = """<html><head><title>Harbour wall</title></head><body><nav><a href="/">Home</a> <a href="/shop">Shop</a></nav>
<main><h1>Harbour wall</h1><p>The northern harbour wall was built in 1887 by the town and mended after the storm of 1953.</p>
<p>It is four hundred metres long, and fishing boats lie behind it in winter.</p></main>
<footer>Copyright. All rights reserved. Cookies.</footer></body></html>"""
CONVERT = "as Windows-1252 it reads '{}': if that is right, convert it with `iconv -f WINDOWS-1252 -t UTF-8`"
MARKDOWN = """---
title: not this
---
Before.

# The *old* mill

It **ground** [rye](http://example.org) until `1901`.

| part | age |
| --- | --- |
| wheel | 90 |

```
turn(wheel)
```
"""


def read(path: Path, /, **more: Any) -> list[Record]:
    given = {"name": "docs", "role": "knowledge", "path": path.name, "licence": "CC0-1.0", "origin": "made for a test"}
    source = Source(**(given | more))
    return read_source(source, 0, path.parent if source.format == "table" else path, QUESTIONS)


def test_a_format_that_no_file_reads_is_named_with_those_that_are(bench: Bench) -> None:
    data = bench.data({"name": "films", "path": "films.jsonl", "format": "xlsx"})
    with pytest.raises(
        BadInput, match=r"data\.sources\.0\.format: 'xlsx' is not read; allowed: conll, csv, docx, duckdb, epub, html, jsonl"
    ):
        source_digests(data, bench.folder, bench.workspace)


def test_documents_are_formats_and_each_has_endings_of_names() -> None:
    assert set(DOCUMENTS) < set(READERS)
    assert set(SUFFIXES.values()) == set(READERS) - {"table"}


def test_a_page_is_its_main_text(tmp_path: Path) -> None:
    (tmp_path / "wall.html").write_text(PAGE)
    (record,) = read(tmp_path / "wall.html")
    assert record.title == "Harbour wall"
    assert record.passage
    assert "built in 1887" in record.passage
    assert "fishing boats" in record.passage
    assert not any(word in record.passage for word in ("Cookies", "Shop", "<p>"))


def test_a_page_in_another_encoding_keeps_its_letters(tmp_path: Path) -> None:
    page = PAGE.replace("<head>", '<head><meta charset="iso-8859-1">').replace("the town", "die Stadt Münster, Straße")
    (tmp_path / "wall.html").write_bytes(page.encode("iso-8859-1"))
    (record,) = read(tmp_path / "wall.html")
    assert "Münster, Straße" in (record.passage or "")


def test_markdown_is_its_text_without_markup(tmp_path: Path) -> None:
    (tmp_path / "mill.md").write_text(MARKDOWN)
    (record,) = read(tmp_path / "mill.md")
    assert record.title == "The old mill"
    assert record.passage == "Before.\n\nThe old mill\n\nIt ground rye until 1901.\n\npart age\n\nwheel 90\n\nturn(wheel)"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_titled_by_its_file(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "old mill.txt").write_text("It ground rye — until 1901.\n", encoding=encoding)
    assert read(tmp_path / "old mill.txt") == [Record(1, passage="It ground rye — until 1901.", title="old mill")]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("The wall is closed.\n\nIt opens at nine.", "The wall is closed.\n\nIt opens at nine.\n\nAfter."),
        ("- one\n- two", "one\n\ntwo\n\nAfter."),
        ("title: [torn", "title: [torn\n\nAfter."),
        ("title: old\ntags: [a, b]", "After."),
    ],
)
def test_what_stands_between_two_rules_is_left_out_only_where_it_is_metadata(tmp_path: Path, block: str, text: str) -> None:
    (tmp_path / "mill.md").write_text(f"---\n{block}\n\n---\n\nAfter.\n")
    (record,) = read(tmp_path / "mill.md")
    assert record.passage == text


def test_what_a_page_does_not_show_is_not_read(tmp_path: Path) -> None:
    unseen = (
        '<p style="color: red; Display : NONE">Secret words that stand in no browser.</p>'
        "<p hidden>More words that stand in no browser.</p><noscript><p>Please enable scripts to see it.</p></noscript>"
    )
    (tmp_path / "wall.html").write_text(PAGE.replace("<p>It is", f"{unseen}<p>It is"))
    (record,) = read(tmp_path / "wall.html")
    assert "fishing boats" in (record.passage or "")
    assert not any(word in (record.passage or "") for word in ("browser", "scripts"))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("passage,title,passage\none,two,three\n")
    with pytest.raises(BadInput, match=r"a\.csv, line 1: two columns have the same name \(passage\)"):
        read(tmp_path / "a.csv")
    parquet.write_table(
        pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["passage", "passage"]), tmp_path / "b.parquet"
    )
    with pytest.raises(BadInput, match=r"b\.parquet: .*column 'passage': two columns have this name"):
        read(tmp_path / "b.parquet")


def test_columns_that_a_spreadsheet_left_empty_are_no_two_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("passage,,\none,,\n")
    assert [record.passage for record in read(tmp_path / "a.csv")] == ["one"]


@pytest.mark.parametrize(
    ("value", "text"), [(datetime.date(2020, 1, 2), "2020-01-02"), (Decimal("2.50"), "2.50"), (datetime.time(9), "09:00:00")]
)
def test_dates_and_exact_numbers_of_parquet_are_text_as_those_of_tables_are(tmp_path: Path, value: Any, text: str) -> None:
    parquet.write_table(pa.table({"passage": ["one"], "title": [value]}), tmp_path / "a.parquet")
    assert [record.title for record in read(tmp_path / "a.parquet")] == [text]


@pytest.mark.parametrize(
    "column",
    [
        pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")),
        pa.array([2**62], pa.timestamp("us")),
    ],
    ids=["no UTF-8", "beyond the calendar"],
)
def test_a_parquet_column_that_cannot_be_read_is_named(tmp_path: Path, column: Any) -> None:
    parquet.write_table(pa.table({"passage": ["one"], "noted": column}), tmp_path / "a.parquet")
    with pytest.raises(BadInput, match=r"a\.parquet: not a readable Parquet file \(column 'noted': "):
        read(tmp_path / "a.parquet")


def test_half_a_character_in_a_fields_name_is_shown_escaped(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"\\ud800": 1}\n')
    with pytest.raises(BadInput, match=r"found: \\ud800\.") as caught:
        read(tmp_path / "a.jsonl")
    assert str(caught.value).encode()


def test_a_sqlite_column_may_hold_what_its_type_does_not_allow(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "support.db") as base:
        base.execute("CREATE TABLE faq (id INTEGER PRIMARY KEY, passage TEXT, noted DATE, price NUMERIC)")
        base.execute("INSERT INTO faq VALUES (1, 'the first', 'yesterday', 'cheap'), (2, 'the second', '2020-01-02', 2.5)")
    base.close()
    for column, titles in {"noted": ["yesterday", "2020-01-02"], "price": ["cheap", "2.5"]}.items():
        more = {"format": "table", "path": "sqlite:///support.db", "table": "faq", "fields": {"title": column}}
        assert [record.title for record in read(tmp_path / "x", **more)] == titles


def table(path: Path, statement: str = "CREATE TABLE faq (id INTEGER PRIMARY KEY, passage TEXT, price REAL)") -> Path:
    with sqlite3.connect(path) as base:
        base.execute(statement)
        base.executemany("INSERT INTO faq VALUES (?, ?, ?)", [(2, "the second", 2.5), (1, "the first", 2.0)])
    base.close()
    return path


def test_a_table_is_read_in_the_order_of_its_key_and_never_written(tmp_path: Path) -> None:
    before = table(tmp_path / "support.db").read_bytes()
    more = {"format": "table", "path": "sqlite:///support.db", "table": "faq", "fields": {"title": "price"}}
    assert read(tmp_path / "x", **more) == [
        Record(1, passage="the first", title="2"),
        Record(2, passage="the second", title="2.5"),
    ]
    assert (tmp_path / "support.db").read_bytes() == before


@pytest.mark.parametrize(
    ("path", "name", "said"),
    [
        ("sqlite:///support.db", "wiki", "no such table; there are: faq"),
        ("sqlite:///other.db", "faq", "other.db: no such SQLite file"),
        ("sqlite:///broken.db", "faq", "file is not a database"),
        ("support.db", "faq", "'support.db' is no SQLAlchemy URL"),
        ("orakel://host/base", "faq", "is no SQLAlchemy URL of a known database"),
        ("postgresql+psycopg://me:secret@host/base", "faq", "holds a password"),
        ("mysql+pymysql://me@host/base?passwd=secret", "faq", "holds a password"),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Dsecret", "faq", "holds a password"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, path: str, name: str, said: str) -> None:
    table(tmp_path / "support.db")
    (tmp_path / "broken.db").write_text("no database" * 100)
    with pytest.raises(BadInput, match=said) as caught:
        read(tmp_path / "x", format="table", path=path, table=name)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "other.db").exists()


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingPackage, match="pip install oracledb"):
        read(tmp_path / "x", format="table", path="oracle+oracledb://me@host/base", table="faq")


def mixed(folder: Path) -> Path:
    """Documents and rows of every format, with what goes wrong in real folders."""
    (folder / "deep").mkdir(parents=True)
    (folder / "a wall.html").write_text(PAGE)
    (folder / "b mill.md").write_text(MARKDOWN)
    (folder / "c note.txt").write_text("A note.")
    (folder / "deep" / "d.csv").write_text("passage,title\nOne passage,first\nTwo passages,second\n")
    (folder / "deep" / "e.jsonl").write_text(json.dumps({"passage": "Three passages", "title": "third"}) + "\n")
    pd.DataFrame([{"passage": "Four passages", "title": "fourth"}]).to_parquet(folder / "deep" / "f.parquet")
    (folder / ".hidden.txt").write_text("not read")
    return folder


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    records = read(mixed(tmp_path / "docs"))
    assert [record.line for record in records] == [1, 2, 3, 4, 5, 6, 7]
    assert [record.title for record in records] == [
        *("Harbour wall", "The old mill", "c note"),
        *("first", "second", "third", "fourth"),
    ]
    assert [record.file for record in records][2:5] == ["c note.txt", "deep/d.csv, line 2", "deep/d.csv, line 3"]
    assert not any(record.fault for record in records)


def test_with_a_format_the_other_files_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    assert [record.title for record in read(mixed(tmp_path / "docs"), format="markdown")] == ["The old mill"]


def test_what_cannot_be_read_is_a_row_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("outside")
    (folder / "a.txt").write_bytes("Straße".encode("iso-8859-1"))
    (folder / "b.txt").write_bytes(b"MZ\0\0")
    (folder / "c.txt").write_text("  \n")
    (folder / "d.png").write_bytes(b"\x89PNG")
    (folder / "e.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "f.txt").symlink_to(folder / "nothing")
    (folder / "g.txt").symlink_to(folder / "g.txt")
    (folder / "h.html").write_text("<html><body></body></html>")
    (folder / "i.txt").write_text("Fine.")
    (folder / "j.txt").symlink_to(folder / "i.txt")
    (folder / "k").symlink_to(tmp_path)
    records = read(folder)
    assert [(record.file, record.fault) for record in records] == [
        ("a.txt", f"it is not UTF-8 text (line 1); save it as UTF-8; {CONVERT.format('Straße')}"),
        ("b.txt", "it is binary (it holds zero bytes)"),
        ("c.txt", "it holds no text"),
        ("d.png", f"its name ends in none of {', '.join(sorted(SUFFIXES))}"),
        ("e.txt", "it is a link out of the folder"),
        ("f.txt", "it is a link to nothing"),
        ("g.txt", "it is a link to nothing"),
        ("h.html", "no main text was found in the page"),
        ("i.txt", None),
        ("j.txt", None),
        ("k", "it is a link out of the folder"),
    ]
    assert not any(record.passage for record in records if record.fault)


def test_a_folder_or_a_file_inside_that_is_closed_is_a_row_with_its_reason() -> None:
    root = Path(tempfile.mkdtemp())  # a test's own folder is closed to all others
    try:
        (root / "closed").mkdir(mode=0o000)
        (root / "a.txt").write_text("Fine.")
        for name in ("d.csv", "e.jsonl", "f.parquet"):
            (root / name).touch(mode=0o000)
        root.chmod(0o755)
        was = os.geteuid()
        os.seteuid(pwd.getpwnam("nobody").pw_uid if was == 0 else was)  # nothing is closed to root
        try:
            records = read(root)
        finally:
            os.seteuid(was)
    finally:
        shutil.rmtree(root)
    assert [(record.file, record.fault) for record in records] == [
        ("a.txt", None),
        ("closed", "the folder cannot be read (Permission denied)"),
        *((name, "it cannot be read (Permission denied)") for name in ("d.csv", "e.jsonl", "f.parquet")),
    ]


def test_practice_of_nothing_readable_is_left_to_the_gate(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.png").write_bytes(b"\x89PNG")
    (record,) = read(tmp_path / "docs", role="practice")
    assert "its name ends in none of" in (record.fault or "")


def test_an_empty_folder_is_named_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(BadInput, match=r"data\.sources\.0\.path: .*docs: the folder holds no file"):
        read(tmp_path / "docs")
    (tmp_path / "docs" / "a.txt").write_text("a")
    with pytest.raises(BadInput, match="holds no markdown file"):
        read(tmp_path / "docs", format="markdown")


def test_a_file_whose_name_says_no_format_is_named_with_the_key(tmp_path: Path) -> None:
    (tmp_path / "faq.dat").write_text("{}")
    with pytest.raises(
        BadInput,
        match=r"Name it as data\.sources\.0\.format: conll, csv, docx, duckdb, epub, html, jsonl, markdown, parquet, pdf",
    ):
        read(tmp_path / "faq.dat")


def test_one_document_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xff")
    with pytest.raises(BadInput, match=r"data\.sources\.0\.path: .*a\.txt: it is not UTF-8 text"):
        read(tmp_path / "a.txt")


def test_documents_hold_no_answers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    task = Task(kind="question_answering", instruction="Answer.")
    source = Source(name="a", role="examples", path="a.txt", licence="mit", origin="tests")
    with pytest.raises(BadInput, match=r"data\.sources\.0\.role: .*must be 'knowledge' \(or 'unlabelled'\), not 'examples'"):
        read_source(source, 0, tmp_path / "a.txt", task)


@pytest.mark.parametrize("given", [{"format": "table"}, {"table": "faq"}])
def test_a_source_of_no_known_kind_is_refused_with_its_key(bench: Bench, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"data: key 'sources\.0"):
        bench.data({"name": "a", "path": "a.jsonl", **given})


def test_a_folders_digest_follows_names_and_contents(bench: Bench) -> None:
    folder = mixed(bench.folder / "docs")
    data = bench.data({"name": "docs", "role": "knowledge", "path": "docs"})
    digests = []
    for change in (
        lambda: None,
        lambda: (folder / ".hidden.txt").write_text("x"),
        lambda: (folder / "c note.txt").write_text(""),
    ):
        change()
        digests.append(source_digests(data, bench.folder, bench.workspace)["docs"])
    (folder / "c note.txt").rename(folder / "z note.txt")
    digests.append(source_digests(data, bench.folder, bench.workspace)["docs"])
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_the_step_of_data_reaches_the_readers_of_a_folders_files_and_no_other(bench: Bench) -> None:
    """An edited reader re-reads the folders that need it."""
    mixed(bench.folder / "docs")
    data = bench.data({"name": "docs", "role": "knowledge", "path": "docs"})
    formats = found_formats(data, bench.folder, bench.workspace)
    assert formats == {"docs": ["csv", "html", "jsonl", "markdown", "parquet", "text"]}
    reached = reached_files("components.data.stage", words=words_of(data, formats))
    readers = {path.stem for path in reached if path.parent.name == "readers"}
    assert {"csv", "html", "markdown", "parquet"} < readers
    assert not readers & {"conll", "docx", "epub", "pdf"}


def test_a_tables_digest_follows_its_rows(bench: Bench) -> None:
    table(bench.folder / "support.db")
    data = bench.data(
        {"name": "faq", "role": "knowledge", "path": "sqlite:///support.db", "format": "table", "table": "faq"}
    )
    before = source_digests(data, bench.folder, bench.workspace)
    with sqlite3.connect(bench.folder / "support.db") as base:
        base.execute("UPDATE faq SET passage = 'the third' WHERE id = 2")
    assert source_digests(data, bench.folder, bench.workspace) != before


ARRAY = """[
  {"question": "When was it built?", "answer": "1887"},

  {"question": "How long is it?",
   "answer": "400 metres"}, {"question": "Who mended it?", "answer": "[the town]"}
]
"""


def test_one_array_of_objects_is_read_like_lines_of_them(tmp_path: Path) -> None:
    path = tmp_path / "faq.json"
    path.write_text(ARRAY)
    source = Source(name="faq", role="examples", path="faq.json", licence="CC0-1.0", origin="made for a test")
    found = list(READERS["jsonl"](path, source))
    assert [line for line, _ in found] == [2, 4, 5]
    assert [row["answer"] for _, row in found] == ["1887", "400 metres", "[the town]"]
    path.write_text(" [ ] ")
    assert list(READERS["jsonl"](path, source)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[{"a": 1},\n {"a": }]', 2),
        ('[{"a": 1},\n]', 2),
        ('[{"a": 1}\n {"a": 2}]', 2),
        ('[{"a": 1}', 1),
        ('[{"a": 1}]\n{"a": 2}', 1),
        ("[1]", 1),
    ],
)
def test_a_broken_array_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "faq.json"
    path.write_text(text)
    source = Source(name="faq", role="examples", path="faq.json", licence="CC0-1.0", origin="made for a test")
    with pytest.raises(BadInput, match=rf"faq\.json, line {line}: "):
        list(READERS["jsonl"](path, source))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('{\n "question": "a",\n "answer": "1"\n}\n{\n "question": "b",\n "answer": "2"\n}\n', [1, 5]),
        ('{"question": "a", "answer": "1"}{"question": "b", "answer": "2"}', [1, 2]),
        ('[{"question": "a", "answer": "1"}, {"question": "b", "answer": "2"}]', [1, 2]),
        ('{"version": 1, "data": [{"question": "a", "answer": "1"}, {"question": "b", "answer": "2"}]}', [1, 2]),
        ('{"question": "a", "answer": "1"}\n\n{"question": "b", "answer": "2"}', [1, 3]),
    ],
    ids=["indented", "one behind the other", "one line", "inside", "lines"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_objects_are_read_however_they_are_laid_out_and_each_has_a_line_of_its_own(
    tmp_path: Path, text: str, lines: list[int], encoding: str
) -> None:
    (tmp_path / "a.json").write_text(text, encoding=encoding)
    source = Source(name="faq", role="examples", path="a.json", licence="CC0-1.0", origin="made for a test")
    assert [(line, row["answer"]) for line, row in READERS["jsonl"](tmp_path / "a.json", source)] == [
        (lines[0], "1"),
        (lines[1], "2"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1}\n{"a": }\n', r"line 2: not valid JSON .*\. Correct or remove the line"),
        ('{"a": "torn\n{"a": 1}\n', r"line 1: not valid JSON .*\. Correct or remove the line"),
        ('{\n "a": 1,\n "b": }\n', r"line 3: not valid JSON \(.*\)$"),
    ],
)
def test_a_broken_object_is_named_and_only_a_line_is_to_be_removed(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.json").write_text(text)
    source = Source(name="faq", role="examples", path="a.json", licence="CC0-1.0", origin="made for a test")
    with pytest.raises(BadInput, match=rf"a\.json, {said}"):
        list(READERS["jsonl"](tmp_path / "a.json", source))


SPREADSHEETS = Path(__file__).parents[1] / "cases/14-spreadsheet-csv"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "passage;title\nOne, two;first\n"),
        ("a.csv", "passage|title\nOne, two|first\n"),
        ("a.csv", 'sep=;\npassage;title\n"One, two";first\n'),
        ("a.csv", '"passage, whole";title\n"One, two";first\n'),
        ("a.csv", "passage, whole;title\nOne, two;first\nThree;second\n"),
        ("a.tsv", "passage\ttitle\nOne, two\tfirst\n"),
        ("a.tab", 'passage\ttitle\n"One, two\tfirst\n'),
        ("a.csv", 'passage,title\r"One, two",first\r'),
    ],
)
def test_columns_are_read_between_what_separates_them(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    fields = {"passage": "passage, whole"} if "whole" in content else {}
    record = read(tmp_path / name, fields=fields)[0]
    assert ((record.passage or "").lstrip('"'), record.title) == ("One, two", "first")


def test_one_column_of_texts_with_commas_is_still_refused_by_its_width(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("passage\nOne, two\n")
    with pytest.raises(BadInput, match=r"line 2: expected 1 columns \(passage\), found another number\. Quote .* commas"):
        read(tmp_path / "a.csv")


def test_a_row_of_another_width_names_the_separator(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("passage;title\nOne;first\nTwo; or three;second\n")
    with pytest.raises(BadInput, match=r"line 3: expected 2 columns .* Quote texts that hold semicolons"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["semi.csv", "tab.tsv", "utf16.csv"])
def test_what_a_spreadsheet_saves_is_read(name: str) -> None:
    source = Source(name="rows", role="examples", path=name, licence="CC0-1.0", origin="made for a test")
    task = Task(kind="classification", instruction="Sort.", labels=("negative", "positive"))
    records = read_source(source, 0, SPREADSHEETS / name, task)
    assert len(records) == 180
    assert {record.answer for record in records} == {"negative", "positive"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.conll"])
def test_rows_in_another_encoding_are_refused_with_line_and_what_to_do_in_a_folder_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "docs").mkdir()
    content = {
        "a.csv": "passage\nIm Café\n",
        "a.jsonl": '{"passage": "x"}\n{"passage": "Café"}\n',
        "a.conll": "x O\nCafé O\n",
    }
    (tmp_path / "docs" / name).write_bytes(content[name].encode("cp1252"))
    with pytest.raises(BadInput, match=r"not UTF-8 text \(line 2\); save it as UTF-8; as Windows-1252 it reads '.*Café"):
        read(tmp_path / "docs")
