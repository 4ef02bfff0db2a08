"""Traces of an application with a retriever, over a registered version."""

import pytest
from fastapi.testclient import TestClient

from components.core import Workspace
from components.deployment.bundle import export
from components.deployment.register import register
from components.governance import Registry
from components.serving.app import create_app
from tests.governance.conftest import described
from tests.serving.bundles import PASSAGES, QUESTIONS, candidate
from tests.serving.test_model import traces_of


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    workspace = Workspace(tmp_path / "home")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.tracking_uri)  # the server sets it for its process: put back here
    return workspace


def test_a_trace_shows_the_search_with_its_documents_and_belongs_to_the_version(workspace, tmp_path) -> None:
    chosen = candidate(workspace.store, tmp_path)
    bundle = export(chosen, workspace.store, workspace.root / "bundle", [])
    version = register(Registry(workspace), described(1, chosen.digest), chosen, bundle, tmp_path / "scratch")
    app = create_app(bundle, workspace, name="desk", version=str(version.version), trace=True)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        app.state.served.worker.loading.result(60)
        body = {"messages": [{"role": "user", "content": QUESTIONS[1]}]}
        reply = client.post("/v1/chat/completions", json=body).json()
    (trace,) = traces_of(workspace, "desk", reply["ninefold"]["answer_id"])
    root, search, answer = trace.data.spans
    assert (search.name, search.span_type, search.parent_id) == ("bm25", "RETRIEVER", root.span_id)
    assert search.inputs["query"] == QUESTIONS[1]
    best = search.outputs[0]
    assert (best["page_content"], best["metadata"]["doc_uri"]) == (PASSAGES["tea"], "tea")
    assert [one["id"] for one in search.outputs] == [one["id"] for one in reply["ninefold"]["passages"]]
    assert (answer.name, answer.span_type, answer.parent_id) == ("baseline", "CHAIN", root.span_id)
    assert search.end_time_ns <= answer.start_time_ns
    source = Registry(workspace).client.get_model_version("desk", str(version.version)).source
    assert trace.info.trace_metadata["mlflow.modelId"] == source.removeprefix("models:/")
    traces = Registry(workspace).client.search_traces(locations=[trace.info.experiment_id])
    assert len(traces) == 1, "the answer that warms it up is nobody's"
