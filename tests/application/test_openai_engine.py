"""The openai engine against a real HTTP server on loopback, which serves the two-layer model."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from components.application import Application, load, single_requests
from components.application.engines.openai import FIXED, fixed_answers
from components.core import BadInput, Candidate, MachineFault, Prices, Row, Runtime, Step, TokenPrices
from tests.busy_endpoint import Server


@pytest.fixture(scope="module")
def endpoint(candidate: Candidate, step: Step) -> Iterator[tuple[str, Application]]:
    local = load(
        candidate.model_copy(update={"runtime": Runtime(engine="transformers", dtype="float32")}), step.store, step.machine
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert asked["temperature"] == 0
            stop = "stop" in asked
            if asked.get("stream"):
                pieces = local.engine.stream(asked["messages"], asked["max_tokens"], first_line=stop)
                chunks = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
                reply = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            else:
                (said,) = local.engine.generate([asked["messages"]], asked["max_tokens"], first_line=stop)
                reply = json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]})
            found = self.path == "/v1/chat/completions"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(reply.encode())

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", local
    server.shutdown()
    server.server_close()
    local.close()


def remote(candidate: Candidate, url: str | None) -> Candidate:
    return candidate.model_copy(update={"runtime": Runtime(engine="openai", url=url)})


def test_an_endpoint_answers_and_streams(
    endpoint: tuple[str, Application], candidate: Candidate, rows: list[Row], step: Step
) -> None:
    url, local = endpoint
    with load(remote(candidate, url), step.store, step.machine) as application:
        assert application.answer(rows[:1]) == local.answer(rows[:1])
        assert list(application.stream(rows[0])) == [*local.stream(rows[0])]


def test_an_endpoint_that_refuses_or_is_down_is_named(
    endpoint: tuple[str, Application], candidate: Candidate, rows: list[Row], step: Step
) -> None:
    with load(remote(candidate, f"{endpoint[0]}/elsewhere"), step.store, step.machine) as application:
        with pytest.raises(MachineFault, match="404"):
            application.answer(rows[:1])
        with pytest.raises(MachineFault, match="404"):
            list(application.stream(rows[0]))
    with load(remote(candidate, "http://127.0.0.1:9"), step.store, step.machine) as application:
        with pytest.raises(MachineFault, match=r"runtime\.url"):
            application.answer(rows[:1])
        with pytest.raises(MachineFault, match=r"runtime\.url"):
            list(application.stream(rows[0]))
    with pytest.raises(BadInput, match="url"):
        load(remote(candidate, None), step.store, step.machine)


@pytest.fixture
def served() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(**settings: object) -> Server:
        servers.append(Server(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_busy_endpoint_is_asked_again_when_it_says_so(
    served: Callable[..., Server], candidate: Candidate, rows: list[Row], step: Step
) -> None:
    server = served(busy=2, pause="0.4")
    with load(remote(candidate, server.url), step.store, step.machine) as application:
        assert application.answer(rows[:1])[0].text
    first, second, third = server.asked
    assert 0.4 <= second - first < 3
    assert 0.4 <= third - second < 3


def test_an_endpoint_that_stays_busy_is_named(
    served: Callable[..., Server], candidate: Candidate, rows: list[Row], step: Step
) -> None:
    application = load(remote(candidate, served(busy=9, pause="3600").url), step.store, step.machine)
    with application, pytest.raises(MachineFault, match=r"answered 429.*asked again for 90 seconds; it wants 3600 between"):
        application.answer(rows[:1])


def test_tokens_are_counted_as_the_endpoint_bills_them(
    served: Callable[..., Server], candidate: Candidate, rows: list[Row], step: Step
) -> None:
    requests = single_requests(remote(candidate, served().url), rows[:2], step)
    assert (requests.input_tokens, requests.output_tokens) == (40, 5)
    prices = Prices(machine_hour=1, million_tokens=TokenPrices(input=1, output=10))
    assert requests.cost_of_1000(prices) == pytest.approx(0.09)


def test_a_model_that_was_changed_behind_its_name_is_noticed(
    served: Callable[..., Server], candidate: Candidate, rows: list[Row], step: Step
) -> None:
    server = served()
    known = fixed_answers(server.url, "two-layer")
    assert len(known) == len(FIXED)
    selected = remote(candidate, server.url).model_copy(update={"own": {"fixed_answers": known}})
    with load(selected, step.store, step.machine) as application:
        assert application.answer(rows[:1])
    server.word = "other"
    with pytest.raises(MachineFault, match=r"answers most of 4 fixed questions otherwise .* Run the use case again"):
        load(selected, step.store, step.machine)
