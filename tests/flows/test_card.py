"""`ninefold card` on the card of a real run: verified, spoilt, compared, printed."""

import json
from pathlib import Path

import pytest

from components.cards import lint, read_record
from components.core import Workspace
from flows import card as cards
from tests.cards.evidence import carded
from tests.conftest import Finished, ninefold


@pytest.fixture(scope="module")
def home(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finished.copy(tmp_path_factory.mktemp("card") / "home")


@pytest.fixture(scope="module")
def card(home: Finished) -> Path:
    return home.home / "model_cards" / "voice_helpdesk" / "v1.md"


def test_the_card_of_a_run_holds_and_a_changed_figure_does_not(home: Finished, card: Path) -> None:
    done = ninefold(home.home, "card", "verify", "voice_helpdesk@candidate", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["card"], report["wrong"], report["unverified"]) == (str(card), [], [])
    text = card.read_text()
    value = f"{read_record(card).evaluated['evidence']['metrics']['f1_answerable']['value']:.3f}"
    card.write_text(text.replace(f"| f1_answerable | {value} ", "| f1_answerable | 0.999 ", 1))
    done = ninefold(home.home, "card", "verify", str(card))
    card.write_text(text)
    assert (done.returncode, "says" in done.stdout, "0.999" in done.stdout) == (1, True, True)


def test_where_the_evidence_is_elsewhere_it_is_no_pass_but_offline(card: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "other")
    strict, offline = (cards.verify(str(card), mode, workspace) for mode in (False, True))
    assert (strict["ok"], offline["ok"], strict["wrong"]) == (False, True, [])
    assert any("is not in" in line for line in strict["unverified"])
    assert "registry: voice_helpdesk version 1 is not registered in this workspace" in strict["unverified"]


def test_the_card_of_a_run_has_nothing_to_object_to_and_states_its_energy_as_an_estimate(card: Path) -> None:
    assert lint(card) == []
    text = card.read_text()
    assert "**An estimate, not a measurement**" in text
    assert "The served folder is not signed." in text
    assert (card.parent / "v1.cdx.json").is_file()


def test_render_writes_the_same_card_again(home: Finished, card: Path) -> None:
    before = {path.name: path.read_bytes() for path in card.parent.iterdir()}
    assert cards.render(str(card), None, home.workspace) == {"card": str(card)}
    assert {path.name: path.read_bytes() for path in card.parent.iterdir()} == before


def test_diff_lint_and_bad_input_on_the_command_line(home: Finished, card: Path, tmp_path: Path) -> None:
    other, *_ = carded(tmp_path / "other")
    done = ninefold(home.home, "card", "diff", str(card), str(other), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["words"][0] == "From voice_helpdesk version 1 to voice_helpdesk version 1."
    (tmp_path / "own.j2").write_text("{{ record.colour }}")
    done = ninefold(home.home, "card", "render", str(card), "--template", str(tmp_path / "own.j2"))
    assert (done.returncode, "field 'colour' of Record is not known" in done.stderr) == (2, True)
    done = ninefold(home.home, "card", "lint", str(tmp_path / "own.j2"))
    assert (done.returncode, "not a model card" in done.stderr) == (2, True)
