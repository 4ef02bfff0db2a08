"""MLflow as a projection: on a real MLflow with SQLite."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.core import BadInput, Dataset, Decision, MachineFault, Prompt, PromptTurn, Split, Workspace, write_jsonl
from components.core.inputs import inputs_in
from components.core.tracking import Tracking, active

DECISION = Decision(verdict="adopt", reason="gain 0.12, interval [0.05, 0.19]")
MEASURED = {"seconds": 12.5, "memory": {"peak_gb": 2.5, "deep": {"x": 1}}, "device": "cpu"}


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    return Tracking(Workspace(tmp_path_factory.mktemp("tracking")), "voice_helpdesk")


def show(tracking: Tracking, parent: str, key: str, **changed: object) -> str:
    given: dict = {
        "params": {"rank": 16, "nested": {"rate": 0.1}},
        "metrics": {"hit@1": 0.78, "f1": 0.3},
        "decision": DECISION,
        "notes": ("3 rows dropped",),
        "measured": MEASURED,
        "files": {},
        "result": {"rounds": [1, 2]},
    }
    return tracking.stage(parent, "retrieval", key, stage="retrieval", **{**given, **changed})


def test_a_run_is_found_again_by_its_key(tracking: Tracking) -> None:
    first = tracking.begin("run-a", "a run", {"profile": "smoke"}, {"ninefold.run": "a"})
    tracking.finish(first, "FAILED")
    again = tracking.begin("run-a", "a run", {"profile": "smoke"}, {"ninefold.run": "a"})
    assert again == first
    assert tracking.client.get_run(first).info.status == "RUNNING"
    tracking.finish(first, "FINISHED")
    assert tracking.begin("run-b", "a run", {}, {}) != first


def test_a_stage_is_a_nested_run_with_its_figures(tracking: Tracking, tmp_path: Path) -> None:
    (tmp_path / "table.jsonl").write_text("{}\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("<p>docs")
    parent = tracking.begin("run-c", "a run", {}, {})
    files = {"evidence": tmp_path / "table.jsonl", "data_docs": tmp_path / "docs"}
    run = tracking.client.get_run(show(tracking, parent, "step-c", files=files))
    assert run.data.params == {"rank": "16", "nested.rate": "0.1"}
    assert run.data.metrics["hit_at_1"] == 0.78
    assert run.data.metrics["measured/memory/peak_gb"] == 2.5
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert run.data.tags["ninefold.verdict"] == "adopt"
    assert "3 rows dropped" in run.data.tags["mlflow.note.content"]
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time >= 12_000
    listed = {item.path for item in tracking.client.list_artifacts(run.info.run_id)}
    assert listed == {"measured.json", "decision.json", "result.json", "evidence", "data_docs"}


def test_a_stage_shown_twice_is_one_run(tracking: Tracking) -> None:
    parent = tracking.begin("run-d", "a run", {}, {})
    assert show(tracking, parent, "step-d") == show(tracking, parent, "step-d")
    other = tracking.begin("run-e", "another run", {}, {})
    assert show(tracking, other, "step-d") == show(tracking, parent, "step-d")
    assert "retrieval/hit_at_1" in tracking.client.get_run(other).data.metrics
    assert len(tracking.client.get_metric_history(other, "retrieval/hit_at_1")) == 1
    assert any(tag.startswith("ninefold.step.retrieval.") for tag in tracking.client.get_run(other).data.tags)


KILLED = """
import os, signal, sys
from pathlib import Path
from components.core import Workspace
from components.core.tracking import KEY, Tracking
tracking = Tracking(Workspace(Path(sys.argv[1])), "voice_helpdesk")
parent = tracking.begin("run-f", "killed", {"profile": "smoke"}, {})
run = tracking.client.create_run(tracking.experiment, run_name="retrieval", tags={KEY: "step-f"})
tracking.client.log_param(run.info.run_id, "rank", 16)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_left_open_by_a_kill_is_finished(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == -9
    assert done.stderr == ""
    tracking = Tracking(Workspace(tmp_path), "voice_helpdesk")
    parent = tracking.begin("run-f", "killed", {"profile": "smoke"}, {})
    run = tracking.client.get_run(show(tracking, parent, "step-f"))
    tracking.finish(parent, "FINISHED")
    assert run.info.status == "FINISHED"
    assert run.data.params["nested.rate"] == "0.1"
    runs = tracking.client.search_runs([tracking.experiment])
    assert len(runs) == 2
    assert all(item.info.status == "FINISHED" for item in runs)


def test_more_settings_than_one_request_takes_are_all_logged(tracking: Tracking) -> None:
    parent = tracking.begin("run-g", "a run", {}, {})
    many = {f"setting {number}": "x" * 7000 if number == 7 else number for number in range(250)}
    run = tracking.client.get_run(show(tracking, parent, "step-g", params=many))
    assert len(run.data.params) == 250
    assert len(run.data.params["setting 7"]) == 6000


def test_a_prompt_has_one_version_per_content(tracking: Tracking) -> None:
    first = Prompt(method="zero_shot", turns=(PromptTurn(system="Be brief.", user="{{context}}\n{{input}}"),))
    second = first.model_copy(update={"method": "few_shot"})
    assert tracking.prompt("voice_helpdesk_prompt", first, "candidate") == 1
    assert tracking.prompt("voice_helpdesk_prompt", first, "candidate") == 1
    assert tracking.prompt("voice_helpdesk_prompt", second, "candidate") == 2
    loaded = tracking.client.load_prompt("prompts:/voice_helpdesk_prompt@candidate")
    assert loaded.version == 2
    assert loaded.format(context="C", input="Q")[-1] == {"role": "user", "content": "C\nQ"}
    assert Prompt.model_validate_json(loaded.tags["ninefold.prompt"]) == second


def test_a_prompt_is_listed_under_its_experiment(tracking: Tracking) -> None:
    tracking.prompt("listed_prompt", Prompt(method="zero_shot", turns=(PromptTurn(user="{{input}}"),)), "candidate")
    for _ in range(100):  # MLflow links it in a thread of its own
        listed = tracking.client.get_prompt("listed_prompt").tags.get("_mlflow_experiment_ids")
        if listed:
            break
        time.sleep(0.05)
    assert listed == f",{tracking.experiment},"


def test_showing_a_stage_is_quick(tracking: Tracking) -> None:
    parent = tracking.begin("run-h", "a run", {}, {})
    show(tracking, parent, "step-h0")
    started = time.process_time()  # a neighbour on the other core changes it little
    for number in range(1, 6):
        show(tracking, parent, f"step-h{number}")
    assert (time.process_time() - started) / 5 < 0.3


def files(folder: Path) -> set[Path]:
    """All below `folder`, but for what SQLite keeps while a database is open."""
    return {path.relative_to(folder) for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_a_workspace_that_was_moved_keeps_its_artifacts_with_it(tmp_path: Path, how) -> None:
    (tmp_path / "file.txt").write_text("x")
    earlier, later = tmp_path / "a %20", tmp_path / "b #"
    first = Tracking(Workspace(earlier), "desk")
    old = first.show("n", "k1", params={}, metrics={}, tags={}, files={"file.txt": tmp_path / "file.txt"})
    elsewhere = first.client.create_experiment("theirs", artifact_location=(tmp_path / "theirs").as_uri())
    before = files(earlier)
    how(earlier, later)
    again = Tracking(Workspace(later), "desk")
    assert again.client.get_run(old).info.artifact_uri == (later / "mlruns" / old / "artifacts").as_uri()
    assert Path(again.client.download_artifacts(old, "file.txt/file.txt")).read_text() == "x"
    new = again.show("n", "k2", params={}, metrics={}, tags={}, files={"file.txt": tmp_path / "file.txt"})
    assert new in {path.name for path in (later / "mlruns").iterdir()}
    assert again.client.get_experiment(elsewhere).artifact_location == (tmp_path / "theirs").as_uri()
    if how is shutil.move:
        assert not earlier.exists()
    else:
        assert files(earlier) == before
        assert first.client.get_run(old).info.artifact_uri.startswith(earlier.as_uri()), "the original stays what it was"


def test_a_run_or_experiment_that_the_environment_names_is_not_written_to(tmp_path: Path, monkeypatch) -> None:
    import mlflow

    tracking = Tracking(Workspace(tmp_path), "desk")
    stale = {"MLFLOW_RUN_ID": "deadbeef", "MLFLOW_EXPERIMENT_ID": "999", "MLFLOW_EXPERIMENT_NAME": "nobody's"}
    for name, value in stale.items():
        monkeypatch.setenv(name, value)
    with active(tracking.uri, tracking.experiment), mlflow.start_run() as run:
        assert run.info.experiment_id == tracking.experiment
    assert {name: os.environ[name] for name in stale} == stale
    assert tracking.client.get_experiment_by_name("nobody's") is None


def test_an_mlflow_that_is_not_there_is_one_sentence_and_not_minutes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:hush@127.0.0.1:9")
    with pytest.raises(MachineFault, match=r"^MLFLOW_TRACKING_URI: no MLflow answers at http://127\.0\.0\.1:9\. Start"):
        Tracking(Workspace(tmp_path), "desk")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "mlruns"))
    with pytest.raises(BadInput, match=r"^MLFLOW_TRACKING_URI: '.*mlruns' is a folder"):
        Tracking(Workspace(tmp_path), "desk")


def test_no_two_runs_have_one_name(tracking: Tracking) -> None:
    parent = tracking.begin("run-i", "a run", {}, {})
    ids = [show(tracking, parent, f"{number}-step-of-one-stage") for number in range(3)]
    names = [tracking.client.get_run(run_id).info.run_name for run_id in ids]
    assert len(set(names)) == 3
    assert all(name.startswith("retrieval ") for name in names)


def test_the_splits_that_a_run_used_are_its_dataset_inputs_and_are_found_after_a_move(tmp_path: Path) -> None:
    import mlflow

    workspace = Workspace(tmp_path / "it's \u00e4 home")
    rows = tmp_path / "rows.jsonl"
    write_jsonl(rows, [{"id": "a"}])
    test = Split(name="test", object=workspace.store.put(rows), count=1)
    dataset = Dataset(splits={"test": test, "feedback": Split(name="feedback", object="0" * 64, count=0)}, provenance="")
    (used,) = inputs_in(dataset, "desk", workspace.store)
    tracking = Tracking(workspace, "desk")
    run = tracking.show("n", "k", params={}, metrics={}, tags={}, files={}, inputs=[used])
    tracking.used(run, [used])
    shutil.move(workspace.root, tmp_path / "moved")
    moved = Tracking(Workspace(tmp_path / "moved"), "desk")
    (shown,) = moved.client.get_run(run).inputs.dataset_inputs
    assert (shown.dataset.name, shown.dataset.digest) == ("desk test", test.object[:12])
    assert {tag.key: tag.value for tag in shown.tags} == {"mlflow.data.context": "testing"}
    assert Path(mlflow.data.get_source(shown).load()).read_text() == '{"id":"a"}\n'
    assert not (tmp_path / "it's \u00e4 home").exists()
