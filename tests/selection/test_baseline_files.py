"""Every plain baseline is fitted in one folder, answers in another, and belongs to a kind of task (tests/tasks tries it)."""

import importlib
import re
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from components.application import baselines as answered
from components.core import BadInput, Baseline, Candidate, Runtime
from components.selection import baselines as fitted
from components.tasks import kind_of
from components.tasks import names as kinds
from tests.tasks.small import solved, step_in


def is_whole(name: str) -> None:
    """It can be fitted and can answer, and a kind of task asks for it."""
    fits = importlib.import_module(f"{fitted.__name__}.{name}")
    assert callable(getattr(fits, "fit", None)), f"components/selection/baselines/{name}.py must define fit"
    where = f"components/application/baselines/{name}.py"
    assert name in answered.names(), f"{where} is missing: what is fitted must answer"
    answers_with_its_packages(name)
    asking = [kind for kind in kinds() if kind_of(kind).baseline == name]
    assert asking, f"components/selection/baselines/{name}.py: no kind of task names it (components/tasks)"


def answers_with_its_packages(name: str) -> None:
    module = importlib.import_module(f"{answered.__name__}.{name}")
    for needed in ("load", "PACKAGES"):
        assert hasattr(module, needed), f"components/application/baselines/{name}.py must define {needed}"
    assert all(version(package) for package in answered.packages(name))


@pytest.mark.parametrize("name", fitted.names())
def test_what_is_fitted_answers_and_belongs_to_a_kind(name: str) -> None:
    is_whole(name)


@pytest.mark.parametrize("name", answered.names())
def test_what_answers_says_what_it_needs(name: str) -> None:
    answers_with_its_packages(name)


@pytest.mark.parametrize("name", fitted.names())
def test_a_fitted_baseline_is_named_by_its_file(name: str, tmp_path: Path) -> None:
    for kind in kinds():
        if kind_of(kind).baseline == name:
            case, step = solved(kind), step_in(tmp_path / kind)
            candidate = fitted.fit(case.task, case.metrics, case.dataset(step), None, step)
            assert candidate.baseline
            assert candidate.baseline.kind == name
            assert candidate.task == kind


def test_an_unknown_baseline_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    candidate = Candidate(task="classification", runtime=Runtime(engine="baseline"), baseline=Baseline(kind="oracle"))
    with pytest.raises(BadInput, match=r"baseline 'oracle' is not known; allowed: best_sentence, constant"):
        answered.load(candidate, step_in(tmp_path).store)


@pytest.mark.parametrize(
    ("fit", "answer", "said"),
    [
        ("", None, "components/selection/baselines/planted.py must define fit"),
        ("def fit(*given): ...", None, "components/application/baselines/planted.py is missing"),
        (
            "def fit(*given): ...",
            "def load(*given): ...",
            "components/application/baselines/planted.py must define PACKAGES",
        ),
        ("def fit(*given): ...", "PACKAGES = ()", "components/application/baselines/planted.py must define load"),
        (
            "def fit(*given): ...",
            "PACKAGES = ()\ndef load(*given): ...",
            "components/selection/baselines/planted.py: no kind of task names it",
        ),
    ],
)
def test_a_bad_file_is_named_with_what_it_lacks(
    fit: str, answer: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(fitted, fit, tmp_path / "fitted", monkeypatch)
    if answer is not None:
        plant(answered, answer, tmp_path / "answered", monkeypatch)
    with pytest.raises(AssertionError, match=re.escape(said)):
        is_whole("planted")


def plant(package: ModuleType, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "planted.py").write_text(f'"""Planted."""\n{text}\n')
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, f"{package.__name__}.planted", raising=False)
