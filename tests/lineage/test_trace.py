"""A row or a passage is followed from its line to the releases of its data; one that was left out, to the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.core import BadInput, Store, digest_of
from components.lineage import trace
from components.text import words

from .small import ROWS, filled, put, seal

RIGHTS = {"licence": "mit", "origin": "the desk"}
ROW, DROPPED, PASSAGE, CAPPED = "a" * 16, "d" * 16, "e" * 12, "f" * 12
TEXT = "Which tea is this?"


def prepared(home: Path) -> Store:
    """A data step with its lists, a base of one passage, and a release of both."""
    workspace = filled(home)
    lines = [
        {"part": "train", "id": ROW, "words": "0" * 12, "source": "calls", "line": 7},
        {"part": "train", "id": DROPPED, "words": digest_of(words(TEXT))[:12], "source": "calls", "line": 8},
        {"part": "knowledge", "id": PASSAGE, "source": "docs", "line": 1, "file": "tea.md"},
        {"part": "knowledge", "id": CAPPED, "source": "docs", "line": 2, "file": "mill.md"},
        {"part": "knowledge", "id": "c" * 12, "source": "calls", "line": 8},
    ]
    dropped = [
        {
            "part": "train",
            "source": "calls",
            "line": 8,
            "step": "profile",
            "reason": "more train rows than the profile uses",
        },
        {"part": "knowledge", "source": "docs", "line": 2, "file": "mill.md", "step": "gopher", "reason": "3 words"},
        {"part": "knowledge", "source": "docs", "line": 1, "step": "spans", "reason": "stood before", "cut": "0" * 64},
        {"source": "calls", "line": 9, "step": "gate", "reason": "answer is missing or is not text"},
    ]
    known = {
        "sources": [{"name": name, **RIGHTS} for name in ("calls", "docs")],
        "lines": put(workspace, "lines", lines_jsonl=lines),
        "dropped_rows": put(workspace, "dropped", dropped_jsonl=dropped),
    }
    tea = {"id": PASSAGE, "text": "Tea is made of leaves.", "source": "docs"}
    bases = {
        "knowledge": [tea, {"id": "9" * 12, "text": "A test row is about this.", "source": "docs"}],
        "training_knowledge": [tea],
    }
    split = {"name": "train", "object": put(workspace, "train", rows_jsonl=ROWS["train"]), "count": 1}
    dataset: dict[str, Any] = {
        "splits": {"train": split},
        **{
            name: {"name": name, "object": put(workspace, name, passages_jsonl=held), "count": len(held)}
            for name, held in bases.items()
        },
        "provenance": put(workspace, "known", provenance_json=json.dumps(known)),
    }
    seal(workspace, "d", "components.data.prepare", {"dataset": dataset})
    for key, name in (("e", "retrieval.retrieve"), ("b", "tuning.tune")):
        seal(workspace, key, f"components.{name}", {}, dataset=dataset)
    release = {"release": {"model_name": "desk", "version": 3}}
    seal(workspace, "f", "components.deployment.deploy", release, dataset=dataset)
    return workspace.store


@pytest.mark.parametrize("wanted", [ROW, "calls:7", "what did ada@example.org ask for"])
def test_a_row_names_its_line_its_licence_and_the_version_of_its_data(tmp_path: Path, wanted: str) -> None:
    found = trace(prepared(tmp_path), wanted)
    assert found["row"]["id"] == ROW
    assert found["read"] == [{"source": "calls", "line": 7, **RIGHTS}]
    assert found["released"] == ["desk 3"]
    assert found["training"] == "weights are made from this"


@pytest.mark.parametrize("wanted", [PASSAGE, "docs:1", "Tea is made of leaves"])
def test_a_passage_is_followed_as_a_row_is(tmp_path: Path, wanted: str) -> None:
    found = trace(prepared(tmp_path), wanted)
    assert (found["passage"]["id"], found["released"]) == (PASSAGE, ["desk 3"])
    assert found["read"] == [{"source": "docs", "line": 1, "file": "tea.md", **RIGHTS}]
    assert {"retrieval", "tuning"} <= set(found["read_by"])


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (DROPPED, "more train rows than the profile uses"),
        (TEXT.upper(), "more train rows than the profile uses"),
        (CAPPED, "3 words"),
        ("docs:2", "3 words"),
        ("calls:9", "answer is missing or is not text"),
    ],
)
def test_what_was_left_out_names_its_reason(tmp_path: Path, wanted: str, reason: str) -> None:
    (one,) = trace(prepared(tmp_path), wanted)["left_out"]
    assert one["reason"] == reason
    assert {name: one[name] for name in RIGHTS} == RIGHTS


@pytest.mark.parametrize("wanted", ["", "calls", "calls:10", "b" * 12, "?"])
def test_what_is_no_row_of_the_workspace_is_bad_input(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(BadInput, match=r"--row .*: no row or passage of this workspace"):
        trace(prepared(tmp_path), wanted)
