"""What an image does when it starts, without an engine: its own command over its own build context."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from components.core import Workspace
from components.core.keys import make_keys, rotate_keys
from components.deployment.bundle import export, sign
from components.deployment.targets.docker import deploy, fill
from components.serving import free_port
from tests.deployment import cases
from tests.serving.bundles import candidate


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The build context of a signed release."""
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "operator"))
    make_keys()
    store = Workspace(tmp_path / "home").store
    made = candidate(store, tmp_path)
    sign(made, export(made, store, tmp_path / "bundle", []), [])
    rotate_keys()
    strict = os.umask(0o077)
    try:
        fill(tmp_path / "context", made, tmp_path / "bundle")
    finally:
        os.umask(strict)
    return tmp_path / "context"


def entry(context: Path, port: int) -> subprocess.Popen[str]:
    """The image's command, in the folder that it copies to /app, with the variables that it sets."""
    dockerfile = (context / "Dockerfile").read_text()
    for folder in ("components", "bundle", "keys"):
        assert f"COPY {folder} /app/{folder}\n" in dockerfile
    command = shlex.split(re.search(r'^CMD \["sh", "-c", "exec python (.*)"\]$', dockerfile, re.MULTILINE)[1])
    command = [part.replace("/app", str(context)).replace("/data", str(context / "data")) for part in command]
    command[command.index("8000")], command[command.index("$NINEFOLD_NAME")] = str(port), "desk"
    keys = re.search(r"NINEFOLD_KEYS=(\S+)", dockerfile)[1].replace("/app", str(context))
    own = {**os.environ, "PYTHONPATH": str(context), "NINEFOLD_KEYS": keys}
    return subprocess.Popen([sys.executable, *command], cwd=context, env=own, stderr=subprocess.PIPE, text=True)


def healthy(context: Path, port: int) -> bool:
    """What the image's own health check says of the server on `port`."""
    dockerfile = (context / "Dockerfile").read_text()
    (command,) = re.findall(r"^HEALTHCHECK .*\\\n    CMD (\[.*\])$", dockerfile, re.MULTILINE)
    python, *words = json.loads(command.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    assert python == "python"
    return subprocess.run([sys.executable, *words], capture_output=True).returncode == 0


def test_an_image_answers_over_what_was_signed_and_starts_over_nothing_else(context: Path) -> None:
    assert not (context / "keys" / "signing.pem").exists(), "the private key stays with the operator"
    port = free_port()
    with entry(context, port) as server:
        try:
            assert healthy(context, port) in (True, False), "whatever it says while it loads"
            assert ready(port) == 200
            assert healthy(context, port)
        finally:
            server.terminate()
    assert not healthy(context, port), "the server is gone"
    path = context / "bundle" / "reference.json"  # no digest covers it, only the signature
    path.write_text("[ ]")
    with entry(context, port) as server:
        said = server.communicate(timeout=60)[1].strip().splitlines()
    assert server.returncode == 1
    assert re.match(r"ninefold: .*bundle: its signature by key \w+ does not hold", said[-1]), said


def test_what_another_user_reads_in_an_image_is_readable(context: Path) -> None:
    for path in [*(context / "bundle").rglob("*"), *(context / "keys").rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_an_unsigned_release_takes_no_keys_into_its_image(tmp_path: Path) -> None:
    store = Workspace(tmp_path / "home").store
    made = candidate(store, tmp_path)
    fill(tmp_path / "context", made, export(made, store, tmp_path / "bundle", []))
    assert [path for path in (tmp_path / "context" / "keys").rglob("*") if path.is_file()] == []


def test_no_docker_engine_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    workspace = Workspace(tmp_path / "home")
    step = cases.step(workspace)
    row, note = deploy(cases.delivery(candidate(workspace.store, tmp_path), step, tmp_path / "bundle"))
    assert row is None
    assert note.startswith("no image: no Docker engine answers")
    assert "\n" not in note


def ready(port: int) -> int:
    for _ in range(600):
        try:
            if (code := httpx.get(f"http://127.0.0.1:{port}/ready", timeout=5, trust_env=False).status_code) != 503:
                return code
        except httpx.HTTPError:
            time.sleep(0.1)  # not up yet
    return 0
