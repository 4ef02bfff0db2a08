"""Whether a run is finished, and where its summary lies."""

import json
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from components.core import (
    BadInput,
    Feedback,
    FeedbackStore,
    MachineFault,
    Profile,
    Seal,
    UseCase,
    Workspace,
    publish_json,
    read_yaml,
    stage_config,
)
from components.core.code import ROOT
from components.core.hub_task import folder_of
from components.core.rates import keep
from components.selection.stage import Config
from flows.endpoints import known_answers
from flows.run import Run, profile_path
from flows.start import start
from tests.busy_endpoint import Server
from tests.conftest import RATES, USE_CASE, new_home


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


def test_a_torn_summary_is_named_and_the_run_goes_on_from_its_seals(tmp_path, caplog):
    run = Run.read(USE_CASE, "smoke", Workspace(new_home(tmp_path / "home")))
    publish_json(run.summary_file(), summary_of(run))
    whole = run.summary_file().read_text()
    for torn in ("", whole[: len(whole) // 2], "[]", "{}"):
        run.summary_file().write_text(torn)
        assert run.past_seconds() == {}
        assert run.finished() is None
        assert f"{run.summary_file()}: damaged (" in caplog.text
        assert run.summary_file().with_name("summary.json.damaged").read_text() == torn
        caplog.clear()


def test_a_finished_run_with_a_damaged_object_is_not_finished(tmp_path):
    run = Run.read(USE_CASE, "smoke", Workspace(new_home(tmp_path / "home")))
    store = run.workspace.store
    (tmp_path / "rows.jsonl").write_text("{}")
    digest = store.put(tmp_path / "rows.jsonl")
    store.seal(Seal(key="k" * 64, name="components.data.prepare", result={"object": digest}))
    publish_json(run.summary_file(), summary_of(run, data={"key": "k" * 64}))
    assert run.finished()
    store.file(digest).write_text("[]")
    assert run.finished() is None


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
    monkeypatch.setattr("flows.servers.prefect_for_run", lambda _: nullcontext())  # no server for what is no flow
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


def chosen(run: Run) -> str:
    """The dtype that selection's step is keyed with."""
    return str(stage_config(Config, "selection", run.use_case, run.profile).dtype)


def test_the_measured_dtype_is_part_of_the_run_and_of_the_steps(tmp_path):
    workspace = Workspace(new_home(tmp_path / "home"))
    exact = Run.read(USE_CASE, "cpu", workspace)
    fast = {model: {**rates, "bfloat16": 400.0} for model, rates in RATES.gigaflops.items()}
    keep(RATES.model_copy(update={"gigaflops": fast}), workspace.rates)
    rounded = Run.read(USE_CASE, "cpu", workspace)
    assert (chosen(exact), chosen(rounded)) == ("float32", "bfloat16")
    assert exact.key != rounded.key
    assert exact.dtype.startswith("float32: a thread runs the linear layers of smollm2-135m at 100 GFLOP/s in float32")
    assert chosen(Run.read(USE_CASE, "smoke", workspace)) == "float32", "the smoke profile fixes it"


@pytest.mark.parametrize(("given", "found"), [("bfloat16", "bfloat16"), ("float32", "float32"), ("measured", "bfloat16")])
def test_a_contract_may_fix_the_dtype(tmp_path, given, found):
    home = new_home(tmp_path / "home")
    fast = {model: {**rates, "bfloat16": 400.0} for model, rates in RATES.gigaflops.items()}
    keep(RATES.model_copy(update={"gigaflops": fast}), home / "rates.json")
    contract = tmp_path / "desk.yaml"
    contract.write_text(yaml.safe_dump({**yaml.safe_load(USE_CASE.read_text()), "selection": {"dtype": given}}))
    run = Run.read(contract, "smoke", Workspace(home))
    assert chosen(run) == found
    assert run.dtype.startswith(found)


def test_a_dtype_that_does_not_exist_is_refused(tmp_path):
    contract = tmp_path / "desk.yaml"
    contract.write_text(yaml.safe_dump({**yaml.safe_load(USE_CASE.read_text()), "selection": {"dtype": "bf16"}}))
    run = Run.read(contract, "smoke", Workspace(new_home(tmp_path / "home")))
    with pytest.raises(BadInput, match="'measured', 'float32', 'bfloat16' or 'float16'"):
        run.check_settings()


@pytest.mark.parametrize(
    ("section", "settings", "said"),
    [
        ("selection", "models: [gpt-9]", "key 'models': model 'gpt-9' is not known; allowed: .*smollm2-135m-instruct"),
        ("selection", "validation_rows: 0", "key 'validation_rows'.*greater than or equal to 1"),
        ("prompting", "rows: [4, 8], keep: [1]", r"keys 'rows' \[4, 8\] and 'keep' \[1\] must have equal length"),
        ("prompting", "methods: [tree_of_thought]", "key 'methods': tree_of_thought: not known; allowed: chain_of_thought"),
        ("retrieval", "scoring: [tfidf]", "key 'scoring': 'tfidf' is not known; allowed: bm25"),
        ("retrieval", "questions: [test]", "key 'questions.0': .*'train', 'feedback' or 'validation'"),
        ("retrieval", "top_k: [0]", "key 'top_k.0'.*greater than or equal to 1"),
        ("retrieval", "overlap_words: 100", r"key 'overlap_words': must be below 'chunk_words' \(100; found 100\)"),
        ("tuning", "technique: dora2", "technique 'dora2' is not known; allowed: .*full, head, ia3, lora"),
        ("feedback", "good_at: 2", "key 'good_at'.*less than or equal to 1"),
        ("evaluation", "benchmarks: {bokq: 8}", "benchmarks: 'bokq' is not known; near it: boolq; allowed"),
        ("evaluation", "checks: {manners: 8}", "key 'checks': 'manners' is not known; allowed: .*toxicity"),
        ("evaluation", "swaps: [mmul]", "key 'swaps': 'mmul' is no benchmark; allowed: mmlu, boolq"),
        ("evaluation", "checks: {toxicity: -1}", "key 'checks.toxicity'.*greater than or equal to 0"),
        ("optimization", "variants: [int3]", "technique 'int3' is not known; allowed: drop_layers, int4, int8"),
        ("deployment", "targets: [mainframe]", "deployment.targets 'mainframe' is not known; allowed: docker, edge"),
        ("data", "benchmarks: [mmlu.jsonl]", "key 'benchmarks': 'mmlu.jsonl': give `asset:<asset>/<path>`"),
    ],
)
def test_a_setting_of_any_stage_that_cannot_be_is_refused_before_the_first_one(tmp_path, section, settings, said):
    profile = tmp_path / "mine.yaml"
    profile.write_text(f"name: mine\n{section}: {{{settings}}}\n")
    run = Run.read(USE_CASE, str(profile), Workspace(new_home(tmp_path / "home")))
    with pytest.raises(BadInput, match=rf"(?s)({section}|profile).*{said}") as refused:
        run.check_settings()
    assert refused.value.exit_code == 2


def test_what_is_wrong_in_several_sections_is_said_at_once(tmp_path):
    profile = tmp_path / "mine.yaml"
    profile.write_text("name: mine\nprompting: {keep: [2]}\nretrieval: {store: faiss}\ndeployment: {targets: [mainframe]}\n")
    contract = tmp_path / "desk.yaml"
    text = USE_CASE.read_text().replace("canaries: 0.3}", "canaries: 0.3, manners: 0.1}")
    contract.write_text(text.replace("  minimum_rows: 600", "  minimum_rows: 600\n  filters: [{name: goffer}]"))
    run = Run.read(contract, str(profile), Workspace(new_home(tmp_path / "home")))
    with pytest.raises(BadInput) as refused:
        run.check_settings()
    lines = str(refused.value).splitlines()
    words = ("data.filters.0", "'prompting'", "'retrieval'", "policy.bias_at_most: 'manners'", "'mainframe'")
    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))


def test_a_model_that_was_changed_behind_its_endpoint_is_another_run(tmp_path):
    server = Server()
    contract = yaml.safe_load(USE_CASE.read_text())
    endpoints = {"gpt-oss-120b": server.url}
    contract |= {"policy": contract["policy"] | {"hosted_models": True}, "selection": {"endpoints": endpoints}}
    contract["data"]["sources"] = [one for one in contract["data"]["sources"] if one["path"].startswith("asset:")]
    (tmp_path / "hosted.yaml").write_text(yaml.safe_dump(contract))
    (tmp_path / "profile.yaml").write_text(
        (ROOT / "flows/profiles/smoke.yaml").read_text().replace("made: true", "made: false")
    )
    workspace = Workspace(new_home(tmp_path / "home"))

    def key() -> str:
        return Run.read(tmp_path / "hosted.yaml", str(tmp_path / "profile.yaml"), workspace).key

    with pytest.raises(MachineFault, match="no endpoint answers there"):
        known_answers("http://127.0.0.1:9", "gpt-oss-120b", tmp_path / "none")
    first = key()
    assert key() == first
    server.odd = 1
    assert key() == first, "one question of four is answered otherwise"
    server.word = "other"
    changed = key()
    assert changed != first
    server.shutdown()
    server.server_close()
    assert key() == changed, "what was measured is known without the endpoint"
