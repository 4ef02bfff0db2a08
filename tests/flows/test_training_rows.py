"""`ninefold tuning show`: the rows that tuning trains on, with what is learned, and nothing trained."""

import json
import re

import pytest

from components.application.prompt import MAX_CONTEXT_WORDS, is_cut
from components.core import Task, Workspace
from components.core.code import ROOT
from components.training.examples import tuned_prompt
from flows.training_rows import Report, show
from tests.conftest import USE_CASE, Finished, new_home, ninefold


def report() -> Report:
    row = {"kind": "training", "tokens": 9, "masked": "<|user|>\nhow many [bold]\x1b[2J", "learned": "seven<|end|>"}
    return {
        "use_case": "desk", "model": "two-layer", "shown_with": "the candidate that this run tunes",
        "counts": {"retrieved": 3, "too long": 1}, "cut": 2, "left_out": 1, "max_tokens": 512, "longest": [600, 12],
        "learned": 2, "tokens": 9, "rows": [row],
    }  # fmt: skip


@pytest.mark.parametrize("variable", ["NO_COLOR", "nothing"])
def test_without_colour_what_is_learned_is_marked(variable: str, monkeypatch, capsys) -> None:
    monkeypatch.setenv(variable, "1")
    if variable == "NO_COLOR":
        monkeypatch.setenv("FORCE_COLOR", "1")
    show(report())
    shown = capsys.readouterr().out
    assert "how many [bold]\\x1b[2J«seven<|end|>»" in shown, "and nothing in a row steers the terminal"
    assert "learned (between « and »): 2 of 9 tokens of one pass, 22.2%" in shown
    assert "longer than max_tokens (512): 1; shown without their end: 2; longest: 600, 12 tokens" in shown


def test_on_a_terminal_it_is_in_colour_and_what_is_masked_is_dim(monkeypatch, capsys) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    show(report())
    shown = capsys.readouterr().out
    assert re.search(r"\x1b\[2m<\|user\|>", shown)
    assert re.search(r"\x1b\[1;32mseven<\|end\|>\x1b\[0m", shown)
    assert "«" not in shown.split("learned (in colour)")[0]


def test_a_text_whose_end_is_not_shown_counts_as_cut() -> None:
    words = " ".join(["word"] * MAX_CONTEXT_WORDS)
    prompt = tuned_prompt(Task(kind="question_answering", instruction="Answer."), True)
    assert not is_cut(prompt, "who", (words,))
    assert is_cut(prompt, "who", (words, "one more"))
    assert is_cut(prompt, "who", (words + " more",))
    assert not is_cut(prompt, "who", ())


def test_the_rows_are_those_that_the_run_trained_on(finished: Finished) -> None:
    before = sorted(path.name for path in Workspace(finished.home).store.root.glob("steps/*"))
    done = ninefold(finished.home, "tuning", "show", str(USE_CASE), "--profile", "smoke", "--rows", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["shown_with"] == "the candidate that this run tunes"
    seals = Workspace(finished.home).store.seals()
    tuned = next(seal for seal in seals if seal.name == "components.tuning.tune")
    counted = ", ".join(f"{count} {name}" for name, count in found["counts"].items())
    assert tuned.result["notes"][0] == f"training rows: {counted}"
    assert [row["kind"] for row in found["rows"]] == ["practice", "practice", "training", "training"]
    assert all(row["learned"].endswith("<|im_end|>") and row["masked"].endswith("assistant\n") for row in found["rows"])
    assert found["left_out"] >= found["counts"]["too long"]
    assert 0 < found["learned"] < found["tokens"]
    after = sorted(path.name for path in Workspace(finished.home).store.root.glob("steps/*"))
    assert after == before, "nothing was sealed: nothing ran"


def test_before_a_run_only_the_data_is_prepared(tmp_path) -> None:
    home = new_home(tmp_path)
    reviews = ROOT / "flows/use_cases/film_reviews.yaml"
    done = ninefold(home, "tuning", "show", str(reviews), "--profile", "smoke", "--rows", "1")
    assert done.returncode == 0, done.stderr
    assert "«positive<|im_end|>»" in done.stdout or "«negative<|im_end|>»" in done.stdout
    assert "use_case has not run here: the first model that can run here" in done.stdout
    names = {seal.name for seal in Workspace(home).store.seals()}
    assert "components.data.prepare" in names
    assert not {name for name in names if name.startswith(("components.tuning", "components.selection"))}


def test_no_row_is_asked_for(tmp_path) -> None:
    done = ninefold(tmp_path, "tuning", "show", str(USE_CASE), "--rows", "0")
    assert done.returncode == 2
    assert "--rows" in done.stderr
