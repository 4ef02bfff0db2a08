from pathlib import Path

import pytest

from components.core import code


@pytest.fixture
def project(tmp_path, monkeypatch):
    package = tmp_path / "components" / "a"
    package.mkdir(parents=True)
    (tmp_path / "components" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("from .one import f\nfrom .two import g\n")
    (package / "one.py").write_text('"""Says."""\ndef f():\n    return 1\n')
    (package / "two.py").write_text("def g():\n    return 2\n")
    (tmp_path / "components" / "b.py").write_text("from components.a import f\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    return package


def digest() -> str:
    for cached in (code._imports, code._defining, code._file, code._stripped):
        cached.cache_clear()
    return code.code_digest("components.b")


def edit(path: Path, text: str) -> str:
    path.write_text(text)
    return digest()


def test_comments_and_docstrings_cost_nothing(project):
    before = digest()
    assert edit(project / "one.py", '"""Says something else."""\n# why\ndef f():\n    """Doc."""\n    return 1\n') == before


def test_code_it_reaches_changes_the_digest(project):
    before = digest()
    assert edit(project / "one.py", "def f():\n    return 3\n") != before


def test_a_sibling_that_it_never_imports_does_not(project):
    before = digest()
    assert edit(project / "two.py", "def g():\n    return 5\n") == before
