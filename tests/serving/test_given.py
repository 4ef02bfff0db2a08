"""Questions that come with the text that they are about, at the endpoint, as an MLflow model and in an edge folder."""

import io
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from components.core import BadInput, Baseline, Candidate, Runtime, Workspace
from components.deployment import export
from components.serving import edge, read_traffic
from components.serving.app import create_app
from components.serving.pyfunc_model import Answers
from tests.serving.test_chat import ready

LEASE = "The flat has three rooms. The rent is 900 euro a month. No pets are allowed."
OTHER = "The flat has one room. The rent is 500 euro a month."
RENT = "What is the rent a month?"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("given") / "home")


@pytest.fixture(scope="module")
def bundle(workspace: Workspace) -> Path:
    made = Candidate(
        task="question_answering",
        own={"context": "given"},
        runtime=Runtime(engine="baseline"),
        baseline=Baseline(kind="best_sentence"),
    )
    return export(made, workspace.store, workspace.root / "bundle", [])


@pytest.fixture(scope="module")
def client(workspace: Workspace, bundle: Path):
    with TestClient(create_app(bundle, workspace, name="leases"), base_url="http://127.0.0.1") as client:
        ready(client)
        yield client


def post(client: TestClient, content: object):
    return client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": content}]})


def test_each_question_is_answered_from_the_text_that_came_with_it(client, workspace: Workspace) -> None:
    for text, rent in ((LEASE, "900"), (OTHER, "500")):
        parts = [{"type": "text", "text": part} for part in (text, RENT)]
        for content in (f"{text}\n\n{RENT}", parts):
            reply = post(client, content)
            assert reply.status_code == 200, reply.text
            assert reply.json()["choices"][0]["message"]["content"] == f"The rent is {rent} euro a month."
            assert reply.json()["ninefold"]["passages"] == []
    logged = read_traffic(workspace, "leases")[-1]
    assert logged["input"] == f"{OTHER}\n\n{RENT}", "all of the input"
    assert logged["seen"] == [], "it stands in the input already"


@pytest.mark.parametrize("content", [RENT, [{"type": "text", "text": RENT}], f"\n\n{RENT}"])
def test_a_question_without_a_text_is_refused_with_what_to_send(client, content) -> None:
    reply = post(client, content)
    assert reply.status_code == 400
    assert "send the text, an empty line and the question" in reply.json()["error"]["message"]


def test_the_registered_model_reads_the_text_from_its_own_column(bundle: Path) -> None:
    model = Answers()
    model.load_context(type("Context", (), {"artifacts": {"bundle": str(bundle)}})())
    rows = [{"question": RENT, "context": LEASE}, {"question": f"{OTHER}\n\n{RENT}"}]
    assert [one["answer"] for one in model.predict(None, rows)] == [
        "The rent is 900 euro a month.",
        "The rent is 500 euro a month.",
    ]
    with pytest.raises(BadInput, match="each row needs 'context'"):
        model.predict(None, [{"question": RENT}])


def test_an_edge_folder_reads_it_from_its_lines(bundle: Path, monkeypatch, capsys) -> None:
    lines = [{"id": "1", "question": RENT, "context": LEASE}, {"id": "2", "question": RENT}]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(map(json.dumps, lines))))
    assert edge.main(bundle, []) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["answer"] == "The rent is 900 euro a month."
    assert "question '2': " in printed.err
    assert edge.main(bundle, [f"{OTHER}\n\n{RENT}"]) == 0
    assert capsys.readouterr().out.startswith("The rent is 500 euro a month.")
