"""`ninefold approve` and `approvals` on a real registry with real cards: what is said is what is so."""

import re
import shutil
from pathlib import Path

import pytest

from components.core import GateRefused, Workspace
from components.core.keys import make_keys
from components.governance import Approvals, Registry, approve, registered, reject
from flows.approve import decide, history, show, show_history
from tests.governance.conftest import real_card, two_versions
from tests.governance.test_approve import change, holder, later


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two versions with the cards that a run writes, and the key."""
    workspace = two_versions(tmp_path_factory.mktemp("approve"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NINEFOLD_KEYS", str(workspace.root / "keys"))
        make_keys()
        for number in (1, 2):
            real_card(workspace, registered(workspace, "desk", number))
    return workspace.root


@pytest.fixture
def workspace(made, tmp_path, monkeypatch) -> Workspace:
    """A copy of it, which is the workspace of the command line too."""
    shutil.copytree(made, tmp_path / "home")
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "home/keys"))
    monkeypatch.setenv("NINEFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "300")
    return Workspace(tmp_path / "home")


def card(workspace: Workspace, name: str) -> Path:
    return workspace.root / "model_cards/desk_case" / name


def test_a_second_approval_that_comes_too_late_is_not_called_a_champion(workspace, monkeypatch, capsys) -> None:
    change(workspace, risk_tier="high")
    real_card(workspace, registered(workspace, "desk", 1))
    decide("approve", "desk", 1, "ada", "first", workspace=workspace)
    later(monkeypatch, 100)
    report = decide("approve", "desk", 1, "grace", "second", workspace=workspace)
    assert (report["champion"], holder(workspace, "champion")) == (None, None)
    show(report)
    said = capsys.readouterr().out
    assert "is champion" not in said
    assert "is approved by grace: second; its approval has expired (ada's on " in said
    show(decide("approve", "desk", 1, "ada", "read again", workspace=workspace))
    assert "is champion, by ada: read again" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["v1.md", "v1.html"])
def test_a_card_whose_figures_were_forged_is_not_approved(workspace, name) -> None:
    path = card(workspace, name)
    assert "0.310" in path.read_text()
    path.write_text(path.read_text().replace("0.310", "0.910"))
    with pytest.raises(GateRefused, match=rf"{name}, line \d+: says .*0\.910.*Nothing was recorded"):
        decide("approve", "desk", 1, "Ada", "reads well", workspace=workspace)
    assert Approvals(workspace).entries() == []
    assert decide("reject", "desk", 1, "Ada", "its card was forged", workspace=workspace)["decision"] == "reject"


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ({"risk_tier": "high"}, "its contract says risk tier high, the registry medium"),
        ({"approvals": {"roles": {"risk": ["lin"]}}}, "otherwise than the registry who may approve"),
    ],
)
def test_a_registry_that_says_otherwise_than_the_contract_of_the_card_is_not_approved(workspace, contract, said) -> None:
    """Tier and people were edited in the ledger, before anybody signed anything."""
    real_card(workspace, registered(workspace, "desk", 1), **contract)
    with pytest.raises(GateRefused, match=said):
        decide("approve", "desk", 1, "Mallory", "x", workspace=workspace)
    assert Approvals(workspace).entries() == []


def test_verify_looks_at_models_of_which_the_record_says_nothing(workspace) -> None:
    assert history(None, verify=True)["ok"]
    Registry(workspace).client.set_registered_model_alias("desk", "champion", "1")
    report = history(None, verify=True)
    assert not report["ok"]
    assert report["tampered"] == [
        "desk: `champion` was moved in MLflow to version 1, not from here; the record says nobody holds it"
    ]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (
            lambda w: Registry(w).move("desk", "champion", 2),
            "version 2, and no approval of it stands: nobody has approved it",
        ),
        (lambda w: reject(w, "desk", 1, "Grace", "it leaks"), "version 1, .*: it was rejected by Grace: it leaks"),
    ],
)
def test_verify_names_a_champion_that_no_approval_lets_be(workspace, capfd, what, said) -> None:
    approve(workspace, "desk", 1, "Ada", "first")
    assert history("desk", verify=True)["ok"]
    what(workspace)
    report = history("desk", verify=True)
    assert not report["ok"]
    show_history(report)
    assert re.search(said, capfd.readouterr().err)


def test_a_line_from_before_that_would_forge_another_is_shown_as_one(workspace, capfd) -> None:
    line = {"number": 1, "at": "2026-01-01T00:00:00.000+00:00", "event": "approve", "model": "desk", "version": 1}
    line |= {"candidate": "c" * 64, "by": "eve", "role": "", "reason": "ok\n   2  2026\x1b[2K  approve  desk version 2"}
    show_history({"lines": [line], "faults": [], "head": "d" * 64, "tampered": [], "unapproved": []})
    first, second = capfd.readouterr().out.splitlines()
    assert r"ok\n   2  2026\x1b[2K  approve" in first
    assert second.endswith("1 lines; the chain is whole; last line dddddddddddd")
