"""What somebody does in MLflow itself is named, never followed, and put right by the next promotion."""

import re
from types import SimpleNamespace

import pytest

from components.core import BadInput, Dataset, Ledger, MachineFault, Split, publish_text
from components.core.inputs import inputs_in
from components.governance import MARK, Registry, VersionPage, approve, registered, rollback, tampered


def version_page(workspace, folder, description: str) -> VersionPage:
    publish_text(folder / "rows.jsonl", "{}\n")
    test = Split(name="test", object=workspace.store.put(folder / "rows.jsonl"), count=1)
    for ending in (".md", ".html"):
        publish_text(folder / f"v1{ending}", "read me")
    used = inputs_in(Dataset(splits={"test": test}, provenance=""), "desk_case", workspace.store)
    return VersionPage(description, {"f1": 0.5}, test, used, folder / "v1.md")


@pytest.fixture
def client(workspace):
    """MLflow's own client, as anybody has it, on a registry with champion 2, previous 1."""
    approve(workspace, "desk", 1, "Ada", "one")
    approve(workspace, "desk", 2, "Ada", "two")
    assert tampered(workspace, "desk") == []
    return Registry(workspace).client


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda c: c.set_registered_model_alias("desk", "champion", "1"), "`champion` was moved in MLflow to version 1"),
        (lambda c: c.delete_registered_model_alias("desk", "champion"), "`champion` was removed in MLflow"),
        (lambda c: c.set_model_version_tag("desk", "2", "ninefold.evidence", "forged"), "tags of version 2 were edited"),
        (lambda c: c.delete_model_version_tag("desk", "2", "ninefold.candidate"), "tags of version 2 .*ninefold.candidate"),
    ],
)
def test_a_change_in_mlflow_is_named_and_not_followed_and_put_right(workspace, client, what, said) -> None:
    what(client)
    (line,) = tampered(workspace, "desk")
    assert re.match(said, line), line
    assert "not from here" in line
    assert Registry(workspace).holder("desk", "champion") == registered(workspace, "desk").version == 2
    approve(workspace, "desk", 2, "Ada", "again")
    assert tampered(workspace, "desk") == []
    assert int(client.get_registered_model("desk").aliases["champion"]) == 2


def test_a_champion_that_nobody_approved_is_named_and_taken_away(workspace) -> None:
    client = Registry(workspace).client
    client.set_registered_model_alias("desk", "champion", "1")
    assert tampered(workspace, "desk") == [
        "`champion` was moved in MLflow to version 1, not from here; the record says nobody holds it"
    ]
    assert Registry(workspace).holder("desk", "champion") is None
    Registry(workspace).reassert("desk")
    assert "champion" not in client.get_registered_model("desk").aliases


def test_a_deleted_version_is_named_and_becomes_no_champion(workspace, client) -> None:
    client.delete_model_version("desk", "1")
    assert tampered(workspace, "desk") == [
        "`previous` was removed in MLflow, not from here; the record says version 1 holds it",
        "version 1 was deleted in MLflow, not from here",
    ]
    with pytest.raises(MachineFault, match="version 1 of 'desk' was deleted in MLflow"):
        rollback(workspace, "desk", "Ada", "x")
    assert Registry(workspace).holder("desk", "champion") == 2
    client.delete_registered_model("desk")
    assert tampered(workspace, "desk") == ["model 'desk' was deleted in MLflow, not from here"]


def test_an_interrupted_move_is_not_taken_for_somebody_elses(workspace, client, monkeypatch) -> None:
    once = Ledger.once

    def die_after(self, kind, key, *, find, do, detail=None):
        if kind == "alias" and "@champion:" in key:

            def do_and_die():
                do()
                raise KeyboardInterrupt

            return once(self, kind, key, find=find, do=do_and_die, detail=detail)
        return once(self, kind, key, find=find, do=do, detail=detail)

    with monkeypatch.context() as cut:
        cut.setattr(Ledger, "once", die_after)
        with pytest.raises(KeyboardInterrupt):
            approve(workspace, "desk", 1, "Ada", "one")
    assert tampered(workspace, "desk") == [
        "the move of `champion` to version 1 was interrupted: repeat what made it",
    ]
    approve(workspace, "desk", 1, "Ada", "one")
    assert tampered(workspace, "desk") == []


def test_an_mlflow_that_does_not_answer_is_one_line(workspace, monkeypatch) -> None:
    from mlflow.exceptions import MlflowException

    def refuse(*_):
        raise MlflowException("connection refused")

    monkeypatch.setattr(Registry, "client", SimpleNamespace(search_model_versions=refuse))
    (line,) = tampered(workspace, "desk")
    assert line.startswith("MLflow does not answer")


def test_a_hundred_lost_replies_leave_one_version_a_digest(workspace) -> None:
    """The version is made, MLflow's reply is lost; the next try finds it, and so does one whose ledger forgot it."""
    registry = Registry(workspace)

    def lost(mark: str) -> int:
        registry.client.create_model_version("desk", "file:///nowhere", tags={MARK: mark})
        raise ConnectionError("the reply was lost")

    def once_more(mark: str) -> int:
        raise AssertionError(f"a second version of {mark} was made")

    for digest in (f"digest-{number}" for number in range(100)):
        with pytest.raises(ConnectionError):
            registry.version_of("desk", digest, lost)
        held = {registry.version_of("desk", digest, once_more)}
        registry.ledger.forget(f"register:{registry._where}:desk:{digest}")
        held.add(registry.version_of("desk", digest, once_more))
        assert len(held) == 1
    assert len(registry.client.search_model_versions("name = 'desk'")) == 102


def test_a_version_that_was_withdrawn_from_here_is_no_surprise_and_is_not_approved(workspace, client) -> None:
    Registry(workspace).withdraw(registered(workspace, "desk", 2))
    assert tampered(workspace, "desk") == []
    with pytest.raises(BadInput, match="was withdrawn"):
        approve(workspace, "desk", 2, "Ada", "x")
    assert Registry(workspace).holder("desk", "champion") is None
    assert rollback(workspace, "desk", "Ada", "go back").version == 1
    assert tampered(workspace, "desk") == []


def test_a_version_that_somebody_planted_is_named_and_not_taken_for_the_own(workspace, client) -> None:
    """It has the digest of what is about to be registered, and with that was found and released."""
    planted = client.create_model_version("desk", "file:///tmp/evil", tags={"ninefold.candidate": "digest-3"})
    assert tampered(workspace, "desk") == ["version 3 was made in MLflow, not from here"]
    registry = Registry(workspace)

    def make(mark: str) -> int:
        return int(client.create_model_version("desk", "file:///ours", tags={MARK: mark}).version)

    assert registry.version_of("desk", "digest-3", make) == int(planted.version) + 1
    assert tampered(workspace, "desk") == ["version 3 was made in MLflow, not from here"]


def test_an_interrupted_registration_is_not_taken_for_somebody_elses(workspace, client) -> None:
    def lost(mark: str) -> int:
        client.create_model_version("desk", "file:///ours", tags={MARK: mark})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Registry(workspace).version_of("desk", "digest-3", lost)
    assert tampered(workspace, "desk") == ["the registration of version 3 was interrupted: run the use case again"]


def test_a_forged_description_is_named_and_put_right(workspace, tmp_path) -> None:
    registry = Registry(workspace)
    page = version_page(workspace, tmp_path, "**Does not meet the contract**: 0.1")
    registry.publish("desk", 2, "record", page)
    shown = registry.client.get_model_version("desk", "2")
    assert shown.description == page.description
    assert tampered(workspace, "desk") == []
    registry.client.update_model_version("desk", "2", "**Meets the contract**")
    assert tampered(workspace, "desk") == ["tags of version 2 were edited in MLflow, not from here: description"]
    registry.reassert("desk")
    assert tampered(workspace, "desk") == []


def test_a_page_is_shown_once_a_content_and_a_kill_in_the_middle_leaves_one_of_everything(
    workspace, tmp_path, monkeypatch
) -> None:
    registry = Registry(workspace)
    page = version_page(workspace, tmp_path, "first")
    with monkeypatch.context() as cut:
        cut.setattr(Registry, "_tag", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            registry.publish("desk", 1, "record", page)
    for _ in range(2):
        registry.publish("desk", 1, "record", page)
    run = registry.client.get_run(registry.client.get_model_version("desk", "1").run_id)
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["desk case test"]
    assert [one.value for one in registry.client.get_metric_history(run.info.run_id, "f1")] == [0.5]
    assert {one.path for one in registry.client.list_artifacts(run.info.run_id, "card")} == {"card/v1.md", "card/v1.html"}
    asked = len(registry.ledger.effects("describe"))
    registry.publish("desk", 1, "record", page)
    assert len(registry.ledger.effects("describe")) == asked
    registry.publish("desk", 1, "record", version_page(workspace, tmp_path, "second"))
    registry.publish("desk", 1, "record", page)
    assert registry.client.get_model_version("desk", "1").description == "first"
