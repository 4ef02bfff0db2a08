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


def read_anew() -> None:
    """What was cached of the files' text is read again: a test edits them."""
    for cached in vars(code).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


def digest() -> str:
    read_anew()
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


def listed(project: Path, user: str) -> Path:
    """A listed folder with two variants; `user` is the code of `components/b.py`, which imports the folder."""
    folder = project / "kinds"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from importlib import import_module\ndef get(name):\n    return import_module(name)\n"
    )
    (folder / "used.py").write_text("X = 1\n")
    (folder / "many.py").write_text('NAMES = ("hit@1", "hit@5")\nX = 1\n')
    (project.parent / "b.py").write_text(f"from components.a.kinds import get\n{user}\n")
    return folder


def reached(*words: str) -> set[str]:
    read_anew()
    return {path.stem for path in code.reached_files("components.b", words=frozenset(words))} - {"b", "__init__"}


def test_of_a_listed_folder_only_named_files_are_reached(project):
    listed(project, "")
    assert reached() == set()
    assert reached("used") == {"used"}
    assert reached("hit@5") == {"many"}, "by what its NAMES hold"


def test_a_variant_is_named_by_a_string_in_the_code_too_but_not_by_a_docstring(project):
    folder = listed(project, 'DEFAULT = "used"')
    assert reached() == {"used"}
    (folder / "used.py").write_text('"""many"""\nX = "hit@1"\n')
    assert reached() == {"used", "many"}, "and what a variant names in turn"
    listed_text = (folder / "used.py").write_text('"""hit@1"""\n')
    assert listed_text
    assert reached() == {"used"}


def test_a_new_variant_changes_no_digest(project):
    folder = listed(project, 'DEFAULT = "used"')
    before = digest()
    (folder / "fresh.py").write_text("X = 2\n")
    assert digest() == before
    assert edit(folder / "used.py", "X = 3\n") != before


def test_words_are_whole_texts_their_parts_and_endings_of_files():
    assert {"bm25", "rows.csv", ".csv", "csv", "two words", "words", "key"} <= code.words_of(
        {"key": ["bm25", "rows.csv"]}, {"x": "two words"}
    )
