"""`ninefold feedback`: what waits for a person is listed and decided, and the next run of the stage holds to it."""

import json
import sys

import pytest

import flows.cli
from components.core import BadInput, FeedbackStore, Policy, Seal, Workspace, read_jsonl
from components.feedback import Config, collect
from flows.feedback import client, decide, listed, show
from tests.feedback.test_caps import HONEST, STRANGER
from tests.tuning.small import TASK, new_step, small_candidate, small_dataset


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    """A log of callers and a stranger, read by the stage once."""
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path))
    store = FeedbackStore(tmp_path / "feedback.db")
    for one in (*STRANGER[:30], *HONEST):
        store.add(one.item.model_copy(update={"model": "desk"}), source=one.source)
    collected(Workspace(tmp_path), "first")
    return Workspace(tmp_path)


def collected(workspace: Workspace, key: str):
    """The stage on what is in the store, sealed as a run seals it; returns its rows."""
    step = new_step(workspace.root, key)
    dataset = small_dataset(step)
    mark = FeedbackStore(workspace.feedback).mark("desk")
    given = {"task": TASK, "policy": Policy(), "candidate": small_candidate(dataset, step), "dataset": dataset}
    found = collect(Config(), **given, step=step, model="desk", gathered=mark)
    workspace.store.seal(Seal(key=key, name="components.feedback.collect", result=found.model_dump(mode="json")))
    return read_jsonl(workspace.store.file(found.pairs.object))


def ended(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ninefold", "feedback", *arguments])
    with pytest.raises(SystemExit) as end:
        flows.cli.main()
    return end.value.code


def test_what_is_beyond_the_caps_is_listed_and_the_rest_on_request(workspace):
    report = listed("desk")
    assert report["states"] == {"in quarantine": 24, "read": 26}
    assert report["waiting"] == {"peer:stranger": 24}
    assert {(item["state"], item["why"]) for item in report["items"]} == {
        ("in quarantine", "beyond its source's share of the pairs")
    }
    late = STRANGER[200].item.model_copy(update={"model": "desk"})
    FeedbackStore(workspace.feedback).add(late, source="peer:stranger")
    assert listed("desk", every=True)["states"] == {"in quarantine": 24, "new": 1, "read": 26}


def test_the_next_run_trains_on_what_was_accepted_and_never_on_what_was_rejected(workspace):
    first, second, *_ = [item["id"] for item in listed("desk")["items"]]
    assert decide("accept", "desk", [first], "Ada", "checked")["decided"] == [first]
    decide("reject", "desk", [second, HONEST[0].item.key], "Ada", "wrong")
    rows = {row["id"]: row["source"] for row in collected(workspace, "second")}
    assert rows[first] == "accepted by a person"
    assert not {second, HONEST[0].item.key} & set(rows)
    decide("reject", "desk", [], "Grace", "a stranger", source="peer:stranger")
    rows = collected(workspace, "third")
    assert {row["id"] for row in rows} == {first, *(one.item.key for one in HONEST[1:])}
    assert listed("desk")["states"] == {"accepted": 1, "read": 19, "rejected": 30}
    assert FeedbackStore(workspace.feedback).count() == 50, "nothing is lost"


def test_a_decision_without_name_reason_or_items_records_nothing(workspace):
    known = listed("desk")["items"][0]["id"]
    for by, reason, ids, source, said in [
        (" ", "why", [known], "", "--by: is empty"),
        ("Ada", "", [known], "", "--reason: is empty"),
        ("Ada", "why", [], "", "give the ids of items, or --source"),
        ("Ada", "why", [], "peer:nobody", "--source peer:nobody: nothing of it is undecided"),
        ("Ada", "why", [known, "none"], "", "feedback 'none': not among"),
    ]:
        with pytest.raises(BadInput, match=said):
            decide("accept", "desk", ids, by, reason, source=source)
    assert set(listed("desk", every=True)["states"]) == {"in quarantine", "read"}


def test_a_model_of_which_nothing_is_known_is_bad_input(workspace):
    with pytest.raises(BadInput, match=r"desc: no registered model.*known here: desk"):
        listed("desc")


def test_the_command_ends_with_its_codes_and_json(workspace, monkeypatch, capsys):
    assert ended(monkeypatch, "list", "desk", "--json") == 0
    id = json.loads(capsys.readouterr().out)["items"][0]["id"]
    assert ended(monkeypatch, "reject", "desk", id, "--reason", "spam", "--by", "Ada", "--json") == 0
    assert json.loads(capsys.readouterr().out)["decided"] == [id]
    assert ended(monkeypatch, "reject", "desk", id, "--reason", "spam", "--by", "Ada") == 0
    assert "nothing changed" in capsys.readouterr().out
    assert ended(monkeypatch, "accept", "desk", "none", "--reason", "x", "--by", "Ada") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert ended(monkeypatch, "list", "desc") == 2
    assert ended(monkeypatch, "client", "help-page", "--json") == 0
    key = json.loads(capsys.readouterr().out)["key"]
    assert FeedbackStore(workspace.feedback).client(key) == "help-page"
    assert ended(monkeypatch, "client", "help-page") == 2
    assert ended(monkeypatch, "client", "help-page", "--revoke") == 0
    assert FeedbackStore(workspace.feedback).client(key) == ""


def test_what_callers_wrote_cannot_steer_the_terminal(workspace, capsys):
    item = HONEST[0].item.model_copy(update={"model": "desk", "id": "x", "question": "a\x1b[2Jb\nfake line"})
    FeedbackStore(workspace.feedback).add(item, source="peer:stranger")
    show(listed("desk", every=True))
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert not any(line.startswith("fake") for line in said.splitlines())


def test_a_clients_key_is_shown_once(workspace):
    assert client("ada")["key"].startswith("nf-")
    with pytest.raises(BadInput, match="has a key already"):
        client("ada")
