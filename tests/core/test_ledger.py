import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from components.core import Ledger, MachineFault
from components.core.database import durable


def test_an_effect_happens_once(tmp_path):
    ledger, target = Ledger(tmp_path / "ledger.db"), []
    for _ in range(3):
        assert ledger.once("register", "k", find=lambda: None, do=lambda: target.append(1) or {"version": 1}) == {
            "version": 1
        }
    assert target == [1]
    (effect,) = ledger.effects("register")
    assert json.loads(effect["outcome"]) == {"version": 1}


def test_a_lost_reply_is_found_at_the_target_and_not_repeated(tmp_path):
    ledger, target = Ledger(tmp_path / "ledger.db"), {}

    def do() -> dict[str, int]:
        target["k"] = {"version": 1}
        raise ConnectionError("the reply was lost")

    with pytest.raises(ConnectionError):
        ledger.once("register", "k", find=lambda: target.get("k"), do=do)
    assert ledger.effects("register")[0]["done_at"] is None
    assert ledger.once("register", "k", find=lambda: target.get("k"), do=do) == {"version": 1}


@pytest.mark.parametrize("boundary", ["before", "after"])
def test_kill_at_each_boundary_neither_loses_nor_doubles(tmp_path, boundary):
    code = f"""
        import os, signal, sys
        from pathlib import Path
        from components.core import Ledger
        folder = Path(sys.argv[1]); target = folder / "target"
        def die(): os.kill(os.getpid(), signal.SIGKILL)
        def do():
            if "{boundary}" == "before": die()
            with target.open("a") as file: file.write("done\\n")
            die()
        Ledger(folder / "ledger.db").once("deploy", "k", find=lambda: None, do=do)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": "."}).returncode == -signal.SIGKILL
    target = tmp_path / "target"

    def do() -> bool:
        with target.open("a") as file:
            file.write("done\n")
        return True

    ledger = Ledger(tmp_path / "ledger.db")
    assert [effect["done_at"] for effect in ledger.effects("deploy")] == [None]
    ledger.once("deploy", "k", find=lambda: True if target.exists() else None, do=do)
    assert target.read_text() == "done\n"


def test_a_full_disk_is_named_and_what_was_kept_is_kept(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.once("register", "k", find=lambda: None, do=lambda: {"version": 1})
    big = "insert into effects (key, kind, detail, intended_at) values ('big', 'x', zeroblob(1000000), '')"

    def fill() -> None:
        with durable(ledger.path) as database:
            database.execute("pragma max_page_count = 4")
            database.execute(big)

    with pytest.raises(MachineFault, match=r"ledger\.db: cannot write .*full"):
        fill()
    assert [effect["key"] for effect in ledger.effects()] == ["k"]
