"""Requests of every size and shape to a real server, and callers who never end what they began.

Drawn: bodies of 1 byte to 100 MB, JSON as deep as 300,000 levels, halves of surrogate pairs, numbers and lists out of any
range in `n`, `max_tokens`, `stop`, `temperature`, questions at the limit of characters and one beside it. What cannot be
answered is refused with 4xx, in OpenAI's form, before the model is asked; a 5xx is a failure, and so is memory of the server
that grows by more than 128 MB. Not covered: limits by token (the endpoint counts characters), many callers at once (drain).
"""

import json
import random
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from bench.safety import Tries, Try
from bench.safety.serving import Served, serving
from components.core import Workspace
from components.serving.chat import MAX_CHARACTERS
from components.serving.traffic import traffic_path

PROMISE = "Limits"
TRIES = {
    "requests": Tries("requests that are answered 5xx, reach the model though refused, or make memory grow", 5000, 80),
    "slow": Tries("260 callers who never end a header or a body, beside whom /health does not answer", 20, 1),
}
GROWTH = 128 * 2**20
BAD = (400, 404, 413, 422)
WIDE: tuple[object, ...] = (0, -1, 1, 2, 2**31, -(2**63), 10**30, 0.5, 1e308, True, None, "", "1", [], {}, "x" * 10_000)


def _ask(content: object, **more: object) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": content}], **more}).encode()


def _size(draw: random.Random) -> tuple[bytes, tuple[int, ...]]:
    """Nothing but a body of some size, half of them JSON."""
    size = int(10 ** draw.uniform(0, 8))
    if draw.random() < 0.5:
        return b"x" * size, BAD
    body = _ask("x" * size)
    return body, (200,) if size <= MAX_CHARACTERS and len(body) <= 10**6 else BAD


def _depth(draw: random.Random) -> tuple[bytes, tuple[int, ...]]:
    depth = int(10 ** draw.uniform(1, 5.5))
    opened, closed = draw.choice((("[", "]"), ('{"a":', "}")))
    deep = opened * depth + "1" + closed * depth
    return f'{{"messages": [{{"role": "user", "content": {deep}}}]}}'.encode(), BAD


def _surrogate(draw: random.Random) -> tuple[bytes, tuple[int, ...]]:
    half = f"\\u{draw.randint(0xD800, 0xDFFF):04x}"
    place = draw.choice(("content", "role", "model", "stop", "user"))
    if place in ("content", "role"):
        said = {"role": "user", "content": "x"} | {place: "HALF"}
        text = json.dumps({"messages": [said]})
    else:
        text = json.dumps({"messages": [{"role": "user", "content": "x"}], place: "HALF"})
    return text.replace("HALF", half).encode(), BAD


def _fields(draw: random.Random) -> tuple[bytes, tuple[int, ...]]:
    """A field with a value that it may or may not take: answered, or refused."""
    name = draw.choice(
        ("n", "max_tokens", "max_completion_tokens", "stop", "temperature", "top_p", "seed", "stream", "model")
    )
    value = draw.choice(WIDE) if draw.random() < 0.7 else ["x" * draw.randint(0, 9)] * draw.randint(0, 2000)
    return _ask("When was the railway opened?", **{name: value}), (200, *BAD)


def _edge(draw: random.Random) -> tuple[bytes, tuple[int, ...]]:
    size = MAX_CHARACTERS + draw.choice((-1, 0, 1))
    letter = draw.choice(("x", "ü", "字", "😀"))
    return _ask(letter * size), (200,) if size <= MAX_CHARACTERS else BAD


KINDS = (_size, _depth, _surrogate, _fields, _fields, _edge)


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    from tests.serving import test_endpoint
    from tests.serving.bundles import bundle

    workspace = Workspace(folder / "home")
    with serving(workspace, bundle(folder / "bundle")) as served, httpx.Client(timeout=120, trust_env=False) as client:
        settled = _memory(served, client)

        def requests(number: int) -> None:
            draw = random.Random(number)
            body, expected = KINDS[number % len(KINDS)](draw)
            before = _answered(workspace)
            status = _post(client, f"{served.url}/v1/chat/completions", body)
            assert status in expected, f"{len(body)} bytes, {body[:60]!r}: {status}, expected {expected}"
            assert _answered(workspace) - before == (status == 200), "a refused request reached the model"
            grown = served.process().memory_info().rss - settled
            assert grown < GROWTH, f"memory grew by {grown / 2**20:.0f} MB"

        def slow(number: int) -> None:
            if number % 2 == 0:
                test_endpoint.test_bodies_that_never_end_take_no_place_for_long_and_health_answers(served.endpoint)
            else:
                _headers_that_never_end(served)

        yield {"requests": requests, "slow": slow}


def _post(client: httpx.Client, url: str, body: bytes) -> int:
    """The status of the answer. A caller who is refused before all was sent may find the connection closed: that is 413."""
    try:
        response = client.post(url, content=body, headers={"content-type": "application/json"})
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        assert len(body) > 10**6, "the connection was closed without an answer"
        return 413
    assert response.status_code == 200 or response.json()["error"]["message"]
    return response.status_code


def _memory(served: Served, client: httpx.Client) -> int:
    """What the server holds once it has met the largest bodies that it reads."""
    for _ in range(10):
        _post(client, f"{served.url}/v1/chat/completions", _ask("x" * 990_000))
    return served.process().memory_info().rss


def _answered(workspace: Workspace) -> int:
    with closing(sqlite3.connect(traffic_path(workspace))) as database:
        return int(database.execute("select count(*) from traffic").fetchone()[0])


def _headers_that_never_end(served: Served) -> None:
    callers = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(260)]
    try:
        for caller in callers:
            caller.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert httpx.get(f"{served.url}/health", trust_env=False).status_code == 200
        assert httpx.get(f"{served.url}/ready", trust_env=False).status_code == 200
    finally:
        for caller in callers:
            caller.close()
