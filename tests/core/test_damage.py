"""What is damaged on the disk is noticed when it is read, named, set aside and made again."""

import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.core import Frozen, Machine, MachineFault, Seal, Step, Store, Workspace
from components.core import store as store_module
from components.core.candidate import read_candidate
from components.core.errors import Damaged


class Made(Frozen):
    object: str


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def tear(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


DAMAGES = (flip, tear, empty, Path.unlink)
damages = pytest.mark.parametrize("damage", DAMAGES)


@pytest.fixture
def step(tmp_path: Path) -> Step:
    workspace = Workspace(tmp_path / "home")
    return Step("outer", workspace.store.scratch("outer"), workspace, Machine())


def made(step: Step) -> tuple[Made, int]:
    """A sub-step that writes two files, and how many times it had to."""
    times = 0

    def make(inner: Step) -> Made:
        nonlocal times
        times += 1
        (inner.scratch / "folder").mkdir(exist_ok=True)
        (inner.scratch / "folder/rows.jsonl").write_text('{"id": 1}\n' * 50)
        (inner.scratch / "folder/notes.txt").write_text("ab" * 50)
        return Made(object=inner.store.put(inner.scratch / "folder"))

    return step.memo("made", Made, ["input"], make, code=("components.core.digest",)), times


@damages
@pytest.mark.parametrize("file", ["rows.jsonl", "manifest.json"])
def test_a_step_whose_object_is_damaged_is_done_again(
    step: Step, damage: Callable[[Path], None], file: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = made(step)
    damage(step.store.path(first.object) / file)
    assert made(step) == (first, 1)
    assert step.store.damaged() == []
    assert made(step) == (first, 0)
    if (damage, file) != (Path.unlink, "manifest.json"):  # without its manifest it was never an object
        assert f"{first.object}: damaged ({file}); set aside as " in caplog.text
        assert (step.store.root / f"scratch/damaged-{first.object}").is_dir()


@damages
def test_a_damaged_object_is_not_read(step: Step, damage: Callable[[Path], None]) -> None:
    (digest, store) = (made(step)[0].object, step.store)
    file = store.path(digest) / "rows.jsonl"
    damage(file)
    for read in (store.path, store.manifest, store.file):
        with pytest.raises(MachineFault, match=rf"{digest}(/rows\.jsonl: damaged .*set aside; run again|: run the step)"):
            read(digest)


@pytest.mark.parametrize("damage", [flip, tear, empty])
def test_a_step_whose_seal_is_damaged_is_done_again(
    step: Step, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = made(step)
    (seal,) = (step.store.root / "steps").iterdir()
    seal.write_text(json.dumps(json.loads(seal.read_text())))  # another spacing is no damage
    assert made(step) == (first, 0)
    damage(seal)
    assert made(step) == (first, 1)
    assert f"{seal}: damaged (" in caplog.text
    assert len(step.store.seals()) == 1


def test_a_seal_without_a_digest_of_its_own_holds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.seal(seal := Seal(key="k", name="earlier", result={"a": 1}))
    path = tmp_path / "steps/k.json"
    path.write_text(seal.model_dump_json())
    assert store.sealed("k") == seal


def test_a_damaged_seal_is_no_reason_to_forget_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path)
    for key in "ab":
        store.seal(Seal(key=key, name="made", result={}))
    tear(tmp_path / "steps/a.json")
    with caplog.at_level(logging.WARNING):
        assert [seal.key for seal in store.seals()] == ["b"]
    store.unseal("a", "asked for")
    assert str(tmp_path / "steps/a.json") in caplog.text


def test_what_is_put_or_copied_replaces_a_damaged_object(step: Step, tmp_path: Path) -> None:
    digest, other = made(step)[0].object, Store(tmp_path / "other")
    step.store.copy_to(other, [digest])
    flip(other.path(digest) / "rows.jsonl")
    step.store.copy_to(other, [digest])
    assert other.damaged() == []
    flip(step.store.path(digest) / "rows.jsonl")
    (tmp_path / "again").mkdir()
    for name in ("rows.jsonl", "notes.txt"):
        (tmp_path / "again" / name).write_bytes((other.path(digest) / name).read_bytes())
    assert step.store.put(tmp_path / "again") == digest
    assert step.store.damaged() == []


def test_a_bundle_that_is_damaged_stays_as_it_is(step: Step, tmp_path: Path) -> None:
    digest, bundle = made(step)[0].object, Store(tmp_path / "bundle")
    step.store.copy_to(bundle, [digest])
    flip(bundle.path(digest) / "rows.jsonl")
    with pytest.raises(Damaged, match="by the deployment stage"):
        bundle.path(digest)
    assert bundle.has(digest)


def test_an_object_is_hashed_once_and_again_when_it_was_written(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, hashed = made(step)[0].object, []
    monkeypatch.setattr(
        store_module, "file_digest", lambda path, real=store_module.file_digest: hashed.append(path) or real(path)
    )
    file = step.store.path(digest) / "rows.jsonl"
    before = len(hashed)
    for _ in range(3):
        step.store.path(digest)
        Workspace(step.workspace.root).store.path(digest)
    assert len(hashed) == before
    state = file.stat()
    flip(file)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(Damaged):
        step.store.path(digest)


def test_whether_a_finished_step_was_changed_is_seen_without_hashing_what_was_not(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = made(step)[0].object
    (seal,) = step.store.seals()
    with monkeypatch.context() as patched:
        patched.setattr(store_module, "file_digest", None)
        assert not step.store.changed(seal.key)
    flip(step.store.path(digest) / "rows.jsonl")
    assert step.store.changed(seal.key)
    assert not step.store.changed("no such step")


@pytest.mark.parametrize("of", ["object", "seal"])
def test_a_store_is_not_whole_until_what_was_damaged_is_made_again(step: Step, of: str) -> None:
    first, _ = made(step)
    (seal,) = (step.store.root / "steps").iterdir()
    flip(step.store.path(first.object) / "rows.jsonl" if of == "object" else seal)
    if of == "object":
        step.store.whole()  # nobody read it, so nobody knows
        with pytest.raises(Damaged):
            step.store.path(first.object)
    name = first.object if of == "object" else seal.stem
    for _ in range(2):
        with pytest.raises(Damaged, match=rf"scratch/damaged-{name}: damaged .*run again its use case.*or delete it"):
            step.store.whole()
    assert made(step) == (first, 1)
    step.store.whole()
    flip(seal)
    step.store.seals()
    step.store.forget(first.object, "asked for")
    shutil.rmtree(step.store.root / f"scratch/damaged-{seal.stem}")
    step.store.whole()


def test_a_torn_candidate_is_named_and_not_called_another_versions(tmp_path: Path) -> None:
    path = tmp_path / "candidate.json"
    path.write_text('{"model": {"na')
    with pytest.raises(Damaged, match=rf"^{path}: damaged \(Invalid JSON.*run its use case again"):
        read_candidate(path, "desk version 1")
