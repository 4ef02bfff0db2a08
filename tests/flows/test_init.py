"""`ninefold init`: what it writes for each kind of task is a contract and a profile that `plan` takes once filled in."""

import json
import re
from pathlib import Path

import pytest

from components.core import BadInput, Profile, UseCase, read_yaml
from components.tasks import kind_of, names
from components.use_case import check_contract
from flows.init import init
from tests.conftest import new_home, ninefold


@pytest.mark.parametrize("kind", names())
def test_each_kind_of_task_has_a_contract_and_a_profile(kind: str, tmp_path: Path) -> None:
    written = init(kind, "desk", tmp_path)
    contract, profile = Path(written["contract"]), Path(written["profile"])
    left = re.findall(r"^ *([a-z_-]+): <fill in", contract.read_text(), re.MULTILINE)
    assert set(left) == {"problem", "owner", "intended_use", "instruction", "origin"}
    with pytest.raises(BadInput) as refused:
        check_contract(read_yaml(contract, UseCase), str(contract))
    assert str(refused.value).count("still holds '<fill in ") == len(left)
    assert f"{contract}: key 'data.sources.0.origin': still holds" in str(refused.value)
    contract.write_text(re.sub(r"<fill in [^>]*>", "what is meant", contract.read_text()))
    check_contract(read_yaml(contract, UseCase), str(contract))
    assert read_yaml(profile, Profile).machine.device == "cpu"
    assert read_yaml(contract, UseCase).metrics.primary == kind_of(kind).metrics[0]


ROWS = {
    "classification": {"label": ("positive", "negative")},
    "code_generation": {"code": ("def f(x): return x",)},
    "conversation": {"messages": ("It is open.", "It is shut.")},
    "multilabel_classification": {"labels": (["joy", "surprise"], "none", "anger")},
}
"""Kind → its answers, by turns."""


@pytest.mark.parametrize("kind", ROWS)
def test_what_is_filled_in_can_be_planned(kind: str, tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    done = ninefold(home, "init", kind, "--name", "mail", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    contract = tmp_path / "mail.yaml"
    contract.write_text(re.sub(r"<fill in [^>]*>", "what is meant", contract.read_text()))
    ((field, answers),) = ROWS[kind].items()
    asked, beside = kind_of(kind).columns[0], {"tests": "assert f(1) == 1"} if kind_of(kind).tested else {}
    if kind_of(kind).turns:
        answers = [[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": text}] for text in answers]
        asked = "id"
    rows = ({asked: f"letter {number}", field: answers[number % len(answers)], **beside} for number in range(500))
    (tmp_path / "mail.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = ninefold(home, "plan", str(contract), "--profile", str(tmp_path / "mail.profile.yaml"))
    assert (done.returncode, "a run starts at data" in done.stdout) == (0, True), done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("poetry", "desk"), "'poetry' is no kind of task; allowed: classification"),
        (("classification", "My Desk"), "key 'name'"),
        (("classification", "there"), "there.yaml: there already; give another --name or --folder, nothing was written"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(arguments, said, tmp_path: Path) -> None:
    (tmp_path / "there.yaml").write_text("mine")
    with pytest.raises(BadInput, match=re.escape(said)):
        init(*arguments, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there.yaml", "mine")]
