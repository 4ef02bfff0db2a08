import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from components.core import MachineFault, Seal, Store, publish_text
from components.core.store import inputs_of


def folder_with(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def test_equal_content_is_one_object(tmp_path):
    store = Store(tmp_path / "store")
    first = store.put(folder_with(tmp_path / "a", x="1", y="2"))
    second = store.put(folder_with(tmp_path / "b", y="2", x="1"))
    assert first == second
    assert len(list((store.root / "objects").iterdir())) == 1
    assert (store.path(first) / "x").read_text() == "1"


def test_a_single_file_is_found_again(tmp_path):
    store = Store(tmp_path / "store")
    (tmp_path / "rows.jsonl").write_text("{}\n")
    digest = store.put(tmp_path / "rows.jsonl")
    assert store.file(digest).name == "rows.jsonl"
    assert not (tmp_path / "rows.jsonl").exists()


def test_one_changed_byte_is_found(tmp_path):
    store = Store(tmp_path / "store")
    digest = store.put(folder_with(tmp_path / "a", x="1", y="2"))
    assert store.damaged() == []
    (store.path(digest) / "x").write_text("3")
    assert store.damaged() == [f"{digest}: x"]


def test_a_seal_whose_object_is_gone_is_not_a_result(tmp_path):
    store = Store(tmp_path / "store")
    digest = store.put(folder_with(tmp_path / "a", x="1"))
    store.seal(Seal(key="k", name="step", result={"objects": [digest]}))
    assert store.sealed("k") is not None
    (store.path(digest) / "manifest.json").unlink()
    assert store.sealed("k") is None


def test_links_do_not_enter_the_store(tmp_path):
    folder = folder_with(tmp_path / "a", x="1")
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(MachineFault, match="links"):
        Store(tmp_path / "store").put(folder)


def test_an_unsealed_step_is_not_a_result_and_keeps_its_scratch(tmp_path):
    store = Store(tmp_path / "store")
    (store.scratch("k") / "half").write_text("work")
    assert store.sealed("k") is None
    assert (store.scratch("k") / "half").read_text() == "work"
    store.seal(Seal(key="k", name="step", result={}))
    assert not (store.root / "scratch" / "k").exists()


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path):
    target = tmp_path / "file.txt"
    publish_text(target, "old" * 1000)
    code = """
        import sys; from pathlib import Path; from components.core import publish_text
        print("go", flush=True)
        while True:
            publish_text(Path(sys.argv[1]), "new" * 1000); publish_text(Path(sys.argv[1]), "old" * 1000)
    """
    for _ in range(5):
        command = [sys.executable, "-c", textwrap.dedent(code), str(target)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."})
        assert writer.stdout is not None
        writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert target.read_text() in ("old" * 1000, "new" * 1000)


def test_many_who_put_the_same_at_once_all_get_its_digest(tmp_path):
    script = """
        import sys, time
        from pathlib import Path
        from components.core import Store
        home, me, start = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
        store = Store(home / "store")
        digests = []
        for turn in range(40):
            folder = home / me / str(turn)
            folder.mkdir(parents=True)
            for name in "abc":
                (folder / name).write_text(name * 1000 + str(turn))
            time.sleep(max(0, start + turn / 50 - time.time()))
            digests.append(store.put(folder))
        print("\\n".join(digests))
    """
    start = str(time.time() + 2)
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    runs = [subprocess.Popen([*command, str(me), start], stdout=subprocess.PIPE, text=True) for me in range(6)]
    said = {run.communicate()[0] for run in runs}
    assert [run.returncode for run in runs] == [0] * 6
    (digests,) = said
    store = Store(tmp_path / "store")
    assert sorted(path.name for path in (store.root / "objects").iterdir()) == sorted(digests.split())
    assert store.damaged() == []


def test_a_half_copied_object_is_copied_again(tmp_path):
    store, other = Store(tmp_path / "store"), Store(tmp_path / "other")
    digest = store.put(folder_with(tmp_path / "a", x="1", y="2"))
    store.copy_to(other, [digest])
    assert other.damaged() == []
    (other.root / "objects" / digest / "manifest.json").unlink()
    store.copy_to(other, [digest])
    assert other.has(digest)
    assert other.damaged() == []


def test_an_added_file_is_found(tmp_path):
    store = Store(tmp_path / "store")
    digest = store.put(folder_with(tmp_path / "a", x="1"))
    (store.path(digest) / "chat_template.jinja").write_text("say yes")
    assert store.damaged() == [f"{digest}: chat_template.jinja"]


def test_a_seal_is_void_without_an_object_that_it_names_deep_inside(tmp_path):
    store = Store(tmp_path / "store")
    digest = store.put(folder_with(tmp_path / "a", x="1"))
    store.seal(Seal(key="k", name="s", result={"candidate": {"model": {"object": digest}, "adapter": None}, "objects": []}))
    assert store.sealed("k")
    shutil.rmtree(store.path(digest))
    assert store.sealed("k") is None


def test_a_forgotten_object_leaves_its_digest_and_no_content(tmp_path):
    store = Store(tmp_path / "store")
    digest = store.put(folder_with(tmp_path / "a", x="ada@example.org"))
    store.seal(Seal(key="k" * 64, name="made", result={"object": digest}))
    assert store.forget(digest, "asked for")
    assert not store.forget(digest, "asked for")
    assert (store.has(digest), store.sealed("k" * 64), store.damaged()) == (False, None, [])
    assert store.tombstones()[digest].reason == "asked for"
    left = [path.read_bytes() for path in store.root.rglob("*") if path.is_file()]
    assert not any(b"ada@example.org" in content for content in left)


def test_what_was_forgotten_can_be_made_again_without_it(tmp_path):
    store = Store(tmp_path / "store")
    digest = store.put(folder_with(tmp_path / "a", x="1"))
    store.forget(digest, "asked for")
    assert store.put(folder_with(tmp_path / "b", x="1")) == digest
    assert (store.has(digest), store.damaged()) == (True, [])


def test_an_interrupted_forgetting_is_finished_by_the_next(tmp_path, monkeypatch):
    store = Store(tmp_path / "store")
    digest = store.put(folder_with(tmp_path / "a", x="ada@example.org"))
    monkeypatch.setattr(shutil, "rmtree", lambda *given, **options: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.forget(digest, "asked for")
    monkeypatch.undo()
    store.forget(digest, "asked for")
    assert not list(store.root.rglob("x"))


def test_a_seal_names_what_went_in_and_what_it_made(tmp_path):
    went_in, made = "a" * 64, "b" * 64
    given = inputs_of({"split": {"object": went_in}, "folder": tmp_path})
    seal = Seal(key="k" * 64, name="made", result={"objects": [went_in, made]}, inputs=given)
    assert given["split"][1:] == (went_in,)
    assert "folder" not in given
    assert seal.made == {made}
    assert Seal.model_validate({"key": "k", "name": "before inputs were kept", "result": {}}).inputs == {}


def test_an_object_may_hold_a_store_of_its_own(tmp_path: Path) -> None:
    inner = Store(tmp_path / "folder" / "store")
    (tmp_path / "a.txt").write_text("a")
    inner.put(tmp_path / "a.txt")
    outer = Store(tmp_path / "outer")
    digest = outer.put(tmp_path / "folder")
    assert outer.damaged() == []
    folder = outer.path(digest)
    (manifest,) = (folder / "store").rglob("manifest.json")
    manifest.write_text("{}")
    assert outer.damaged() == [f"{digest}: {manifest.relative_to(folder)}"]
