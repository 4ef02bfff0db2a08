"""`ninefold image`: where no engine answers, and where one does."""

import json
import os

import docker
import pytest

from components.deployment.targets.docker import run_line
from flows.start import show
from tests.conftest import ninefold


def engine() -> docker.DockerClient | None:
    try:
        client = docker.from_env(timeout=5)
        client.ping()
    except docker.errors.DockerException:
        return None
    return client


def test_without_an_engine_it_says_what_to_start(copied, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    done = ninefold(copied.home, "image", "voice_helpdesk")
    assert done.returncode == 3
    assert "no Docker engine answers (start one, or set DOCKER_HOST)" in done.stderr
    assert not [path for path in copied.home.iterdir() if path.name.startswith("tmp")], "nothing is left behind"
    assert ninefold(copied.home, "image", "nobody").returncode == 2


def test_the_end_of_a_run_names_the_image_or_how_to_get_one(finished, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    run = type("Run", (), {"summary_file": lambda self, until: "summary.json"})()
    line = run_line("voice_helpdesk", "ninefold-voice-helpdesk:0123456789ab")
    for built, said in (
        (None, "none; `ninefold image voice_helpdesk` builds it where a Docker engine answers"),
        ({"tag": "ninefold-voice-helpdesk:0123456789ab", "run": line}, line),
    ):
        show({**finished.summary, "image": built}, run)
        assert f"  image     {said}\n" in capsys.readouterr().out
    assert line == (
        "docker run --rm -p 127.0.0.1:8000:8000 -v ninefold-voice-helpdesk:/data ninefold-voice-helpdesk:0123456789ab"
    )


def test_the_image_of_a_release_answers_as_it_was_measured(copied):
    if "NINEFOLD_TEST_IMAGES" not in os.environ:
        pytest.skip("set NINEFOLD_TEST_IMAGES to build an image with torch in it: gigabytes and minutes")
    client = engine()
    if client is None:
        pytest.skip("no Docker engine answers")
    done = ninefold(copied.home, "image", "voice_helpdesk", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    try:
        assert report["asked"] == report["as_measured"] == 5
        assert client.images.get(report["image"]).attrs["Config"]["Healthcheck"]["Test"][0] == "CMD"
    finally:
        client.images.remove(report["image"], force=True)
