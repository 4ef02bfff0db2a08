"""One contract for every file of `application/stores`, each taken through the real thing; numpy's hits are the measure."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from components.application import stores
from components.application.index_rows import IndexRows
from components.application.stores import NAMES, open_store, vector_store
from components.core import BadInput, MachineFault, MissingPackage, Store
from components.core.code import ROOT

from ..packages import said_with_only
from . import all_served, beside

INDEX = "1" * 64
QUESTIONS = 200


@pytest.fixture(scope="module", autouse=True)
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with all_served(tmp_path_factory.mktemp("stores")):
        yield


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, store: Store) -> Iterator[str]:
    yield request.param
    vector_store(request.param).drop(INDEX, store.derived)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def unit(count: int, seed: int, dimensions: int = 24) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rows(count: int = 700) -> IndexRows:
    """Three rows a passage, a passage with a quotation mark, thirty rows with one and the same vector, and a zero vector."""
    vectors = unit(count, seed=0)
    vectors[40:70] = vectors[7]
    vectors[80] = 0
    return IndexRows.of(tuple(f"o'hara {i // 3}" for i in range(count)), vectors)


def same_hits(name: str, form: stores.Form, oracle: stores.Form, when: str) -> None:
    """The numbers in the same order, and the cosines to six digits, for few hits, for ties at the cut and for all rows."""
    asked = unit(QUESTIONS, seed=1)
    asked[0] = rows().vectors[7]
    for limit in (1, 5, 20, 10_000, None):
        some = asked if limit in (1, 5, 20) else asked[:9]
        for (numbers, cosines), (wanted, best) in zip(form.search(some, limit), oracle.search(some, limit), strict=True):
            assert list(numbers[:20]) == list(wanted[:20]), f"store '{name}' {when}: other hits than numpy's, limit {limit}"
            assert sorted(numbers) == sorted(wanted), f"store '{name}' {when}: other rows than numpy's, limit {limit}"
            apart = np.abs(cosines - best).max(initial=0)
            assert apart < 2e-6, f"store '{name}' {when}: cosines differ by {apart}"


def contract(name: str, store: Store) -> None:
    """Opened, searched, added to, deleted from, and built again since it is not its index any more; then dropped."""
    whole, kind = rows(), vector_store(name)
    oracle = open_store("numpy", INDEX, whole, store)
    form = open_store(name, INDEX, whole, store)
    assert whole.equals(form.rows()), f"store '{name}': what it keeps is not what it was given"
    same_hits(name, form, oracle, "when built")
    again = open_store(name, INDEX, whole, store)
    same_hits(name, again, oracle, "when opened again")
    again.close()
    for one in (form, oracle):
        one.delete({"o'hara 2", "o'hara 5", "no such passage"})
    same_hits(name, form, oracle, "after rows were deleted")
    for one in (form, oracle):
        one.add(("new", "o'hara 2"), unit(2, seed=3))
    same_hits(name, form, oracle, "after rows were added")
    form.close()
    rebuilt = open_store(name, INDEX, whole, store)
    assert whole.equals(rebuilt.rows()), f"store '{name}': a form that was changed counts as its index"
    rebuilt.close()
    kind.drop(INDEX, store.derived)
    assert kind.held({INDEX}, store.derived) == set(), f"store '{name}': dropped, and still there"
    kind.drop(INDEX, store.derived)


def test_it_adds_deletes_and_finds_what_numpy_finds(name: str, store: Store) -> None:
    contract(name, store)


def test_a_torn_form_is_noticed_and_built_again(name: str, store: Store) -> None:
    whole, kind = rows(), vector_store(name)
    open_store(name, INDEX, whole, store).close()
    kept = kind.held({INDEX, "2" * 64}, store.derived)
    assert kept <= {INDEX}
    if not kept:
        return
    for tear in beside(name).TEARS:
        tear(INDEX, store.derived)
        form = open_store(name, INDEX, whole, store)
        assert whole.equals(form.rows()), tear.__name__
        form.close()


BUILD = """
import sys
from pathlib import Path
from components.application.stores import open_store
from components.core import Store
from tests.application.stores.test_stores import INDEX, rows
open_store(sys.argv[1], INDEX, rows(60_000), Store(Path(sys.argv[2])))
"""


def test_a_build_that_was_killed_leaves_nothing_half(name: str, store: Store) -> None:
    kind = vector_store(name)
    building = subprocess.Popen([sys.executable, "-c", BUILD, name, str(store.root)], cwd=ROOT)
    while building.poll() is None and not kind.held({INDEX}, store.derived):
        time.sleep(0.005)
    building.kill()
    assert building.wait() in (0, -9)
    whole = rows(60_000)
    form = open_store(name, INDEX, whole, store)
    assert whole.equals(form.rows())
    form.close()
    kind.drop(INDEX, store.derived)
    assert not kind.held({INDEX}, store.derived), "nor what the killed build left"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def drop(", "def other(", r"stores\.planted does not define drop \(see .*/stores/__init__\.py\)"),
        ("-np.round(", "np.round(", "store 'planted' when built: other hits than numpy's"),
        (
            "self._rows = IndexRows(there.numbers[stay]",
            "_ = IndexRows(there.numbers[stay]",
            "after rows were deleted: other",
        ),
        (".max(initial=-1)) + 1", ".max(initial=-1)) + 2", "after rows were added: other"),
        ("PACKAGES = ()", 'PACKAGES = ("no-such-package",)', "pip install no-such-package"),
        ("ENVIRONMENT = ()", 'ENVIRONMENT = ("NO_SUCH_URL",)', "needs the environment variable NO_SUCH_URL"),
    ],
)
def test_a_planted_bad_file_fails_with_a_clear_message(
    old: str, new: str, said: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (ROOT / "components/application/stores/numpy.py").read_text()
    assert old in good
    (tmp_path / "planted.py").write_text(good.replace(old, new).replace("from ..", "from components.application."))
    monkeypatch.setattr(stores, "NAMES", (*NAMES, "planted"))
    monkeypatch.setattr(stores, "__path__", [*stores.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "components.application.stores.planted", raising=False)
    with pytest.raises((AssertionError, MissingPackage, MachineFault), match=said):
        contract("planted", store)


def test_a_word_that_names_no_file_is_refused_with_those_that_do(store: Store) -> None:
    with pytest.raises(BadInput, match=r"retriever\.store 'faiss' is not known; allowed: .*lance, numpy"):
        open_store("faiss", INDEX, rows(), store)


def test_listing_the_stores_imports_none() -> None:
    probe = "import sys, components.application.stores; print(*{'lancedb', 'psycopg', 'numpy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []


SEARCH = """
import sys
from pathlib import Path
import numpy as np
from components.application.index_rows import IndexRows
from components.application.stores import open_store
from components.core import Store
vectors = np.eye(4, dtype=np.float32)
form = open_store(sys.argv[1], "1" * 64, IndexRows.of(tuple("abcd"), vectors), Store(Path(sys.argv[2])))
print(form.search(vectors[2:3], 1)[0][0][0])
"""


def test_the_packages_that_a_store_names_are_enough(name: str, store: Store, tmp_path: Path) -> None:
    packages = vector_store(name).PACKAGES
    assert said_with_only(packages, SEARCH, name, str(store.root), folder=tmp_path) == ["2"]
