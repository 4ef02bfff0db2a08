"""A workspace is one folder of exactly the name that was given, or a sentence about that name."""

from pathlib import Path

import pytest

from components.core import BadInput, Workspace
from components.core.tracking import Tracking


@pytest.mark.parametrize("name", [" ü", "a#b", "a%20b", "a$HOME", "a&b=c", "a:b", "a'b\"c", "a\\b"])
def test_a_workspace_with_its_database_has_exactly_the_name_that_was_given(tmp_path: Path, name: str) -> None:
    Tracking(Workspace(tmp_path / name), "desk")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "mlflow.db").is_file()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("w?y", "'?'"), ("above?/below", "'?'"), ("a\nb", "cannot be printed"), ("a\udcffb", "cannot be printed")],
)
def test_a_name_that_a_library_reads_otherwise_is_refused(tmp_path: Path, monkeypatch, name: str, wrong: str) -> None:
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path / name))
    with pytest.raises(BadInput, match="^NINEFOLD_HOME: .*" + wrong.replace("?", r"\?")):
        Workspace()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_home_is_none(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NINEFOLD_HOME", "")
    assert Workspace().root == tmp_path / ".ninefold"
