"""The use cases under tests/cases whose labels, rows or words were taken for others."""

import json
from pathlib import Path

import pytest

from components.application import load_retriever
from components.core import Machine, Retriever, Row, Step, UseCase, Workspace, read_yaml
from components.core.code import ROOT
from components.data import Config, Prepared, prepare, source_digests
from components.measure import per_example
from components.text import matching_label
from components.text.suppression import NOTHING
from components.use_case import check_contract

CASES = ROOT / "tests/cases"
FOLDED = sorted((CASES / "01-labels-folded").glob("*.yaml"))


def prepared(contract: Path, home: Path) -> tuple[Prepared, dict]:
    """The stage `data` of a case, and its provenance."""
    case, workspace = read_yaml(contract, UseCase), Workspace(home)
    step = Step("k" * 64, workspace.store.scratch("k" * 64), workspace, Machine())
    sources = source_digests(case.data, contract.parent, workspace)
    done = prepare(
        Config(benchmarks=()), task=case.task, data=case.data, policy=case.policy, sources=sources, folder=contract.parent,
        suppressed=NOTHING, hub=(), step=step,
    )  # fmt: skip
    return done, json.loads(workspace.store.file(done.dataset.provenance).read_text())


@pytest.mark.parametrize("path", FOLDED, ids=lambda path: path.stem)
def test_the_other_label_is_wrong_whatever_they_differ_by(path: Path) -> None:
    case = read_yaml(path, UseCase)
    check_contract(case)
    for right in case.task.labels:
        for said in case.task.labels:
            found = per_example(case.task, Row(id="1", text="x", answer=right), said, None)
            assert found["accuracy"] == float(said == right)
            assert matching_label(case.task.labels, f" {said} ") == said


@pytest.mark.parametrize(
    ("path", "rows"),
    [("02-sign-is-no-word/signs.yaml", 140), ("03-c-cpp-csharp/languages.yaml", 96)],
    ids=["signs", "languages"],
)
def test_rows_that_a_sign_tells_apart_are_all_kept(path: str, rows: int, tmp_path: Path) -> None:
    _, provenance = prepared(CASES / path, tmp_path)
    assert sum(one["rows"] for one in provenance["split_rows"].values()) + sum(provenance["dropped"].values()) == rows
    assert not any("duplicate" in reason for reason in provenance["dropped"])


def test_the_passage_of_a_town_is_found_in_text_without_spaces(tmp_path: Path) -> None:
    contract = CASES / "07-chinese-questions/chinese.yaml"
    done, provenance = prepared(contract, tmp_path)
    store = Workspace(tmp_path).store
    search = load_retriever(Retriever(scoring="bm25", knowledge=done.dataset.knowledge.object), store, Machine()).search
    rows = [row for split in done.dataset.splits for row in done.dataset.rows(split, store)]
    assert len(rows) > 80
    assert [hits[0].passage for hits in search([row.text for row in rows], 1)] == [row.passage for row in rows]
    task = read_yaml(contract, UseCase).task
    assert per_example(task, Row(id="1", text="x", answer="瓷器"), "瓷器。", None)["exact_match"] == 1
    assert "toxicity of the data: not measured: English only (task.language is 'zh')" in provenance["bias"]["not_measured"]
