"""What the endpoint takes of a chat request, and what it refuses by name; the case files, sent to a real model."""

import json
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from components.core import Workspace
from components.core.code import ROOT
from components.serving import read_traffic
from components.serving.app import create_app

from .bundles import with_model

CASES = ROOT / "tests/cases/10-shape-ignored"
USER = {"role": "user", "content": "hello there"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
HISTORY = [
    {"role": "system", "content": "Be brief.", "name": None},
    {"role": "developer", "content": [{"type": "text", "text": "Be polite."}]},
    {"role": "user", "content": "What is open?", "name": "ann"},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None, "audio": None, "function_call": None},
    {"role": "tool", "content": "nothing", "tool_call_id": "c1"},
    {"role": "function", "content": None, "name": "f"},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot say."}], "reasoning_content": "Hm."},
    {"role": "assistant", "tool_calls": []},
    {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "text", "text": "there"}]},
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("chat") / "home")


@pytest.fixture(scope="module")
def client(workspace: Workspace):
    with TestClient(create_app(with_model(workspace), workspace, name="made"), base_url="http://127.0.0.1") as client:
        ready(client)
        yield client


def ready(client: TestClient) -> None:
    """Wait until the model behind `client` is loaded."""
    until = time.monotonic() + 60
    while client.get("/ready").status_code == 503 and time.monotonic() < until:
        time.sleep(0.05)
    assert client.get("/ready").status_code == 200, client.get("/ready").text


def post(client: TestClient, **body):
    return client.post("/v1/chat/completions", json={"messages": [USER], **body})


@pytest.mark.parametrize(
    ("case", "field"),
    [
        ("functions", "functions"),
        ("json_object", "response_format"),
        ("json_schema", "response_format"),
        ("logprobs", "logprobs"),
    ],
)
def test_a_case_that_asks_for_another_shape_is_refused_by_name(client, case: str, field: str) -> None:
    refused_by_name(post(client, **json.loads((CASES / f"{case}.json").read_text())), field)


@pytest.mark.parametrize("case", ["max_tokens", "max_completion_tokens"])
def test_a_case_of_one_token_gets_one(client, case: str) -> None:
    reply = post(client, **json.loads((CASES / f"{case}.json").read_text())).json()
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["usage"]["completion_tokens"] == 1


def test_the_case_of_a_stop_string_ends_before_it(client) -> None:
    body = json.loads((CASES / "stop.json").read_text())
    whole = post(client, **{**body, "stop": None}).json()["choices"][0]["message"]["content"]
    reply = post(client, **body).json()
    assert "e" in whole
    assert reply["choices"][0]["message"]["content"] == whole[: whole.index("e")]
    assert reply["choices"][0]["finish_reason"] == "stop"


def test_the_case_of_counted_tokens_ends_with_a_chunk_of_them_alone(client) -> None:
    body = json.loads((CASES / "include_usage.json").read_text())
    *lines, done = [line.removeprefix("data: ") for line in post(client, **body).text.splitlines() if line]
    *chunks, last = map(json.loads, lines)
    assert done == "[DONE]"
    assert last["choices"] == []
    assert last["usage"] == post(client, **{**body, "stream": False}).json()["usage"]
    assert all(chunk["usage"] is None and len(chunk["choices"]) == 1 for chunk in chunks)


def test_every_case_file_is_sent() -> None:
    sent = {"functions", "json_object", "json_schema", "logprobs", "max_tokens", "max_completion_tokens", "stop"}
    assert {path.stem for path in Path(CASES).glob("*.json")} == {*sent, "include_usage"}


def refused_by_name(response, field: str) -> None:
    error = response.json()["error"]
    assert response.status_code == 400, response.text
    assert (error["type"], error["param"]) == ("invalid_request_error", field)
    assert error["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("tool_choice", "auto"),
        ("function_call", {"name": "f"}),
        ("top_logprobs", 2),
        ("n", 2),
        ("n", True),
        ("n", float("1e999")),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -1),
        ("logit_bias", {"5": 100}),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "x"}),
        ("reasoning_effort", "high"),
        ("verbosity", "low"),
        ("web_search_options", {}),
        ("service_tier", "priority"),
        ("store", True),
        ("top_k", 5),
        ("guided_json", {}),
        ("stream_options.include_obfuscation", True),
        ("stream_options.continuous_usage_stats", True),
        ("max_tokens", 0),
        ("max_tokens", "5"),
        ("max_completion_tokens", -1),
        ("stop", [""]),
        ("stop", 5),
        ("stop", ["a", "b", "c", "d", "e"]),
        ("stop", ["a", None]),
        ("stream", "yes"),
        ("temperature", 3),
        ("top_p", "high"),
        ("messages", []),
        ("messages", None),
        ("messages.0.role", "critic"),
        ("messages.0.content", [{"type": "image_url", "image_url": {"url": "data:"}}]),
        ("messages.0.content", [{"type": "text"}]),
        ("messages.0.content", 5),
    ],
)
def test_what_cannot_be_done_or_is_not_understood_is_refused_by_name(client, workspace, field: str, value: object) -> None:
    before = len(read_traffic(workspace, "made"))
    top, *within = field.split(".")
    sent: object = value if not within else {within[0]: value} if top == "stream_options" else [{**USER, within[1]: value}]
    body = json.dumps({"messages": [USER], top: sent}).encode()
    field = "messages" if value is None else field
    response = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    if value is None:
        assert response.json()["error"]["param"] == "messages"
    else:
        refused_by_name(response, field)
    assert len(read_traffic(workspace, "made")) == before


def test_a_field_that_is_null_or_asks_for_nothing_is_taken(client) -> None:
    whole = post(client).json()["choices"]
    taken = {
        "tools": [], "tool_choice": "none", "functions": [], "function_call": "none", "response_format": {"type": "text"},
        "logprobs": False, "top_logprobs": 0, "n": 1, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {},
        "modalities": ["text"], "service_tier": "auto", "store": False, "parallel_tool_calls": True, "temperature": 0,
        "top_p": 1, "seed": 7, "user": "ann", "metadata": {"a": "b"}, "stream": False, "stream_options": {}, "model": "made",
    }  # fmt: skip
    names = {*taken, "stop", "max_tokens", "max_completion_tokens", "audio", "verbosity", "made_up", "reasoning_effort"}
    for body in (taken, dict.fromkeys(names), {"stream_options": {"include_usage": None}}):
        response = post(client, **body)
        assert response.status_code == 200, response.text
        assert response.json()["choices"] == whole


def test_a_history_with_tools_null_and_parts_is_taken(client) -> None:
    response = post(client, messages=HISTORY)
    assert response.status_code == 200, response.text
    asked = post(client, messages=[{"role": "user", "content": "hello\n\nthere"}])
    assert response.json()["choices"] == asked.json()["choices"], "the question is the last message of the user"


def test_a_history_without_a_question_is_refused(client) -> None:
    for last in (None, "", " ", []):
        response = post(client, messages=[{"role": "user", "content": last}])
        assert (response.status_code, response.json()["error"]["param"]) == (400, "messages")
