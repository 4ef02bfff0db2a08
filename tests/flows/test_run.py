"""Whether a run is finished, and where its summary lies."""

import json
import sys
from types import SimpleNamespace
from typing import Any

from components.core import Feedback, FeedbackStore, Profile, UseCase, Workspace, publish_json, read_yaml
from components.core.hub_task import folder_of
from flows.run import Run, profile_path
from flows.start import start
from tests.conftest import USE_CASE, new_home


def summary_of(run: Run, **values: Any) -> dict[str, Any]:
    """As much of a summary as tells whether the run is finished, and as its table needs."""
    shown = {"stages": [], "test": None, "model": None, "use_case": run.use_case.name, "profile": run.profile.name}
    return {**shown, "exit": 0, "end": "released", "until": None, "card": None, "feedback": run.gathered, **values}


def test_a_run_whose_card_is_gone_is_not_finished(tmp_path):
    run, card = Run.read(USE_CASE, "smoke", Workspace(new_home(tmp_path / "home"))), tmp_path / "v1.md"
    publish_json(run.summary_file(), summary_of(run, card=str(card)))
    assert run.finished() is None
    card.write_text("# The card")
    assert run.finished()
    publish_json(run.summary_file(), summary_of(run, exit=1))
    assert run.finished(), "a gate that says no before evaluation leaves no card"


def test_a_persons_decision_on_feedback_reopens_a_finished_run(tmp_path):
    workspace = Workspace(new_home(tmp_path / "home"))
    store = FeedbackStore(workspace.feedback)
    store.add(Feedback(kind="rating", answer_id="a", model="voice_helpdesk", rating=1, id="one"))
    run = Run.read(USE_CASE, "smoke", workspace)
    publish_json(run.summary_file(), summary_of(run))
    assert Run.read(USE_CASE, "smoke", workspace).finished()
    store.review("voice_helpdesk", ["one"], "reject", "Ada", "spam")
    assert Run.read(USE_CASE, "smoke", workspace).finished() is None


def test_a_run_that_stops_where_it_was_asked_to_leaves_the_summary_of_all_of_it(tmp_path, monkeypatch, capsys):
    workspace = Workspace(new_home(tmp_path / "home"))
    run = Run.read(USE_CASE, "smoke", workspace)
    publish_json(run.summary_file(), summary_of(run))
    stopped = summary_of(run, until="selection", end="stopped after selection, as asked")
    lifecycle = SimpleNamespace(Parameters=SimpleNamespace, lifecycle_flow=lambda _: dict(stopped))
    monkeypatch.setitem(sys.modules, "flows.lifecycle", lifecycle)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")  # no server is started for what is no flow
    monkeypatch.setenv("NINEFOLD_HOME", str(workspace.root))
    assert start(USE_CASE, "smoke", until="selection") == 0
    path = run.folder / "until-selection.json"
    assert str(path) in capsys.readouterr().out
    assert "peak_memory_gb" in json.loads(path.read_text())
    assert run.finished() == summary_of(run)


def test_the_data_stage_learns_which_tasks_of_the_hub_are_asked(tmp_path):
    workspace = Workspace(tmp_path)
    folder = folder_of("nyu-mll/glue", "sst2", workspace)
    folder.mkdir(parents=True)
    publish_json(folder / "about.json", {"revision": "a1", "licence": "cc-by-4.0", "files": {"validation": "0" * 64}})
    contract = read_yaml(USE_CASE, UseCase).model_copy(update={"evaluation": {"benchmarks": {"mmlu": 5, "sst2": 5}}})
    (task,) = Run(USE_CASE, contract, read_yaml(profile_path("smoke"), Profile), workspace, {}).hub_tasks()
    assert (task.name, task.asked) == ("sst2", "validation")
