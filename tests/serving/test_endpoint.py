"""Real server processes on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from components.core import FeedbackStore, MachineFault, Workspace
from components.core.code import ROOT
from components.serving import ask, free_port, read_traffic, smoke_test, start, status, stop

from .bundles import QUESTIONS, bundle


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("endpoint") / "home")


@pytest.fixture(scope="module")
def folder(workspace: Workspace) -> Path:
    return bundle(workspace.root / "bundle")


@pytest.fixture(scope="module")
def endpoint(workspace: Workspace, folder: Path):
    yield start(workspace, "desk", folder, free_port(), version="1")
    stop(workspace, "desk")


def test_it_answers_real_questions_with_passages(endpoint, workspace) -> None:
    asked = smoke_test(endpoint.url, QUESTIONS, passages=True)
    assert [one.passages[0] for one in asked] == ["rail", "tea", "bees"]
    assert {one.answer_id for one in asked} <= {row["id"] for row in read_traffic(workspace, "desk", "1")}


def test_a_caller_cannot_make_himself_another_source_by_a_header_or_another_loopback_address(endpoint, workspace) -> None:
    given = ask(endpoint.url, QUESTIONS[0]).answer_id
    for number in range(4):
        transport = httpx.HTTPTransport(local_address=f"127.0.0.{number + 1}")
        with httpx.Client(transport=transport, headers={"x-forwarded-for": f"10.0.0.{number}"}) as caller:
            body = {"answer_id": given, "correction": f"c {number}"}
            assert caller.post(f"{endpoint.url}/feedback", json=body).status_code == 201
    assert {one.source for one in FeedbackStore(workspace.feedback).received("desk")} == {"peer:loopback"}


def test_starting_it_again_changes_nothing(endpoint, workspace, folder) -> None:
    assert start(workspace, "desk", folder, endpoint.port, version="1") == endpoint
    assert status(workspace, "desk") == endpoint


def test_it_listens_on_loopback_only(endpoint) -> None:
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in others:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((address, endpoint.port)) != 0


def test_a_taken_port_is_named_with_its_key(workspace, folder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MachineFault, match=rf"deployment\.port: port {port} is taken"):
            start(workspace, "other", folder, port)
    assert status(workspace, "other") is None


def test_a_bundle_that_does_not_load_is_said_and_leaves_no_process(workspace) -> None:
    broken = bundle(workspace.root / "broken")
    next((broken / "store").rglob("passages.jsonl")).write_text("changed")
    with pytest.raises(MachineFault, match="the bundle was changed"):
        start(workspace, "broken", broken, free_port())
    assert status(workspace, "broken") is None


def test_stop_answers_what_is_in_flight_first(workspace, folder) -> None:
    endpoint = start(workspace, "short", folder, free_port())
    with ThreadPoolExecutor(8) as callers:
        waiting = [callers.submit(ask, endpoint.url, QUESTIONS[i % 3]) for i in range(16)]
        waiting[0].result()
        os.kill(endpoint.pid, signal.SIGTERM)
        done = [call.exception() for call in waiting]
    answered = sum(error is None for error in done)
    assert answered >= 1
    assert all(error is None or "does not answer" in str(error) for error in done)  # refused connections, no broken replies
    assert answered == len(read_traffic(workspace, "short"))
    assert stop(workspace, "short") in (True, False)
    assert status(workspace, "short") is None


def test_a_server_whose_parent_was_killed_is_found_and_stopped(workspace, folder) -> None:
    port = free_port()
    command = [sys.executable, "-m", "components.serving", "--bundle", str(folder), "--home", str(workspace.root)]
    command += ["--endpoint", "orphan", "--name", "desk", "--version", "1", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    until = time.monotonic() + 60
    while status(workspace, "orphan") is None and time.monotonic() < until:
        time.sleep(0.1)
    assert start(workspace, "orphan", folder, port, version="1").pid == process.pid, "it is taken over, ready"
    assert stop(workspace, "orphan")
    assert process.wait(10) is not None
