"""Embeddings over a release whose retriever has an embedder, as raw requests."""

import base64
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient

from components.core import Workspace
from components.serving.app import create_app

from .bundles import with_embedder


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, fetched):
    workspace = Workspace(tmp_path_factory.mktemp("embeddings") / "home")
    workspace.assets.symlink_to(fetched)
    with TestClient(create_app(with_embedder(workspace), workspace, name="desk"), base_url="http://127.0.0.1") as client:
        until = time.monotonic() + 60
        while client.get("/ready").status_code == 503 and time.monotonic() < until:
            time.sleep(0.05)
        assert client.get("/ready").status_code == 200, client.get("/ready").text
        yield client


def vectors(client: TestClient, texts: object, **more) -> np.ndarray:
    response = client.post("/v1/embeddings", json={"input": texts, **more})
    assert response.status_code == 200, response.text
    return np.array([one["embedding"] for one in response.json()["data"]])


def test_alike_texts_have_alike_vectors_of_unit_length(client) -> None:
    told = vectors(client, ["where is tea from", "the origin of tea", "a steam railway"], model="minilm")
    assert told.shape == (3, 384)
    assert np.allclose(np.linalg.norm(told, axis=1), 1, atol=1e-5)
    assert told[0] @ told[1] > told[0] @ told[2]


def test_a_long_list_keeps_its_order_and_one_text_may_stand_alone(client) -> None:
    texts = [f"passage number {i}" for i in range(70)]
    told = vectors(client, texts)
    assert told.shape == (70, 384)
    alone = [vectors(client, texts[i])[0] for i in (0, 33, 69)]
    assert np.allclose((told[[0, 33, 69]] * alone).sum(1), 1, atol=1e-3)


def test_base64_holds_the_same_numbers(client) -> None:
    response = client.post("/v1/embeddings", json={"input": "tea", "encoding_format": "base64", "dimensions": 384})
    told = np.frombuffer(base64.b64decode(response.json()["data"][0]["embedding"]), "<f4")
    assert np.allclose(told, vectors(client, "tea")[0], atol=1e-6)
    assert response.json()["usage"]["total_tokens"] == 3, "the word between two marks"


@pytest.mark.parametrize(
    ("param", "body"),
    [
        ("input", {"input": []}),
        ("input", {"input": ""}),
        ("input", {"input": ["tea", " "]}),
        ("input", {"input": [5, 7]}),
        ("input", {"input": [[5, 7]]}),
        ("input", {"input": "x" * 30_000}),
        ("input", {"input": ["x"] * 2049}),
        ("input", {}),
        ("input.40", {"input": ["x"] * 40 + ["tea " * 2000]}),
        ("dimensions", {"input": "tea", "dimensions": 64}),
        ("encoding_format", {"input": "tea", "encoding_format": "int8"}),
        ("made_up", {"input": "tea", "made_up": 1}),
    ],
)
def test_what_cannot_be_embedded_whole_is_refused_by_name(client, param: str, body: dict) -> None:
    response = client.post("/v1/embeddings", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert response.json()["error"]["message"].startswith(f"{param}: ")


def test_another_model_is_not_there(client) -> None:
    response = client.post("/v1/embeddings", json={"input": "tea", "model": "text-embedding-3-small"})
    assert response.status_code == 404
    assert "minilm" in response.json()["error"]["message"]
