"""The GPU deployment of a real (two-layer) model: files made and checked; what lacks is said."""

import json
from pathlib import Path

import pytest
import yaml

from components.application import checkpoint
from components.core import BadInput, Candidate, Prompt, PromptTurn, Runtime, Workspace
from components.deployment.gpu import IMAGE, check_compose, check_kubernetes, write_gpu
from tests.serving.bundles import candidate as plain

from . import cases


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory):
    """(row, note, folder) of the two-layer model's GPU deployment, with no engine and no registry to ask."""
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
        row, note = write_gpu(cases.contract(), made, step)
    return row, note, workspace.store.path(row["object"]), made


def test_the_files_serve_the_merged_weights_within_limits(written) -> None:
    row, note, folder, made = written
    assert (folder / "weights" / "model.safetensors").is_file()
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    assert compose["services"]["model"]["image"] == IMAGE
    assert made.digest in (folder / "kubernetes.yaml").read_text()
    assert "not started: no Docker engine answers" in note
    assert row["image"] == IMAGE


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


def test_a_plain_baseline_has_no_gpu_deployment(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    row, note = write_gpu(cases.contract(), plain(workspace.store, tmp_path), cases.step(workspace))
    assert row is None
    assert "plain baseline" in note
