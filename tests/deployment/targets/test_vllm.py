"""The vLLM deployment of a real (two-layer) model: files made and checked; what lacks is said."""

import json
from pathlib import Path

import pytest
import yaml

from components.application import checkpoint
from components.core import Adapter, BadInput, Candidate, MachineFault, Prompt, PromptTurn, Runtime, Workspace
from components.deployment.targets import Delivery
from components.deployment.targets.vllm import IMAGE, ask, ask_model, check_compose, check_kubernetes, deploy
from components.serving import free_port, start, stop
from tests.deployment import cases
from tests.serving.bundles import QUESTIONS, bundle
from tests.serving.bundles import candidate as plain


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory):
    """(row, note, folder, Candidate) of the two-layer model's deployment, with no engine and no registry to ask."""
    workspace = Workspace(tmp_path_factory.mktemp("gpu") / "home")
    step = cases.step(workspace)
    made = Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "made", "apache-2.0", step),
        prompt=Prompt(method="zero_shot", turns=(PromptTurn(user="{{input}}"),)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///nothing/docker.sock")
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        delivery = cases.delivery(made, step, workspace.root / "bundle")
        row, _ = deploy(delivery)
        asked, note = ask(delivery, row, ["?"])
    assert asked == []
    return row, note, workspace.store.path(row["object"]), made


def test_the_files_serve_the_merged_weights_within_limits(written) -> None:
    row, note, folder, made = written
    assert (folder / "weights" / "model.safetensors").is_file()
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    assert compose["services"]["model"]["image"] == IMAGE
    assert made.digest in (folder / "kubernetes.yaml").read_text()
    assert "not started: no Docker engine answers" in note
    assert row["image"] == IMAGE


def test_learned_keys_and_values_are_not_left_out_in_silence(written, tmp_path: Path) -> None:
    """A checkpoint without them would be another model than the one that was measured."""
    made = written[-1].model_copy(update={"adapter": Adapter(object="a" * 64, technique="prefix", objective="sft")})
    step = cases.step(Workspace(tmp_path))
    row, note = deploy(Delivery(cases.contract(), made, Path(), "", 0, step))
    assert row is None
    assert "no vLLM deployment: what prefix learned cannot become part of a checkpoint" in note


def test_a_digest_that_cannot_be_resolved_is_never_invented(written) -> None:
    row, _, folder, _ = written
    kept = json.loads((folder / "deployment.json").read_text())
    assert row["digest"] is None
    assert kept["digest"] is None
    assert kept["digest_from"].startswith("not resolved")


@pytest.mark.parametrize(
    ("file", "check", "was", "now"),
    [
        ("compose.yaml", check_compose, "127.0.0.1:8000:8000", "8000:8000"),
        ("compose.yaml", check_compose, "--enable-prefix-caching", "--x"),
        (
            "kubernetes.yaml",
            check_kubernetes,
            "nvidia.com/gpu: 1}\n          startupProbe",
            "cpu: 1}\n          startupProbe",
        ),
        ("kubernetes.yaml", check_kubernetes, ":v0.32.0", ":latest"),
    ],
)
def test_a_manifest_that_lacks_something_is_refused(written, file: str, check, was: str, now: str) -> None:
    text = (written[2] / file).read_text()
    assert was in text
    with pytest.raises(BadInput, match="is missing"):
        check(text.replace(was, now))


def test_a_plain_baseline_has_no_vllm_deployment(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    chosen = plain(workspace.store, tmp_path)
    row, note = deploy(cases.delivery(chosen, cases.step(workspace), tmp_path / "bundle"))
    assert row is None
    assert "plain baseline" in note


def test_a_model_behind_the_same_api_is_asked_as_vllm_is(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    endpoint = start(workspace, "desk", bundle(tmp_path / "bundle"), free_port())
    try:
        assert ask_model(endpoint.url, "desk", QUESTIONS[0]).startswith("The first public steam railway")
    finally:
        stop(workspace, "desk")
    with pytest.raises(MachineFault, match="does not answer"):
        ask_model(endpoint.url, "desk", QUESTIONS[0])
