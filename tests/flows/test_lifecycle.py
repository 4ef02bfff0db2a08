"""What a finished run leaves behind, on the smoke profile."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest

from components.core import STAGES, Feedback, FeedbackStore
from components.core.code import ROOT
from components.core.keys import make_keys
from components.governance import approve, champion, registered
from components.serving import reference_of
from components.serving.traffic import Served, Traffic, traffic_path
from flows.run import Run
from tests.conftest import USE_CASE, environment, ninefold, processor_seconds


def test_all_nine_stages_end_in_a_release(finished):
    summary = finished.summary
    assert [stage["name"] for stage in summary["stages"]] == list(STAGES)
    assert summary["exit"] == 0
    assert summary["model"] == {"name": "voice_helpdesk", "version": 1, "alias": "candidate"}
    assert all(stage["decision"]["reason"] for stage in summary["stages"])


def test_the_summary_follows_its_schema(finished):
    schema = json.loads((ROOT / "flows/summary.schema.json").read_text())
    jsonschema.validate(finished.summary, schema)
    jsonschema.validate(
        json.loads(finished.workspace.runs.joinpath(finished.summary["run_id"], "summary.json").read_text()), schema
    )


def test_the_card_names_the_released_candidate(finished):
    card = finished.home / "model_cards" / "voice_helpdesk" / "v1.md"
    assert str(card) == finished.summary["card"]
    assert finished.summary["candidate"][:12] in card.read_text()
    assert card.with_suffix(".html").is_file()


def test_each_step_is_one_mlflow_run_nested_in_one_parent(finished):
    import mlflow

    client = mlflow.MlflowClient(finished.workspace.tracking_uri)
    experiment = client.get_experiment_by_name("voice_helpdesk")
    runs = client.search_runs([experiment.experiment_id])
    keys = [run.data.tags["ninefold.key"] for run in runs if "ninefold.key" in run.data.tags]
    assert len(keys) == len(set(keys))
    parents = [run for run in runs if "ninefold.run" in run.data.tags]
    assert [run.info.status for run in parents] == ["FINISHED"]
    nested = [run.info.run_name for run in runs if run.data.tags.get("mlflow.parentRunId") == parents[0].info.run_id]
    assert set(STAGES) <= {name.split()[0] for name in nested}
    assert len({run.info.run_name for run in runs}) == len(runs)


def test_the_page_of_the_version_shows_verdict_gates_limits_figures_splits_and_the_card(finished):
    import mlflow

    client = mlflow.MlflowClient(finished.workspace.tracking_uri)
    version = client.get_model_version("voice_helpdesk", "1")
    figures = finished.summary["test"]
    assert version.description.startswith("**Meets the contract**: f1_answerable")
    assert f"| f1_answerable | {figures['metrics']['f1_answerable']['value']:.3f} [" in version.description
    assert "| latency, p95 | " in version.description
    assert "**Limits and risks**:\n\n- " in version.description
    source, logged = client.get_run(version.run_id), client.get_logged_model(version.source.removeprefix("models:/"))
    whole = client.get_run(source.data.tags["mlflow.parentRunId"])
    assert whole.data.tags["ninefold.run"] == finished.summary["run_id"]
    shown = {name: value["value"] for name, value in figures["metrics"].items() if "@" not in name}
    assert source.data.metrics.items() >= shown.items()
    on_model = {metric.key: metric for metric in logged.metrics}
    assert on_model["f1_answerable"].value == shown["f1_answerable"]
    assert on_model["f1_answerable"].dataset_name == "voice helpdesk test"
    splits = {"train", "feedback", "validation", "test", "knowledge"}
    for run in (source, whole):
        used = {one.dataset.name.removeprefix("voice helpdesk "): one.dataset for one in run.inputs.dataset_inputs}
        assert set(used) == splits
    (test,) = [one for one in source.inputs.dataset_inputs if one.dataset.name.endswith(" test")]
    table = mlflow.data.get_source(test).load()
    assert len(Path(table).read_text().splitlines()) == json.loads(test.dataset.profile)["num_rows"] == 60
    card = Path(client.download_artifacts(version.run_id, "card/v1.md")).read_text()
    assert card == Path(finished.summary["card"]).read_text()
    assert "card/v1.html" in {one.path for one in client.list_artifacts(version.run_id, "card")}
    for told in (source.data.tags["mlflow.note.content"], logged.tags["mlflow.note.content"]):
        assert told == version.description


def test_a_training_has_its_curve_in_mlflow(finished):
    import mlflow

    client = mlflow.MlflowClient(finished.workspace.tracking_uri)
    experiment = client.get_experiment_by_name("voice_helpdesk")
    (run,) = client.search_runs([experiment.experiment_id], "tags.`ninefold.stage` = 'tuning'")
    losses = json.loads(Path(client.download_artifacts(run.info.run_id, "measured.json")).read_text())["training"]["losses"]
    shown = client.get_metric_history(run.info.run_id, "training/loss")
    assert [(point.step, round(point.value, 4)) for point in shown] == list(enumerate(losses, 1))
    assert {one.dataset.name for one in run.inputs.dataset_inputs} == {"voice helpdesk train", "voice helpdesk validation"}


def test_mlflow_holds_all_of_a_result_and_the_prompt_that_won(finished):
    import mlflow

    client = mlflow.MlflowClient(finished.workspace.tracking_uri)
    experiment = client.get_experiment_by_name("voice_helpdesk")
    (run,) = client.search_runs([experiment.experiment_id], "tags.`ninefold.stage` = 'prompting'")
    path = client.download_artifacts(run.info.run_id, "result.json")
    result = json.loads(Path(path).read_text())
    assert {row["method"] for row in result["rounds"]} >= {"zero_shot", "chain_of_thought"}
    winner = client.load_prompt("prompts:/voice_helpdesk_prompt@winner")
    assert winner.tags["ninefold.method"] == result["winner"]
    assert client.load_prompt("prompts:/voice_helpdesk_prompt@candidate")


def test_each_stage_is_a_prefect_task_with_an_artifact(finished):
    with closing(sqlite3.connect(finished.home / "prefect/prefect.db")) as database:
        rows = database.execute("select task_run_id, data from artifact where type = 'markdown'").fetchall()
    assert all(task for task, _ in rows)
    said = "".join(data for _, data in rows)
    ran = [stage["name"] for stage in finished.summary["stages"] if stage["status"] == "ran"]
    assert all(f"## {stage}: " in said for stage in ran)
    assert "| dataset | `" in said


def test_prefects_page_shows_what_stages_log_and_how_far_the_run_is(finished):
    with closing(sqlite3.connect(finished.home / "prefect/prefect.db")) as database:
        logged = [message for (message,) in database.execute("select message from log order by timestamp")]
        (bar,) = database.execute("select data, description from artifact where type = 'progress'").fetchall()
    ran = [stage for stage in finished.summary["stages"] if stage["status"] == "ran"]
    assert all(any(line.startswith(f"{stage['name']}: ") for line in logged) for stage in ran)
    assert "selection runs: not done before" in logged
    assert (float(bar[0]), bar[1]) == (100, "ended")


def planted(finished, words: int) -> list[Served]:
    """Forty answered requests of the released version, as long as those of its reference window, times `words`."""
    version = registered(finished.workspace, "voice_helpdesk")
    rows = reference_of(version.bundle(finished.workspace))[:40]
    return [
        Served(
            id=f"{words}-{row['id']}", model="voice_helpdesk", model_version=str(version.version),
            candidate=version.candidate, input=" ".join([row["input"]] * words), answer=row["answer"],
            passages=tuple(row["passages"]), scores=tuple(row["scores"]), seen=(), seconds=0.1,
        )
        for row in rows
    ]  # fmt: skip


def test_monitor_exits_1_on_planted_drift_and_0_on_none(copied, prefect_server):
    traffic = Traffic(traffic_path(copied.workspace))
    for served in planted(copied, 1):
        traffic.add(served)
    calm = ninefold(copied.home, "monitor", "voice_helpdesk", "--json", servers=prefect_server)
    assert (calm.returncode, json.loads(calm.stdout)["drift"]) == (0, False)
    for served in planted(copied, 4):
        traffic.add(served)
    drifted = ninefold(copied.home, "monitor", "voice_helpdesk", "--json", servers=prefect_server)
    assert (drifted.returncode, json.loads(drifted.stdout)["drift"]) == (1, True)


def test_a_fresh_process_loads_the_registered_model_and_asks_it(finished):
    import subprocess
    import sys

    code = (
        "import mlflow, sys; mlflow.set_tracking_uri(sys.argv[1]);"
        "model = mlflow.pyfunc.load_model('models:/voice_helpdesk@candidate');"
        "print(model.predict([{'question': 'Who won the derby ?'}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, finished.workspace.tracking_uri], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert "passages" in done.stdout


def test_a_finished_run_repeated_is_reused_within_three_seconds(finished):
    started = processor_seconds()
    again = ninefold(finished.home, "run", str(USE_CASE), "--profile", "smoke", "--json", fork=False)
    assert again.returncode == 0
    assert processor_seconds() - started < 3
    summary = json.loads(again.stdout)
    assert summary["candidate"] == finished.summary["candidate"]
    assert {stage["status"] for stage in summary["stages"]} <= {"reused", "skipped"}


def test_plan_finds_everything_sealed_and_changes_nothing(finished):
    def state():
        files = [path for part in ("store", "model_cards", "runs") for path in (finished.home / part).rglob("*")]
        return sorted((path.as_posix(), path.stat().st_mtime_ns) for path in files if path.is_file())

    before = state()
    done = ninefold(finished.home, "plan", str(USE_CASE), "--profile", "smoke", "--json")
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in json.loads(done.stdout)["stages"]} <= {"reused", "skipped"}
    assert state() == before


def test_new_feedback_reopens_a_finished_run_and_its_own_release_is_no_rival(copied, monkeypatch):
    run = Run.read(USE_CASE, "smoke", copied.workspace)
    assert run.finished()
    rating = Feedback(kind="rating", answer_id="a", model="voice_helpdesk", rating=1, consent=True)
    FeedbackStore(copied.workspace.feedback).add(rating)
    again = Run.read(USE_CASE, "smoke", copied.workspace)
    assert again.finished() is None
    assert champion(copied.workspace, "voice_helpdesk") is None
    monkeypatch.setenv("NINEFOLD_KEYS", environment(copied.home)["NINEFOLD_KEYS"])
    make_keys()
    approve(copied.workspace, "voice_helpdesk", None, "Ada", "reads well")
    finalist = registered(copied.workspace, "voice_helpdesk").finalist
    assert champion(copied.workspace, "voice_helpdesk", other_than=finalist) is None
    assert champion(copied.workspace, "voice_helpdesk", other_than="0" * 64)
    done = ninefold(copied.home, "run", str(USE_CASE), "--profile", "smoke", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["version"] == copied.summary["model"]["version"]
    with closing(sqlite3.connect(copied.home / "prefect/prefect.db")) as database:
        (shown,) = database.execute("select data from artifact where data like '%## selection: %, reused%'").fetchall()
    assert "| dataset | `" in shown[0]


def test_a_wrong_setting_of_a_late_stage_is_refused_before_the_first(copied):
    path = copied.home / "late.yaml"
    path.write_text(USE_CASE.read_text().replace("evaluation: {items_at_most: 72}", "evaluation: {reqests: 4}"))
    done = ninefold(copied.home, "run", str(path), "--profile", "smoke")
    assert done.returncode == 2
    assert "section 'evaluation'" in done.stderr
    assert "'reqests' is not known" in done.stderr


def test_the_store_verifies_and_what_a_changed_byte_damaged_is_made_again(copied):
    assert ninefold(copied.home, "run", str(USE_CASE), "--profile", "smoke", "--verify").returncode == 0
    victim = next(path for path in (copied.home / "store/objects").rglob("*.jsonl"))
    whole = victim.read_bytes()
    victim.write_bytes(b"x" + whole[1:])
    done = ninefold(copied.home, "run", str(USE_CASE), "--profile", "smoke", "--verify")
    assert done.returncode == 0, done.stderr
    assert "damaged and set aside, to be made again" in done.stderr
    assert victim.name in done.stderr
    assert victim.read_bytes() == whole


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "none.yaml"], "none.yaml: no such file"),
        (["run", str(USE_CASE), "--profile", "huge"], "no such profile; allowed: cpu, gpu, ladder, smoke"),
        (["run", str(USE_CASE), "--until", "launch"], "no such stage; allowed: use_case"),
        (["plan", "none.yaml"], "none.yaml: no such file"),
    ],
)
def test_bad_input_gets_one_message_and_exit_2(tmp_path, arguments, said):
    done = ninefold(tmp_path / "home", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_help_answers_quickly(tmp_path):
    started = processor_seconds()
    assert ninefold(tmp_path, "--help", fork=False).returncode == 0
    assert processor_seconds() - started < 0.5
