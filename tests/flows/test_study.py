"""Studies: every file of the folder through its smoke form, kept by arm and seed, judged together, listed by the command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.core import BadInput, Machine, Workspace
from components.core.code import ROOT, reached_files
from components.measure.claims import Claim, Contrast, findings
from flows import studies, study
from flows.studies import STUDIES, claim_of
from flows.study import Result, lines, measure_study, read_results
from tests.conftest import new_home, ninefold

ONE = Machine(threads=1)
IN_CI = ("peft_share", "unsupported")
"""A study that trains is run by its command below, another by the README's."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(new_home(tmp_path_factory.mktemp("studies") / "home"))


def fixes_its_claim(name: str) -> None:
    """What `flows/studies/__init__` says that a file must define."""
    one = studies.study(name)
    small = claim_of(name, smoke=True)
    assert set(one.SMOKE) <= {"rows", "arms", "fixed", "contrasts"}, f"flows/studies/{name}.py: SMOKE changes the claim"
    assert small.rows <= one.CLAIM.rows, f"flows/studies/{name}.py: its smoke form has more rows"
    assert one.CLAIM.claim[0].isupper(), f"flows/studies/{name}.py: a claim is a sentence"


@pytest.mark.parametrize(
    "name", [one if one in IN_CI else pytest.param(one, marks=[pytest.mark.slow, pytest.mark.long]) for one in STUDIES]
)
def test_a_study_measures_every_arm_and_seed_once(name: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fixes_its_claim(name)
    first = measure_study(name, True, workspace, ONE)
    claim = claim_of(name, smoke=True)
    assert set(first.findings.arms) == set(claim.arms)
    assert read_results(workspace.root / "studies/smoke")[name] == first
    assert first.model == "two-layer"

    def measured_again(*given: object) -> list[float]:
        raise AssertionError(f"{name}: {given[:2]} was measured already")

    monkeypatch.setattr(studies.study(name), "measure", measured_again)
    assert measure_study(name, True, workspace, ONE).findings == first.findings


def test_listing_the_claims_loads_no_heavy_library() -> None:
    code = (
        "import sys; from flows.study import listed; listed(); print({'torch', 'transformers', 'peft'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "planted.py").write_text(text)
    monkeypatch.setattr(studies, "__path__", [str(tmp_path)])
    monkeypatch.setattr(studies, "STUDIES", ("planted",))


BAD = """
PACKAGES = ()
SMOKE = {}
def measure(arm, seed, bench): return [0.0]
"""


def test_a_bad_file_fails_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(tmp_path, monkeypatch, BAD)
    with pytest.raises(AssertionError, match=r"flows\.studies\.planted does not define CLAIM"):
        studies.study("planted")


def test_an_interrupted_study_goes_on_from_the_arms_it_has(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    one = studies.study("peft_share")
    claim = one.CLAIM.model_copy(update={"arms": ("lora", "ia3", "prompt"), "fixed": ()})
    asked: list[tuple[str, int]] = []

    def measure(arm: str, seed: int, bench: object) -> list[float]:
        if arm == "prompt" and "broken" not in asked:
            asked.append("broken")
            raise KeyboardInterrupt
        asked.append((arm, seed))
        return [seed / 100]

    monkeypatch.setattr(one, "CLAIM", claim)
    monkeypatch.setattr(one, "measure", measure)
    fresh = Workspace(new_home(workspace.root.parent / "interrupted"))
    with pytest.raises(KeyboardInterrupt):
        measure_study("peft_share", True, fresh, ONE)
    assert read_results(fresh.root / "studies/smoke") == {}
    measure_study("peft_share", True, fresh, ONE)
    assert len([pair for pair in asked if pair != "broken"]) == 9, "three arms with three seeds, none of them twice"


def result(value: float, name: str) -> Result:
    claim = claim_of(name, smoke=False)
    values = {arm: [[value] * claim.rows] * len(claim.seeds) for arm in claim.arms}
    return Result(
        claim=claim,
        findings=findings(claim, values),
        model="m",
        dtype="float32",
        processor="p",
        date="2026-11-30",
        seconds=1,
    )


def test_what_was_not_run_says_so_and_a_changed_claim_is_not_run_again() -> None:
    measured = {"peft_share": result(0.015, "peft_share")}
    assert {line["study"]: line["verdict"] for line in lines(measured)} == {
        name: "shown" if name == "peft_share" else "not run" for name in STUDIES
    }
    other = measured["peft_share"].claim.model_copy(update={"counted": (0.5, 0.6)})
    changed = measured["peft_share"].model_copy(update={"claim": other})
    assert {line["verdict"] for line in lines({"peft_share": changed})} == {"not run"}


def test_the_key_of_a_study_takes_its_own_file_and_no_other_study() -> None:
    reached = {path.stem for path in reached_files("flows.studies.peft_share") if path.parent.name == "studies"}
    assert reached == {"peft_share"}


def test_the_command_lists_measures_and_refuses(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    listed = ninefold(home, "study", "--json")
    assert listed.returncode == 0, listed.stderr
    assert [line["study"] for line in json.loads(listed.stdout)] == list(STUDIES)
    wrong = ninefold(home, "study", "peft_shares")
    assert wrong.returncode == 2
    assert f"study 'peft_shares' is not known; allowed: {', '.join(STUDIES)}" in wrong.stderr
    assert not (home / "studies").exists()
    done = ninefold(home, "study", "peft_share", "--smoke")
    assert done.returncode == 0, done.stderr
    assert "PEFT trains 1–2 % of the weights" in done.stdout
    assert "nothing of its claim" in done.stdout
    assert (home / "studies/smoke/peft_share.json").is_file()


def test_contrasts_are_told_with_interval_bound_and_power() -> None:
    contrast = Contrast(name="lora − full", weights={"lora": 1, "full": -1}, direction="equal", margin=0.02)
    claim = Claim(claim="A", metric="m", arms=("lora", "full"), contrasts=(contrast,), rows=3, seeds=(0, 1, 2), data="made")
    found = findings(claim, {"lora": [[0.1, 0.2, 0.3]] * 3, "full": [[0.1, 0.3, 0.5]] * 3})
    one = Result(claim=claim, findings=found, model="m", dtype="float32", processor="p", date="d", seconds=0)
    ((words, power),) = study.contrasts(one)
    assert words.startswith("lora − full: -0.100 [")
    assert words.endswith("claimed within ±0.02")
    assert power.endswith("from its bound")


def test_an_unknown_study_is_bad_input() -> None:
    with pytest.raises(BadInput, match="study 'x' is not known"):
        studies.study("x")
