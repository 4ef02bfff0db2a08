"""Planted secrets, in the environment, in the log-in and in what callers send, stand in no log, card, MLflow row, list of
processes or crash file; what callers send is in the stores that are for it, and there alone.

Looked for as they are and in base64, as a header would carry them. Not covered: secrets inside compressed files.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from components.core import Workspace
from components.core.login import read_login
from components.serving import ask, free_port, start, stop
from flows.crash import explain
from tests.conftest import CANARIES, Finished
from tests.serving.bundles import QUESTIONS, bundle

SAID = "canary-said-b1f0c2"


def where(secret: str, home: Path) -> set[str]:
    """Files of a workspace that hold `secret`, in the places of which the assets are none."""
    forms = {secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")}
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(home / "assets")]
    return {path.relative_to(home).as_posix() for path in files if any(form in path.read_bytes() for form in forms)}


def processes_that_show(*secrets: str) -> Iterator[list[str]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = process.cmdline()
            if any(secret in " ".join(command) for secret in secrets):
                yield command


def test_a_secret_of_the_environment_is_in_nothing_that_a_run_leaves(finished: Finished) -> None:
    home = finished.home.with_name("untouched")
    assert {name: found for name, secret in CANARIES.items() if (found := where(secret, home))} == {}
    assert len(list((home / "logs").rglob("*"))) > 0
    assert (home / "mlflow.db").is_file()
    assert list(home.rglob("*.md")), "cards are among what was read"
    assert json.dumps(finished.summary).count("canary-") == 0


def test_a_planted_secret_is_found(tmp_path: Path) -> None:
    for name, text in {"log": f"x {SAID} y", "header": base64.b64encode(SAID.encode()).decode(), "clean": "z"}.items():
        (tmp_path / name).write_text(text)
    assert where(SAID, tmp_path) == {"log", "header"}


def test_the_log_in_is_in_its_own_file_alone(finished: Finished) -> None:
    login = read_login(Workspace(finished.home).login)
    if login is not None:
        assert where(login, finished.home) == {"login"}
        assert list(processes_that_show(login)) == []


def test_what_callers_send_is_in_the_stores_that_are_for_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in CANARIES.items():
        monkeypatch.setenv(name, secret)
    workspace = Workspace(tmp_path / "home")
    endpoint = start(workspace, "desk", bundle(workspace.root / "bundle"), free_port(), version="1", trace=False)
    key = "sk-canary-key-77"
    try:
        answer = ask(endpoint.url, f"{QUESTIONS[0]} {SAID}").answer_id
        with httpx.Client(base_url=endpoint.url, headers={"authorization": f"Bearer {key}"}, trust_env=False) as client:
            said = {"answer_id": answer, "correction": SAID, "by": SAID, "id": SAID}
            assert client.post("/feedback", json=said).status_code == 201
            bad = [{"messages": SAID}, {"messages": [{"role": SAID}]}, {"model": SAID, "messages": []}]
            codes = [client.post("/v1/chat/completions", json=body).status_code for body in bad]
            assert codes == [400, 400, 400]
            assert client.get(f"/v1/models/{SAID}?key={SAID}").status_code == 404
            assert client.post("/feedback", content=f"{{{SAID}").status_code == 422
        shown = list(processes_that_show(SAID, key, *CANARIES.values()))
    finally:
        stop(workspace, "desk")
    assert shown == []
    stores = {path for path in where(SAID, workspace.root) if not path.endswith(("-wal", "-shm"))}
    assert stores == {"feedback.db", "serving/traffic.db"}
    for secret in (key, *CANARIES.values()):
        assert where(secret, workspace.root) == set()


def test_a_crash_file_and_the_screen_hold_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path))
    for name, secret in CANARIES.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("SHORT_TOKEN", "a")
    told = f"cannot reach postgresql://ada:{SAID}@host/base?sslpassword={SAID} with {' '.join(CANARIES.values())}"
    try:
        raise ConnectionError("refused") from RuntimeError(told)
    except ConnectionError as error:
        message, code = explain(error)
    (crash,) = (tmp_path / "logs").glob("crash-*.log")
    kept = crash.read_text()
    message += explain(RuntimeError(told))[0]
    assert code == 3
    for secret in (SAID, *CANARIES.values()):
        assert secret not in message
        assert where(secret, tmp_path) == set()
    assert "cannot reach postgresql://host/base?sslpassword=… with … …" in kept
    assert "ConnectionError: refused" in kept
