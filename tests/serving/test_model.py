"""The endpoint over a language model (two layers, made on the spot): streamed pieces, token counts, traces."""

import json
import time

import pytest
from fastapi.testclient import TestClient

from components.application import checkpoint
from components.core import Candidate, Machine, Prompt, PromptTurn, Runtime, Step, Workspace
from components.core.tracking import quiet_client
from components.deployment import export
from components.serving import read_traffic
from components.serving.app import create_app


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("model") / "home")


@pytest.fixture(scope="module")
def client(workspace: Workspace):
    step = Step("made", workspace.store.scratch("made"), workspace, Machine())
    candidate = Candidate(
        task="summarization",
        abstain="unknown",
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "made", "apache-2.0", step),
        prompt=Prompt(method="zero_shot", turns=(PromptTurn(user="Say: {{input}}", max_new_tokens=12),)),
    )
    bundle = export(candidate, workspace.store, workspace.root / "bundle", [])
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


def test_pieces_join_to_the_whole_answer_and_tokens_are_the_models_own(client, workspace) -> None:
    whole = ask(client).json()
    assert 0 < whole["usage"]["completion_tokens"] <= 16  # 12 decoded; noise may split otherwise when read again
    assert whole["usage"]["prompt_tokens"] > len(["Say:", "hello", "there"])
    events = [line.removeprefix("data: ") for line in ask(client, stream=True).text.splitlines() if line]
    chunks = [json.loads(event) for event in events[:-1]]
    pieces = [chunk["choices"][0]["delta"]["content"] for chunk in chunks[1:-1]]
    assert len(pieces) > 1
    assert "".join(pieces).strip() == whole["choices"][0]["message"]["content"].strip()
    assert len({row["answer"] for row in read_traffic(workspace, "made")}) == 1


def test_each_answer_leaves_a_trace_where_mlflow_shows_it(client, workspace) -> None:
    id = ask(client).json()["ninefold"]["answer_id"]
    mlflow = quiet_client(workspace.tracking_uri)
    experiment = mlflow.get_experiment_by_name("made").experiment_id
    until = time.monotonic() + 20
    found: list = []
    while not found and time.monotonic() < until:  # traces are written in the background
        found = mlflow.search_traces(locations=[experiment], filter_string=f"tags.`ninefold.answer_id` = '{id}'")
        time.sleep(0.2)
    (trace,) = found
    assert trace.data.spans[0].inputs == {"question": "hello there"}
