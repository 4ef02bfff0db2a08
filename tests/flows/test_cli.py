"""How a command ends when something goes wrong: one message, one exit code, never a traceback on the screen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

import flows.cli
from components.core import MachineFault
from components.core.files import disk_faults
from flows.crash import explain


def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of `ninefold` with these arguments, and what it said on standard error."""
    monkeypatch.setattr(sys, "argv", ["ninefold", *arguments])
    with pytest.raises(SystemExit) as end:
        flows.cli.main()
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("home", ["file", "file/below"])
def test_a_home_that_is_no_folder_is_bad_input(tmp_path, monkeypatch, capsys, home):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path / home))
    code, said = ended(monkeypatch, capsys, "stop")
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(f"ninefold: NINEFOLD_HOME: cannot use {tmp_path / home} (")


def test_an_error_whose_traceback_cannot_be_kept_still_gets_its_message_and_exit_3(monkeypatch, capsys):
    monkeypatch.setenv("NINEFOLD_HOME", "/proc/nowhere")  # the kernel lets nobody make a folder there
    code, said = ended(monkeypatch, capsys, "stop")
    assert (code, "Traceback" in said) == (3, False)
    assert said.startswith("ninefold: failed: FileNotFoundError: ")
    assert "Its traceback could not be kept: " in said


def test_the_traceback_of_an_unforeseen_error_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path))
    monkeypatch.setattr(flows.cli, "app", lambda: 1 / 0)
    code, said = ended(monkeypatch, capsys)
    assert (code, said.splitlines()[0]) == (3, "ninefold: failed: ZeroDivisionError: division by zero")
    assert "1 / 0" in Path(said.split()[-1]).read_text()


def test_the_traceback_of_an_error_about_half_a_character_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path))
    said, code = explain(ValueError("key '\ud800'"))
    assert (code, "The traceback is in" in said) == (3, True)
    assert "key '\\ud800'" in Path(said.split()[-1]).read_text()


def test_ctrl_c_says_that_sealed_steps_are_kept(monkeypatch, capfd):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.serve.stop", interrupted)
    code, said = ended(monkeypatch, capfd, "stop")
    assert (code, "sealed steps are kept" in said) == (130, True)


def test_a_full_disk_that_a_library_met_in_its_database_is_the_same_fault(tmp_path):
    database = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'mlflow.db'}")

    def fill() -> None:
        with disk_faults(tmp_path), database.begin() as connection:
            connection.exec_driver_sql("pragma max_page_count = 2")
            connection.exec_driver_sql("create table runs (name blob)")
            connection.exec_driver_sql("insert into runs values (zeroblob(1000000))")

    with pytest.raises(MachineFault, match=r"cannot write \(database or disk is full\)\. Free some space"):
        fill()


@pytest.mark.parametrize("module", ["flows.cli", "components.serving.server", "components.application.single_requests"])
def test_threads_of_each_process_of_the_product_soon_let_others_run(module):
    """libgomp reads it when torch loads it, so it must be there before."""
    own = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    probe = f"import os, sys, {module}; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    for given, found in (({}, "3000"), ({"GOMP_SPINCOUNT": "7"}, "7")):
        done = subprocess.run([sys.executable, "-c", probe], env={**own, **given}, capture_output=True, text=True)
        assert done.stdout.split() == [found, "False"], done.stderr
