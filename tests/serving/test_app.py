"""The web application over a real bundle, through a real client."""

import json
import re
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from components.core import Workspace
from components.core.feedback_store import FeedbackStore
from components.serving import Traffic, read_traffic, traffic_path
from components.serving.app import create_app
from components.serving.traffic import Served

from .bundles import PASSAGES, QUESTIONS, bundle, quoting


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serving")


@pytest.fixture(scope="module")
def client(home: Path):
    app = create_app(bundle(home / "bundle"), Workspace(home / "home"), name="desk", version="3")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        until = time.monotonic() + 60
        while client.get("/ready").status_code == 503:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert client.get("/ready").json()["status"] == "ready"
        yield client


def ask(client: TestClient, question: str, **more):
    return client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": question}], **more})


def test_an_answer_comes_in_openai_form_with_its_passages(client, home) -> None:
    reply = ask(client, QUESTIONS[0], model="desk", temperature=0.3).json()
    assert reply["object"] == "chat.completion"
    assert "1825" in reply["choices"][0]["message"]["content"]
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + reply["usage"]["completion_tokens"] > 0
    first = reply["ninefold"]["passages"][0]
    assert (first["id"], first["text"]) == ("rail", PASSAGES["rail"])
    assert reply["ninefold"]["citations"] == [], "its answers are no quotes"
    assert reply["ninefold"]["no_answer_probability"] is None
    assert reply["ninefold"]["model_version"] == "3"
    logged = read_traffic(Workspace(home / "home"), "desk", "3")
    row = next(row for row in logged if row["id"] == reply["ninefold"]["answer_id"])
    assert row["input"] == QUESTIONS[0]
    assert row["passages"][0] == "rail"
    assert row["seconds"] > 0


def test_a_stream_joins_to_the_same_answer_and_ends_with_done(client) -> None:
    whole = ask(client, QUESTIONS[1]).json()["choices"][0]["message"]["content"]
    response = ask(client, QUESTIONS[1], stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == whole
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in chunk for chunk in chunks), "nobody asked for it"
    assert chunks[-1]["ninefold"]["passages"][0]["id"] == "tea"


def test_a_quoted_answer_comes_with_the_characters_of_its_passage(home) -> None:
    workspace = Workspace(home / "quoting")
    with TestClient(create_app(quoting(workspace), workspace, name="quoting"), base_url="http://127.0.0.1") as client:
        while client.get("/ready").status_code == 503:
            time.sleep(0.05)
        reply = ask(client, QUESTIONS[0]).json()
        *_, last, _ = [
            line.removeprefix("data: ") for line in ask(client, QUESTIONS[0], stream=True).text.splitlines() if line
        ]
    (cited,) = reply["ninefold"]["citations"]
    assert cited["passage"] == "rail"
    assert PASSAGES["rail"][cited["start"] : cited["end"]] == reply["choices"][0]["message"]["content"]
    assert json.loads(last)["ninefold"]["citations"] == [cited]
    assert reply["ninefold"]["no_answer_probability"] == 0.5987, (
        "the logistic function of 0.4: this margin counts for nothing"
    )


def test_feedback_is_kept_with_the_answer_it_is_about(client, home) -> None:
    id = ask(client, QUESTIONS[2]).json()["ninefold"]["answer_id"]
    body = {"answer_id": id, "correction": "one", "consent": True, "id": "fb-1"}
    assert client.post("/feedback", json=body).status_code == 201
    assert client.post("/feedback", json=body).json()["id"] == "fb-1"
    store = FeedbackStore(Workspace(home / "home").feedback)
    (kept,) = store.list(ids=["fb-1"])
    assert (kept.text, kept.question, kept.simulated) == ("one", QUESTIONS[2], False)
    assert [one.item for one in store.at(store.mark("desk"), "desk")] == [kept]  # this model's run reads it, and no other's
    # what the prompt held (one passage here), not all that was shown beside the answer
    assert [(seen.id, seen.text) for seen in kept.passages] == [("bees", PASSAGES["bees"])]
    assert client.post("/feedback", json={**body, "correction": "two"}).status_code == 409
    assert client.post("/feedback", json={"answer_id": "no", "rating": 1}).status_code == 404
    assert client.post("/feedback", json={"answer_id": id}).status_code == 422


def correct(client: TestClient, id: str, text: str, **more) -> int:
    return client.post("/feedback", json={"answer_id": id, "correction": text, "consent": True}, **more).status_code


def test_the_id_of_an_answer_is_random_and_the_completions_own(client) -> None:
    replies = [ask(client, QUESTIONS[0]).json() for _ in range(8)]
    ids = [reply["id"] for reply in replies]
    assert ids == [reply["ninefold"]["answer_id"] for reply in replies]
    assert all(re.fullmatch(r"chatcmpl-[0-9a-f]{32}", id) for id in ids)
    # every one of the 128 bits is drawn: in a UUID's form six would stand still, those of digit 13 among them
    assert len({id[21] for id in (*ids, *(ask(client, QUESTIONS[0]).json()["id"] for _ in range(12)))}) > 1


def test_feedback_takes_only_ids_of_answers_that_this_release_gave(client, home) -> None:
    log, store = Traffic(traffic_path(Workspace(home / "home"))), FeedbackStore(Workspace(home / "home").feedback)
    given = ask(client, QUESTIONS[0]).json()["id"]
    (row,) = [row for row in log.rows("desk", "3") if row["id"] == given]
    row = {name: value for name, value in row.items() if name != "at"}
    others = {"another-version": {"model_version": "2"}, "another-model": {"model": "film_reviews"}}
    for id, changed in others.items():
        log.add(Served.model_validate({**row, **changed, "id": id}))
    before = store.count()
    refused = {id: client.post("/feedback", json={"answer_id": id, "rating": 1}) for id in (*others, given[:-1], "%", "")}
    assert {response.status_code for response in refused.values()} == {404}
    assert len({response.text for response in refused.values()}) == 1, "what there is elsewhere is not told apart"
    assert store.count() == before
    assert correct(client, given, "in 1825") == 201


def test_feedback_is_kept_with_who_sent_it_as_the_server_knows_it(client, home) -> None:
    store = FeedbackStore(Workspace(home / "home").feedback)
    key = store.add_client("help-page")
    given = ask(client, QUESTIONS[0]).json()["id"]
    mine, anybodys = {"authorization": f"Bearer {key}"}, {"authorization": "Bearer sk-made-up"}
    forged = {"x-forwarded-for": "10.1.2.3", "forwarded": "for=10.1.2.3", "x-real-ip": "10.1.2.3"}
    for text, headers in {"a": mine, "b": anybodys, "c": forged, "d": {}}.items():
        assert correct(client, given, text, headers=headers) == 201
    sources = {one.item.text: one.source for one in store.received("desk") if one.item.answer_id == given}
    assert sources == {"a": "client:help-page", **dict.fromkeys("bcd", "peer:testclient")}


def test_an_id_of_the_stores_own_form_cannot_be_taken(client) -> None:
    """A caller who took the id of an item that the simulated rater is to write would stop the run."""
    given = ask(client, QUESTIONS[0]).json()["id"]
    response = client.post("/feedback", json={"answer_id": given, "rating": 1, "id": "a" * 64})
    assert response.status_code == 422
    assert "64 hexadecimal digits" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "seed": 1' + b"0" * 5000 + b"}", 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 400),
        (b'{"messages": []}', 400),
        (b'{"messages": [{"role": "user", "content": "  "}]}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "n": 2}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "model": "other"}', 404),
        (b'{"messages": [{"role": "user", "content": "' + b"x" * 30_000 + b'"}]}', 400),
        (b'{"messages": [{"role": "user", "content": "' + b"x" * 1_000_001 + b'"}]}', 413),
    ],
)
def test_bad_requests_are_refused_before_the_model(client, home, body: bytes, status: int) -> None:
    before = len(read_traffic(Workspace(home / "home"), "desk"))
    response = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert response.json()["error"]["message"]
    assert len(read_traffic(Workspace(home / "home"), "desk")) == before


def test_a_body_that_hides_its_length_is_still_limited(client) -> None:
    pieces = (b"x" * 100_000 for _ in range(11))
    assert client.post("/v1/chat/completions", content=pieces).status_code == 413


def test_another_host_name_is_refused(client) -> None:
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 400


def test_models_lists_the_one_model(client) -> None:
    (listed,) = client.get("/v1/models").json()["data"]
    assert listed["id"] == "desk"
    assert client.get("/v1/models/desk").json() == listed
    for other in ("other", "org/other"):
        response = client.get(f"/v1/models/{other}")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/v1/completions", 404), ("GET", "/v1/embeddings", 405)])
def test_what_is_not_there_is_said_in_openais_form(client, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert path in response.json()["error"]["message"]


@pytest.mark.parametrize("route", ["/v1/chat/completions", "/v1/embeddings", "/feedback"])
@pytest.mark.parametrize("field", ["model", "messages", "correction", "by", "input", "metadata", "made_up"])
@pytest.mark.parametrize("half", [r"\ud800", r"\udfff x", r"\udc00\ud800"])
def test_half_a_surrogate_pair_anywhere_is_a_bad_request(client, home, route: str, field: str, half: str) -> None:
    before = len(read_traffic(Workspace(home / "home"), "desk"))
    body = f'{{"answer_id": "x", "{field}": [{{"role": "user", "content": "{half}"}}], "input": "a"}}'
    if field != "messages":
        body = f'{{"messages": [{{"role": "user", "content": "x"}}], "answer_id": "x", "{field}": "{half}"}}'
    for sent in (body, body.replace(f'"{field}":', f'"{half}":')):
        response = client.post(route, content=sent.encode(), headers={"content-type": "application/json"})
        assert response.status_code == 400, response.text
        assert response.json()["error"]["message"]
    assert len(read_traffic(Workspace(home / "home"), "desk")) == before


def test_a_whole_surrogate_pair_is_a_character(client) -> None:
    body = rb'{"messages": [{"role": "user", "content": "When was the railway \ud83d\ude82 opened?"}]}'
    response = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert "1825" in response.json()["choices"][0]["message"]["content"]


def test_a_release_without_an_embedder_says_so(client) -> None:
    response = client.post("/v1/embeddings", json={"model": "desk", "input": "tea"})
    assert response.status_code == 404
    assert "desk has no embedder" in response.json()["error"]["message"]


def test_an_answer_without_a_model_counts_words(client) -> None:
    whole = ask(client, QUESTIONS[0]).json()["choices"][0]["message"]["content"]
    for limit in (1, 3):
        reply = ask(client, QUESTIONS[0], max_tokens=limit).json()
        assert reply["choices"][0]["message"]["content"] == " ".join(whole.split()[:limit])
        assert (reply["choices"][0]["finish_reason"], reply["usage"]["completion_tokens"]) == ("length", limit)
    reply = ask(client, QUESTIONS[0], stop=["railway"]).json()
    assert reply["choices"][0]["message"]["content"] == whole[: whole.index("railway")]
    assert reply["choices"][0]["finish_reason"] == "stop"


def test_a_changed_bundle_is_not_served(home) -> None:
    folder = bundle(home / "changed")
    (passages,) = (folder / "store").rglob("passages.jsonl")
    passages.write_text(passages.read_text().replace("1825", "1925"))
    app = create_app(folder, Workspace(home / "home"), name="desk")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        until = time.monotonic() + 30
        while (answer := client.get("/ready")).status_code == 503 and time.monotonic() < until:
            time.sleep(0.05)
        assert answer.status_code == 500
        assert "was changed" in answer.json()["error"]["message"]
