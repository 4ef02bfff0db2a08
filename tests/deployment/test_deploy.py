"""The whole stage on a real MLflow (SQLite), a real server, and a fresh process that loads what was registered."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.core import BadInput, Ledger, MachineFault, Workspace
from components.core.code import ROOT
from components.core.keys import make_keys
from components.deployment import Config, deploy, export
from components.deployment.bundle import reference_rows
from components.governance import champion, registered
from components.serving import load_bundle, reference_of, status
from tests.serving.bundles import QUESTIONS, candidate

from . import cases

ANSWERS = [
    "The first public steam railway opened in England in 1825.",
    "Green tea comes from the leaves of Camellia sinensis.",
    "A colony has one queen and many thousands of workers.",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deploy")


def run(workspace: Workspace, folder: Path, risk: str = "medium", below: float | None = None, **config):
    folder.mkdir(exist_ok=True)
    chosen = candidate(workspace.store, folder, below)
    return deploy(
        Config(port=0, questions=3, **config),
        contract=cases.contract(risk),
        candidate=chosen,
        evidence=cases.evidence(workspace, folder, chosen.digest, ANSWERS),
        dataset=cases.dataset(workspace, folder),
        finalist=chosen.digest,
        run=Path("runs/run-1"),
        step=cases.step(workspace),
    )


@pytest.fixture(scope="module")
def deployed(home: Path):
    return run(Workspace(home / "home"), home / "build")


def test_it_is_registered_after_its_endpoint_answered(deployed, home) -> None:
    workspace = Workspace(home / "home")
    assert deployed.decision.adopted
    assert (deployed.release.version, deployed.release.alias, deployed.release.approval) == (1, "candidate", None)
    assert deployed.metrics["questions_answered"] == 3
    assert registered(workspace, "desk", "candidate").candidate == deployed.release.candidate.digest
    assert champion(workspace, "desk") is None
    assert status(workspace, "desk-trial") is None
    assert deployed.release.deployments == ({"target": "endpoint", "port": 8000, "questions": 3},)
    assert deployed.decision.reason == "desk version 1 is registered; its endpoint answered 3 of 3 questions"
    assert [row["answer"] for row in reference_of(registered(workspace, "desk").bundle(workspace))] == ANSWERS


def test_the_answers_served_are_the_answers_measured(deployed) -> None:
    assert deployed.metrics["answers_as_measured"] == 3


def test_a_second_run_makes_no_second_version(deployed, home) -> None:
    again = run(Workspace(home / "home"), home / "again")
    assert again.release.version == 1


def test_a_fresh_process_elsewhere_loads_and_asks_it(deployed, home) -> None:
    code = (
        "import json, mlflow; model = mlflow.pyfunc.load_model('models:/desk@candidate');"
        f"rows = [{{'question': {QUESTIONS[0]!r}}}];"
        f"chat = [{{'messages': [{{'role': 'user', 'content': {QUESTIONS[1]!r}}}]}}];"
        "print(json.dumps([model.predict(rows), model.predict(chat)]));"
        "import components; print(components.__file__)"
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": Workspace(home / "home").tracking_uri, "DO_NOT_TRACK": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=home, env=environment)
    assert (done.returncode, done.stderr) == (0, "")  # and it says nothing on the screen
    said, where = done.stdout.strip().splitlines()[-2:]
    ((first,), (second,)) = json.loads(said)
    assert (first["answer"], first["passages"][0]) == (ANSWERS[0], "rail")
    assert second["answer"] == ANSWERS[1]
    assert not where.startswith(str(ROOT))  # the model brings its own code


def test_a_reply_that_got_lost_leaves_one_version(deployed, home) -> None:
    workspace = Workspace(home / "home")
    ledger = Ledger(workspace.ledger)
    kept = {effect["key"] for effect in ledger.effects("register")}
    (key,) = (key for key in kept if key.endswith(deployed.release.candidate.digest))
    ledger.forget(key)
    assert run(workspace, home / "lost").release.version == 1
    assert {effect["key"] for effect in ledger.effects("register")} == kept


def test_a_kill_between_register_and_record_leaves_one_version(tmp_path: Path) -> None:
    """A real process is killed while the ledger still waits for the reply; the run after it finds the version."""
    workspace = Workspace(tmp_path / "home")
    (tmp_path / "killed").mkdir()
    code = (
        "import os, signal; from pathlib import Path; from mlflow import MlflowClient;"
        "from components.core import Workspace;"
        "from tests.deployment.test_deploy import run;"
        "made = MlflowClient.create_model_version;\n"
        "def create_and_die(*given, **named):\n"
        "    made(*given, **named)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "MlflowClient.create_model_version = create_and_die\n"
        f"run(Workspace(Path({str(tmp_path / 'home')!r})), Path({str(tmp_path / 'killed')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL, done.stderr
    released = run(workspace, tmp_path / "again").release
    assert released.version == 1
    from components.governance import Registry

    assert len(Registry(workspace).client.search_model_versions("name = 'desk'")) == 1


def test_low_risk_is_approved_by_policy_on_the_record_once_there_is_a_key(tmp_path: Path, monkeypatch) -> None:
    unsigned = run(Workspace(tmp_path / "without"), tmp_path / "before", risk="low")
    assert (unsigned.release.alias, unsigned.release.approval) == ("candidate", None)
    assert unsigned.notes[0].startswith("no signing key")
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "keys"))
    make_keys()
    released = run(Workspace(tmp_path / "home"), tmp_path / "build", risk="low").release
    assert released.alias == "champion"
    assert (released.approval.policy, released.approval.by) == (True, "policy low_risk")
    assert champion(Workspace(tmp_path / "home"), "desk") == released.candidate


def test_a_bundle_has_only_what_its_candidate_names(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    chosen = candidate(workspace.store, tmp_path)
    (tmp_path / "other.txt").write_text("not part of it")
    workspace.store.put(tmp_path / "other.txt")
    rows = reference_rows([{"id": "q", "text": "t", "answer": "a"}])
    loaded, store = load_bundle(export(chosen, workspace.store, tmp_path / "bundle", rows))
    assert loaded == chosen
    assert [path.name for path in (store.root / "objects").iterdir()] == chosen.objects


def test_what_answered_nowhere_is_not_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    workspace = Workspace(tmp_path / "home")
    with pytest.raises(
        MachineFault, match=r"targets: docker, vllm: none could be asked here.*no Docker engine answers"
    ) as said:
        run(workspace, tmp_path / "build", targets=("docker", "vllm"))
    assert "a plain baseline has no model" in str(said.value)
    with pytest.raises(BadInput, match="'desk' is not registered"):
        registered(workspace, "desk")


def test_a_trial_takes_no_alias_from_a_release(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    assert run(workspace, tmp_path / "first", trial=True).release.alias == "candidate"
    earnest = run(workspace, tmp_path / "second", below=0.1).release
    assert (earnest.version, earnest.alias) == (2, "candidate")
    trial = run(workspace, tmp_path / "third", risk="low", below=0.2, trial=True).release
    assert (trial.version, trial.alias, trial.approval) == (3, None, None)
    assert registered(workspace, "desk", "candidate").version == 2


def test_another_mlflow_has_other_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / "home")
    run(workspace, tmp_path / "first")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'shared.db'}")
    with pytest.raises(BadInput, match="'desk' is not registered"):
        registered(workspace, "desk")
    run(workspace, tmp_path / "again")
    assert registered(workspace, "desk").version == 1
