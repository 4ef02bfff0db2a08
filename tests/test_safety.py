"""The promises of `make safety`, each row at a few tries; and that what is published is what the page shows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import safety
from bench.safety import ROWS, Cases, Figure, Tries, measure, publish, published
from bench.safety.disk import Recording
from bench.safety.page import PAGE, table, with_table

FIGURE = Figure(what="x", failed=0, n=10, allowed=0, of=0, date="2026-11-30", commit="c", seconds=1)


@pytest.mark.parametrize("name", ROWS)
def test_a_promise_holds_in_a_few_tries(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    figures = measure(name, tmp_path, lambda: request.getfixturevalue("finished"), "small")
    small = {key: tries.small for key, tries in safety.row(name).TRIES.items() if tries.small}
    assert {key: figure.n >= small[key] for key, figure in figures.items()} == dict.fromkeys(small, True)
    assert {key: figure.faults for key, figure in figures.items() if not figure.holds} == {}


def test_the_page_shows_what_is_published() -> None:
    text = PAGE.read_text()
    assert with_table(text, published()) == text, "run `python -m bench.safety`"
    for name in ROWS:
        assert safety.row(name).PROMISE in text
    assert set(published()) <= set(ROWS)


def test_a_row_that_was_not_measured_says_so() -> None:
    lines = table({"drift": {"clean": FIGURE.model_copy(update={"failed": 3, "n": 1000, "allowed": 0.01})}}).splitlines()
    clean, shifted = (line for line in lines if line.startswith("| Drift"))
    assert "| 3 (0.3%; 1% may) | 1,000 | 0.77% | 2026-11-30, `c` |" in clean
    assert "| not measured |" in shifted


def test_some_cases_of_a_list_are_not_shown_as_all() -> None:
    some = {key: FIGURE.model_copy(update={"n": n, "of": 15}) for key, n in (("promotion", 15), ("serving", 7))}
    first, second = (line for line in table({"signatures": some}).splitlines() if line.startswith("| Signed"))
    assert "| 0 | all 15 |  |" in first
    assert "| 0 | 7 of 15 |  |" in second


def planted(monkeypatch: pytest.MonkeyPatch, tries: Tries, trying: object) -> None:
    """A row `planted` with one figure."""

    @contextmanager
    def ready(folder: Path, finished: object) -> Iterator[dict[str, object]]:
        yield {"one": trying}

    row = SimpleNamespace(PROMISE="planted", TRIES={"one": tries}, ready=ready)
    monkeypatch.setattr(safety, "row", lambda name: row)


def test_a_killed_measurement_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def one(number: int) -> None:
        tried.append(number)
        if tried == [0, 1, 2]:
            raise KeyboardInterrupt

    monkeypatch.setattr(safety, "KEPT_EVERY", -1.0)
    planted(monkeypatch, Tries("faults", 5, 1), one)
    with pytest.raises(KeyboardInterrupt):
        measure("planted", tmp_path, lambda: None)
    figures = measure("planted", tmp_path, lambda: None)
    assert tried == [0, 1, 2, 2, 3, 4]
    assert figures["one"].n == 5
    monkeypatch.setattr(safety, "code_now", lambda name: "another")
    assert measure("planted", tmp_path, lambda: None, 1)["one"].n == 1, "of other code nothing is added up"


def test_a_broken_promise_is_counted_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one(number: int) -> None:
        assert number != 3, "three is lost"

    planted(monkeypatch, Tries("faults", 5, 1), one)
    figure = measure("planted", tmp_path, lambda: None)["one"]
    assert (figure.failed, figure.n, figure.holds) == (1, 5, False)
    assert figure.faults[0].startswith("try 3: three is lost")


def test_cases_are_each_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    planted(monkeypatch, Tries("faults", 0, 2), Cases("abcdef", tried.append))
    assert measure("planted", tmp_path, lambda: None, "small")["one"].n == 2
    assert measure("planted", tmp_path, lambda: None)["one"].of == 6
    assert sorted(tried) == [*"abcdef"]


def test_fewer_tries_replace_no_more_unless_something_failed(tmp_path: Path) -> None:
    path = tmp_path / "safety.json"
    fewer, failed = FIGURE.model_copy(update={"n": 5}), FIGURE.model_copy(update={"n": 5, "failed": 1})
    for figure, kept in ((FIGURE, FIGURE), (fewer, FIGURE), (failed, failed)):
        publish("torn_files", {"published": figure}, path)
        assert published(path) == {"torn_files": {"published": kept}}


def test_zero_of_three_hundred_means_at_most_one_percent() -> None:
    assert FIGURE.model_copy(update={"n": 300}).at_most == pytest.approx(0.01, abs=0.0005)


@pytest.mark.parametrize("synced", [True, False])
def test_a_file_that_is_renamed_before_it_is_synced_is_found_torn(tmp_path: Path, synced: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    recording = Recording(folder)
    with recording.watching():
        with (folder / "new").open("wb") as file:
            file.write(b"x" * 100)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        os.rename(folder / "new", folder / "value")
    states = []
    for number in range(40):
        recording.crash(number, tmp_path / str(number))
        path = tmp_path / str(number) / "value"
        states.append(path.stat().st_size if path.exists() else 100)
    assert (set(states) == {100}) == synced


def test_an_unknown_row_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    from bench.safety.__main__ import main

    for given, said in (
        (["nothing"], "row 'nothing': allowed are api, "),
        (["--n", "few"], "--n 'few': give a whole number"),
    ):
        with pytest.raises(SystemExit) as end:
            main(given)
        assert end.value.code == 2
        assert said in capsys.readouterr().err
