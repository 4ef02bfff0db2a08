"""Where a release came from, why an answer was given, and that a subject can be forgotten: in a finished workspace."""

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from components.core import Adapter, BadInput, publish_text, read_jsonl
from components.governance import Registry
from components.lineage import PENDING, Subject, as_html, as_json, as_mermaid, find_row, object_roles, search
from components.lineage.content import cells
from components.lineage.erase import erase_rows
from components.lineage.graph import provenance
from components.serving import read_traffic
from flows import lineage as flow
from flows.forget import forget
from flows.lineage import lineage, trace
from flows.why import show, why
from tests import warm
from tests.conftest import USE_CASE, environment, ninefold


def a_row(workspace, split: str) -> dict:
    """The first row of a split."""
    (digest,) = {digest for digest, role in object_roles(workspace.store).items() if role == split}
    return json.loads(workspace.store.file(digest).read_text().split("\n")[0])


def test_a_release_is_walked_back_to_its_sources(finished):
    graph = lineage("voice_helpdesk@1", finished.workspace)
    nodes = {node.id: node for node in graph.nodes}
    assert {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges} == set(nodes)
    reached, todo = set(), ["version:voice_helpdesk/1"]
    while todo:
        reached.add(here := todo.pop())
        todo += [edge.source for edge in graph.before(here) if edge.source not in reached]
    assert reached == set(nodes), "everything drawn leads to the version"
    sources = {nodes[id].name: nodes[id].facts for id in reached if nodes[id].kind == "source"}
    assert set(sources) == {"disfl_qa", "boolq", "narrative_qa"}
    assert all(facts["licence"] and len(facts["sha256"]) == 64 for facts in sources.values())
    assert {"data", "evaluation.evaluate", "deployment.deploy"} <= {node.name for node in graph.nodes}
    data = next(node for node in graph.nodes if node.name == "data")
    assert data.facts["dropped"]["duplicate passage"] > 0


def test_the_picture_needs_nothing_from_elsewhere(finished):
    graph = lineage("voice_helpdesk", finished.workspace)
    page = as_html(graph, "Lineage of voice_helpdesk")
    assert not any(word in page for word in ("<script", "src=", "href=", "@import", "url("))
    assert page.count("<rect") == len(graph.nodes)
    assert as_mermaid(graph).count("-->") == len(graph.edges)
    job = next(node for node in as_json(graph)["nodes"] if node["id"].startswith("job:") and node["name"] == "data")
    assert {"namespace": "ninefold", "name": "source:boolq"} in job["inputs"]


def test_a_row_is_followed_into_its_tables(finished):
    row = a_row(finished.workspace, "test")
    found = trace(row["text"].upper(), finished.workspace)
    assert (found["row"]["id"], found["split"]) == (row["id"], "test")
    assert "evaluation" in found["read_by"]
    assert "tuning" not in found["read_by"]
    assert {"test", "evidence test"} <= {place["what"] for place in found["places"]}
    assert (found["read"][0]["source"], found["released"]) == ("disfl_qa", ["voice_helpdesk 1"])
    with pytest.raises(BadInput, match="no row"):
        trace("no such row anywhere", finished.workspace)


def test_a_row_that_the_profile_left_out_names_the_reason_and_its_source(finished, capsys):
    (seal,) = [one for one in finished.workspace.store.seals() if one.name == "components.data.prepare"]
    known = provenance(finished.workspace.store, seal)
    listed = read_jsonl(finished.workspace.store.file(known["dropped_rows"]))
    assert sum(known["dropped"].values()) == len(listed), "no text was cut: the counts are those of the list"
    one = next(line for line in listed if line["reason"] == "more train rows than the profile uses")
    found = trace(f"{one['source']}:{one['line']}", finished.workspace)
    flow.show_row(found)
    said = capsys.readouterr().out
    assert f"disfl_qa, line {one['line']}: left out at step profile: more train rows than the profile uses (CC-BY" in said


def test_lineage_and_why_say_what_bias_was_found(finished, capsys):
    flow.show(lineage("voice_helpdesk", finished.workspace))
    show(why("last", finished.workspace))
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert said.count("of the rows are from 'disfl_qa'") == 2
    worse = {"step": "gate", "does": "drops", "unit": "rows", "group": "age: old", "rate": 0.4, "others": 0.1, "p": 0.001}
    assert flow.bias_said({"biased": [worse]}).startswith("data step 'gate' drops rows of 'age: old' more often than others")


def test_an_answer_is_walked_back_to_passages_data_and_figures(finished):
    found = why("last", finished.workspace)
    logged = read_traffic(finished.workspace, "voice_helpdesk")[-1]
    assert found["answer"]["id"] == logged["id"]
    assert [one["id"] for one in found["passages"]] == logged["passages"]
    assert {one["licence"] for one in found["passages"]} <= {"CC-BY-4.0 AND CC-BY-SA-4.0", "CC-BY-SA-3.0"}
    assert all(one["text"] for one in found["passages"])
    assert found["candidate"] == finished.summary["candidate"]
    figure = finished.summary["test"]["metrics"]["f1_answerable"]["value"]
    assert found["evaluation"][0]["f1_answerable"] == pytest.approx(figure, abs=1e-4)
    with pytest.raises(BadInput, match="chatcmpl-nobody"):
        why("chatcmpl-nobody", finished.workspace)


def test_why_names_the_technique_and_the_objective_of_an_adapter(finished, capsys):
    walk = why("last", finished.workspace)
    adapter = Adapter(object="a" * 64, technique="ia3", objective="dpo")
    show({**walk, "adapter": adapter.model_dump(mode="json")})
    assert f"adapter     ia3, dpo, object {'a' * 64}" in capsys.readouterr().out


def test_the_ledger_holds_digests_and_no_payload(finished):
    rows = [a_row(finished.workspace, split) for split in ("train", "test")]
    subject = Subject.of(*(row["text"] for row in rows))
    kept = [text for _, _, _, text in cells(finished.workspace.ledger)]
    assert finished.summary["candidate"] in " ".join(kept)
    assert not any(subject.holds(text) for text in kept)


def test_mlflow_loses_the_whole_trace_and_the_whole_prompt_version(finished, tmp_path):
    path = tmp_path / "mlflow.db"
    shutil.copyfile(finished.home / "mlflow.db", path)
    with closing(sqlite3.connect(path)) as database, database:
        for trace in ("tr-1", "tr-2"):
            said = "for ada@example.org" if trace == "tr-1" else "for someone else"
            at = "(request_id, experiment_id, timestamp_ms, status, request_preview)"
            database.execute(f"insert into trace_info {at} values (?, 1, 0, 'OK', ?)", [trace, said])
            database.execute("insert into trace_tags values ('mlflow.traceName', 'desk', ?)", [trace])
        first = "select name, version from model_version_tags where key = 'mlflow.prompt.text'"
        name, version = database.execute(first).fetchone()
        shown = "update model_version_tags set value = '[\"ada@example.org\"]' where key = 'mlflow.prompt.text'"
        database.execute(f"{shown} and name = ? and version = ?", [name, version])
        others = database.execute("select count(*) from model_versions").fetchone()[0] - 1
    erase_rows(path, Subject.of("ada@example.org"))
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("select request_id from trace_info").fetchall() == [("tr-2",)]
        assert database.execute("select request_id from trace_tags").fetchall() == [("tr-2",)]
        assert database.execute("select count(*) from model_versions").fetchone()[0] == others
        left = "select 1 from model_version_tags where name = ? and version = ?"
        assert database.execute(left, [name, version]).fetchone() is None
    assert b"ada@example.org" not in path.read_bytes()


def test_only_the_cards_of_this_workspace_are_in_reach_of_forgetting(finished, tmp_path, monkeypatch):
    """A trial's version has the number of a card in git, which another run wrote and which may hold the same row."""
    row, cards = a_row(finished.workspace, "test"), tmp_path / "model_cards" / "voice_helpdesk"
    monkeypatch.setattr("flows.forget.ROOT", tmp_path)
    for version, candidate in (("v1", finished.summary["candidate"]), ("v10", finished.summary["candidate"])):
        publish_text(cards / f"{version}.record.json", json.dumps({"candidate": candidate}))
        publish_text(cards / f"{version}.md", f"The worst answer was to: {row['text']}")

    def seen() -> set[str]:
        items = forget(row["id"], dry_run=True, yes=False, workspace=finished.workspace)["items"]
        return {Path(item["id"]).name for item in items if item["id"].startswith(str(tmp_path))}

    assert seen() == {"v1.md"}
    publish_text(cards / "v1.record.json", json.dumps({"candidate": "f" * 64}))
    assert seen() == set()


@pytest.mark.slow
def test_a_killed_forget_is_finished_and_the_use_case_is_released_again(copied, tmp_path):
    workspace, row = copied.workspace, a_row(copied.workspace, "test")
    assert ninefold(copied.home, "keys", "init").returncode == 0
    approved = ninefold(copied.home, "approve", "voice_helpdesk", "--reason", "figures hold", "--by", "ada")
    assert approved.returncode == 0, approved.stderr
    assert ninefold(copied.home, "forget", row["id"]).returncode == 2, "deletes nothing without --yes"
    seen = json.loads(ninefold(copied.home, "forget", row["id"], "--dry-run", "--json").stdout)
    assert {"object", "bundle", "registered copy"} <= {item["kind"] for item in seen["items"]}
    assert [(one["version"], one["aliases"]) for one in seen["versions"]] == [(1, ["candidate", "champion"])]
    forgetting = warm.Started(("flows.cli", "forget", row["id"], "--yes"), environment(copied.home), tmp_path)
    while not (workspace.store.root / "tombstones").is_dir() and forgetting.poll() is None:
        time.sleep(0.002)
    forgetting.kill()
    assert (workspace.root / PENDING).is_file(), "killed in the middle"
    done = ninefold(copied.home, "forget", row["id"], "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["left"]) == (0, []), done.stderr
    assert not (workspace.root / PENDING).exists()
    subject = Subject.of(row["text"])
    assert search(workspace, subject) == []
    assert workspace.store.damaged() == []
    said = json.loads(ninefold(copied.home, "approvals", "voice_helpdesk", "--verify", "--json").stdout)
    assert ([line["event"] for line in said["lines"]], said["ok"]) == (["approve", "void"], True), said
    assert Registry(workspace).holder("voice_helpdesk", "champion") is None
    again = ninefold(copied.home, "run", str(USE_CASE), "--profile", "smoke", "--verify", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["model"]["version"] == 2
    assert find_row(workspace.store, row["text"]) is None
    assert search(workspace, subject) == []
