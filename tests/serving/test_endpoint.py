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
import psutil
import pytest

from components.core import FeedbackStore, MachineFault, Workspace
from components.core.code import ROOT
from components.serving import all_kept, ask, free_port, kept, read_traffic, smoke_test, start, status, stop

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


@pytest.mark.parametrize("torn", ["", '{"name": "desk", "mod', "{}", '{"port": 1, "digest": "0"}'])
def test_a_torn_state_is_set_aside_and_the_process_is_found_by_its_command(endpoint, workspace, torn, caplog) -> None:
    state = workspace.serving / "desk.json"
    state.write_text(torn)
    assert status(workspace, "desk") == endpoint
    assert f"{state}: damaged (" in caplog.text
    assert status(workspace, "desk") == endpoint, "written down anew"
    assert len(caplog.records) == 1


def test_a_torn_state_without_a_process_is_set_aside(workspace, caplog) -> None:
    (workspace.serving / "gone.json").write_text("{")
    assert [kept(workspace, "gone"), stop(workspace, "gone"), all_kept(workspace)[:0]] == [None, False, []]
    assert "gone.json: damaged (" in caplog.text


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


def test_of_several_starts_at_once_one_makes_the_server_and_the_others_find_it(workspace, folder) -> None:
    """Three processes, as three `ninefold serve`: three servers were once left."""
    port = free_port()
    work = (
        "import sys; from pathlib import Path; from components.core import Workspace; from components.serving import start; "
        "print(start(Workspace(Path(sys.argv[1])), 'many', Path(sys.argv[2]), int(sys.argv[3]), version='1').pid)"
    )
    command = [sys.executable, "-c", work, str(workspace.root), str(folder), str(port)]
    starts = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    pids = {start.communicate(timeout=120)[0].strip() for start in starts}
    servers = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if {"components.serving", "many", str(workspace.root)} <= set(process.info["cmdline"] or ())
    ]
    try:
        assert len(pids) == 1
        assert [str(server) for server in servers] == list(pids)
    finally:
        assert stop(workspace, "many")


def test_a_server_that_does_not_answer_is_waited_for_and_not_stopped(workspace, folder, monkeypatch) -> None:
    endpoint = start(workspace, "slow", folder, free_port(), version="1")
    server = psutil.Process(endpoint.pid)
    server.suspend()
    try:
        monkeypatch.setattr("components.serving.endpoint.READY_SECONDS", 1)
        assert status(workspace, "slow") == endpoint
        with pytest.raises(MachineFault, match=r"has more to do than it can.*ninefold stop slow"):
            start(workspace, "slow", folder, endpoint.port, version="1")
        server.resume()
        monkeypatch.setattr("components.serving.endpoint.READY_SECONDS", 60)
        assert start(workspace, "slow", folder, endpoint.port, version="1") == endpoint
        assert ask(endpoint.url, QUESTIONS[0]).answer
    finally:
        server.resume()
        assert stop(workspace, "slow")


def test_bodies_that_never_end_take_no_place_for_long_and_health_answers(endpoint) -> None:
    headers = ("Host: 127.0.0.1", "Content-Type: application/json", "Content-Length: 100", "", "{")
    head = "\r\n".join(["POST /v1/chat/completions HTTP/1.1", *headers])
    slow = [socket.create_connection(("127.0.0.1", endpoint.port)) for _ in range(260)]
    try:
        for caller in slow:
            caller.sendall(head.encode())
        deadline = time.monotonic() + 5
        while (refused := httpx.get(f"{endpoint.url}/v1/models")).status_code != 503 and time.monotonic() < deadline:
            time.sleep(0.05)  # not all have been read yet
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert httpx.get(f"{endpoint.url}/health").status_code == httpx.get(f"{endpoint.url}/ready").status_code == 200
        slow[0].settimeout(30)
        assert slow[0].recv(4096).startswith(b"HTTP/1.1 408")
    finally:
        for caller in slow:
            caller.close()
    assert ask(endpoint.url, QUESTIONS[0]).answer
