"""The endpoint over a language model (two layers, made on the spot): streamed pieces, token counts, traces."""

import json
import time

import pytest
from fastapi.testclient import TestClient

from components.core import Workspace
from components.core.tracking import quiet_client
from components.serving import read_traffic
from components.serving.app import create_app

from .bundles import with_model


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("model") / "home")


@pytest.fixture(scope="module")
def client(workspace: Workspace):
    bundle = with_model(workspace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", workspace.tracking_uri)  # the server sets it for its process: put back here
        app = create_app(bundle, workspace, name="made", trace=True)
        with TestClient(app, base_url="http://127.0.0.1") as client:
            until = time.monotonic() + 60
            while client.get("/ready").status_code == 503 and time.monotonic() < until:
                time.sleep(0.05)
            assert client.get("/ready").status_code == 200, client.get("/ready").text
            yield client


def ask(client: TestClient, **more):
    return client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "hello there"}], **more})


def said(client: TestClient, **more) -> tuple[str, str, int]:
    """Text, finish reason and token count of a whole reply, which the stream of the same request must bear out."""
    whole = ask(client, **more).json()
    events = [line.removeprefix("data: ") for line in ask(client, stream=True, **more).text.splitlines() if line]
    choices = [json.loads(event)["choices"][0] for event in events[:-1]]
    text, finish = whole["choices"][0]["message"]["content"], whole["choices"][0]["finish_reason"]
    assert "".join(choice["delta"].get("content", "") for choice in choices).strip() == text.strip()
    assert choices[-1]["finish_reason"] == finish
    return text, finish, whole["usage"]["completion_tokens"]


def test_pieces_join_to_the_whole_answer_and_tokens_are_the_models_own(client, workspace) -> None:
    whole = ask(client).json()
    assert 0 < whole["usage"]["completion_tokens"] <= 12
    assert whole["usage"]["prompt_tokens"] > len(["Say:", "hello", "there"])
    events = [line.removeprefix("data: ") for line in ask(client, stream=True).text.splitlines() if line]
    chunks = [json.loads(event) for event in events[:-1]]
    pieces = [chunk["choices"][0]["delta"]["content"] for chunk in chunks[1:-1]]
    assert len(pieces) > 1
    assert "".join(pieces).strip() == whole["choices"][0]["message"]["content"].strip()
    assert len({row["answer"] for row in read_traffic(workspace, "made")}) == 1


def traces_of(workspace: Workspace, experiment: str, id: str) -> list:
    """Traces of an answer, which are written in the background."""
    mlflow = quiet_client(workspace.tracking_uri)
    place = mlflow.get_experiment_by_name(experiment).experiment_id
    until, found = time.monotonic() + 60, []
    while not found and time.monotonic() < until:
        found = mlflow.search_traces(locations=[place], filter_string=f"tags.`ninefold.answer_id` = '{id}'")
        time.sleep(0.2)
    return found


def test_each_answer_leaves_a_trace_with_what_the_model_was_asked_and_its_tokens(client, workspace) -> None:
    reply = ask(client).json()
    (trace,) = traces_of(workspace, "made", reply["ninefold"]["answer_id"])
    root, model = trace.data.spans
    assert root.inputs == {"question": "hello there"}
    assert root.outputs["answer"] == reply["choices"][0]["message"]["content"]
    assert (model.parent_id, model.span_type, model.name) == (root.span_id, "CHAT_MODEL", "made")
    assert model.inputs["messages"] == [{"role": "user", "content": "Say: hello there"}]
    assert model.outputs["choices"][0]["message"]["content"] == root.outputs["answer"]
    usage = reply["usage"]
    tokens = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
    assert trace.info.token_usage.items() >= {**tokens, "total_tokens": usage["total_tokens"]}.items()


def test_a_streamed_answer_leaves_the_same_trace(client, workspace) -> None:
    whole = ask(client).json()
    event = next(line for line in ask(client, stream=True).text.splitlines() if '"answer_id"' in line)
    streamed = json.loads(event.removeprefix("data: "))["ninefold"]["answer_id"]
    both = [traces_of(workspace, "made", id)[0].data.spans for id in (whole["ninefold"]["answer_id"], streamed)]
    assert [span.inputs for span in both[0]] == [span.inputs for span in both[1]]
    assert both[0][1].outputs == both[1][1].outputs


def test_a_token_limit_gives_the_beginning_of_the_answer_and_says_length(client) -> None:
    whole = said(client)[0]
    for limit in (1, 2, 5):
        for field in ("max_tokens", "max_completion_tokens"):
            text, finish, tokens = said(client, **{field: limit})
            assert whole.startswith(text)
            assert (finish, tokens) == ("length", limit)
    assert said(client, max_tokens=9, max_completion_tokens=3) == said(client, max_tokens=3)
    assert said(client, max_tokens=4000) == said(client), "the use case's own limit stays"


def test_a_model_that_its_own_limit_stopped_says_so(client) -> None:
    assert said(client)[1:] == ("length", 12)


def test_an_answer_ends_before_the_first_stop_string_even_where_that_takes_several_pieces(client) -> None:
    whole = said(client)[0]
    for place in range(0, len(whole) - 3, 3):
        for length in (1, 3):
            one = whole[place : place + length]
            if one.strip() == one:
                expected = whole[: whole.index(one)].strip()
                assert said(client, stop=["never in it", one])[:2] == (expected, "stop")
    assert said(client, stop=whole[1])[0] == whole[: whole.index(whole[1])].strip()
    assert said(client, stop="never in it") == said(client)
