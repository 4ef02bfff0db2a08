"""A language model in int8 with a vector index, released: a fresh process and an image answer as this process does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.application import checkpoint, load
from components.core import Candidate, Quoted, Retriever, Row, Step
from components.deployment import Config, deploy
from components.deployment.stage import Deployed
from components.deployment.targets import docker
from components.governance import bundle_folder
from components.optimization.builder import build
from components.retrieval import Config as Retrieval
from components.retrieval.index import build as build_index
from flows.export import export
from tests.retrieval.small import candidate, dataset, step_in

from . import cases

QUESTION = "which river flows through Lima"


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Step:
    return step_in(tmp_path_factory.mktemp("model") / "home")


@pytest.fixture(scope="module")
def chosen(step: Step) -> Candidate:
    data, config = dataset(step), Retrieval()
    hand = candidate(data, step)
    embedder = checkpoint(config.embedder, config.embedder_name, config.embedder_licence, step)
    index = build_index(data.knowledge, embedder, 60, 10, step)
    retriever = Retriever(
        scoring="convex", store="numpy", knowledge=data.knowledge.object, top_k=2, index=index.object, embedder=embedder
    )
    return build(hand, "int8", (), step).model_copy(update={"retriever": retriever, "quoted": Quoted()})


@pytest.fixture(scope="module")
def deployed(step: Step, chosen: Candidate, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    workspace = step.workspace
    return deploy(
        Config(port=0, questions=1),
        contract=cases.contract(),
        candidate=chosen,
        evidence=cases.evidence(workspace, tmp_path_factory.mktemp("evidence"), chosen.digest, ["a", "b", "c"]),
        dataset=dataset(step),
        finalist=chosen.digest,
        run=Path("runs/run-1"),
        step=cases.step(workspace),
    )


@pytest.fixture(scope="module")
def expected(step: Step, chosen: Candidate) -> tuple[str, list[str]]:
    with load(chosen, step.store, step.machine) as application:
        (answer,) = application.answer([Row(id="q", text=QUESTION, answer="")])
    return answer.text, list(answer.passages)


def test_a_fresh_process_answers_as_this_one_does(
    step: Step, deployed: Deployed, expected: tuple[str, list[str]], tmp_path: Path
) -> None:
    assert deployed.release.version == 1
    code = (
        "import json, mlflow; model = mlflow.pyfunc.load_model('models:/desk@candidate');"
        f"print(json.dumps(model.predict([{{'question': {QUESTION!r}}}])))"
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": step.workspace.tracking_uri, "DO_NOT_TRACK": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    (said,) = json.loads(done.stdout.strip().splitlines()[-1])
    assert (said["answer"], said["passages"]) == expected
    assert said["passages"][0] == "Lima"


def test_an_image_answers_as_this_process_does(
    step: Step, chosen: Candidate, deployed: Deployed, expected: tuple[str, list[str]]
) -> None:
    if "NINEFOLD_TEST_IMAGES" not in os.environ:
        pytest.skip("set NINEFOLD_TEST_IMAGES to build an image with torch in it: gigabytes and minutes")
    client, why_not = docker._engine()
    if client is None:
        pytest.skip(why_not)
    delivery = cases.delivery(chosen, cases.step(step.workspace, "image"), bundle_folder(step.workspace, chosen.digest))
    row, note = docker.deploy(delivery)
    if row is None:
        pytest.skip(note)
    try:
        asked, _ = docker.ask(delivery, row, [QUESTION])
        assert (asked[0].answer, list(asked[0].passages)) == expected
    finally:
        docker.remove(delivery, row)


def test_its_model_goes_to_other_programs_as_it_was_before_int8(step: Step, deployed: Deployed, tmp_path: Path) -> None:
    report = export("desk", tmp_path / "out", "gguf", "bf16", step.workspace)
    assert (report["version"], report["files"]) == (1, ["desk.gguf"])
    said = " ".join(report["notes"])
    assert "as they were before int8" in said
    assert "not in it: its retriever" in said
    assert "that answers are words of the passage" in said
