"""One contract for every file of `deployment/targets`, each taken through the real thing where it can run here."""

import sys
from pathlib import Path
from typing import Any

import pytest

from components.application import load
from components.core import BadInput, Deployment, MachineFault, MissingPackage, Row, Workspace, parse
from components.deployment import Config, targets
from components.deployment.stage import check_settings
from components.deployment.targets import NAMES, Delivery, target
from tests.retrieval.small import candidate as with_model
from tests.retrieval.small import dataset, step_in
from tests.serving.bundles import QUESTIONS
from tests.serving.bundles import candidate as plain

from . import cases


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> list[Delivery]:
    """A plain baseline, and for a target that takes none a model with its retriever."""
    folder = tmp_path_factory.mktemp("targets")
    step = step_in(folder / "home")
    chosen = [plain(step.store, folder), with_model(dataset(step), step)]
    return [cases.delivery(one, step, folder / one.digest) for one in chosen]


def left(workspace: Workspace) -> dict[str, str]:
    """What deployments leave in a workspace: objects, and files that say which server is up."""
    objects = {path.name: "" for path in (workspace.store.root / "objects").iterdir()}
    return objects | {path.name: path.read_text() for path in workspace.serving.glob("*.json")}


def measured(delivery: Delivery) -> list[str]:
    with load(delivery.candidate, delivery.step.store, delivery.step.machine) as application:
        return [application.answer([Row(id="q", text=text, answer="")])[0].text for text in QUESTIONS]


def contract(name: str, deliveries: list[Delivery]) -> str:
    """Deployed, deployed again, asked, removed, removed again. Returns why it cannot be deployed here, else nothing."""
    place, row, note = target(name), None, ""
    for delivery in deliveries:
        row, note = place.deploy(delivery)
        if row is not None:
            break
        assert note, f"target '{name}' deploys nothing and does not say why"
    if row is None:
        return note
    workspace = delivery.step.workspace
    try:
        once = left(workspace)
        again, _ = place.deploy(delivery)
        assert (again, left(workspace)) == (row, once), f"target '{name}': deployed twice, it is there twice"
        asked, note = place.ask(delivery, row, QUESTIONS)
        if asked:
            assert [one.question for one in asked] == QUESTIONS, (
                f"target '{name}' did not answer every question in its order"
            )
            assert [one.answer for one in asked] == measured(delivery), (
                f"target '{name}' gives other answers than were measured"
            )
        else:
            assert note, f"target '{name}' cannot be asked and does not say why"
    finally:
        place.remove(delivery, row)
    assert left(workspace).keys() <= once.keys(), f"target '{name}': removed, and it leaves more than it found"
    assert _refuses(place, delivery, row), f"target '{name}': removed, and it can still be asked"
    place.remove(delivery, row)
    return ""


def _refuses(place: Any, delivery: Delivery, row: dict[str, Any]) -> bool:
    try:
        place.ask(delivery, row, QUESTIONS)
    except MachineFault:
        return True
    return False


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No registry of images is asked."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


@pytest.mark.parametrize("name", NAMES)
def test_it_deploys_once_answers_as_measured_and_is_removed(name: str, deliveries: list[Delivery]) -> None:
    if why_not := contract(name, deliveries):
        pytest.skip(why_not)


GOOD = '''
"""A folder that is asked in this process."""
import shutil
import time
from components.application import load
from components.core import MachineFault, Row
from components.serving import Asked, load_bundle

PACKAGES = ()
STAYS = True


def place(delivery):
    return delivery.step.workspace.serving / "planted"


def deploy(delivery):
    shutil.copytree(delivery.bundle, place(delivery), dirs_exist_ok=True)
    return {"folder": "planted"}, ""


def ask(delivery, row, questions):
    if not place(delivery).exists():
        raise MachineFault("not there")
    candidate, store = load_bundle(place(delivery))
    with load(candidate, store, delivery.step.machine) as application:
        answers = application.answer([Row(id=text, text=text, answer="") for text in questions])
    return [Asked(question=one.id, answer=one.text, answer_id="", passages=one.passages) for one in answers], ""


def remove(delivery, row):
    shutil.rmtree(place(delivery), ignore_errors=True)
'''


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def remove(", "def other(", r"targets\.planted does not define remove \(see .*/targets/__init__\.py\)"),
        ("STAYS = True", "", "does not define STAYS"),
        ("PACKAGES = ()", 'PACKAGES = ("no-such-package",)', "pip install no-such-package"),
        ('return {"folder": "planted"}, ""', 'return None, ""', "deploys nothing and does not say why"),
        (
            'return {"folder": "planted"}, ""',
            "(delivery.step.workspace.serving / f'{time.time_ns()}.json').touch()\n"
            '    return {"folder": "planted"}, ""',
            "deployed twice, it is there twice",
        ),
        ("answer=one.text", "answer=one.text.upper()", "gives other answers than were measured"),
        ("for one in answers]", "for one in answers[1:]]", "did not answer every question"),
        ("for one in answers]", "for one in ()]", "cannot be asked and does not say why"),
        ("shutil.rmtree(", "(lambda *given, **more: None)(", "removed, and it can still be asked"),
    ],
)  # fmt: skip
def test_a_planted_bad_file_fails_with_a_clear_message(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old in GOOD
    step = cases.step(Workspace(tmp_path / "home"))
    delivery = cases.delivery(plain(step.store, tmp_path), step, tmp_path / "bundle")
    monkeypatch.setattr(targets, "NAMES", (*NAMES, "planted"))
    monkeypatch.setattr(targets, "__path__", [*targets.__path__, str(tmp_path)])
    for text in (GOOD, GOOD.replace(old, new)):
        (tmp_path / "planted.py").write_text(text)
        monkeypatch.delitem(sys.modules, "components.deployment.targets.planted", raising=False)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        if text == GOOD:
            assert contract("planted", [delivery]) == ""
    with pytest.raises((AssertionError, MissingPackage), match=said):
        contract("planted", [delivery])


def test_a_word_that_names_no_target_is_refused_with_those_that_do() -> None:
    asked = cases.contract().model_copy(update={"deployment": Deployment(model_name="desk", targets=("mainframe",))})
    allowed = f"allowed: {', '.join(NAMES)}$"
    with pytest.raises(BadInput, match=rf"^use case 'desk_case': deployment\.targets 'mainframe' is not known; {allowed}"):
        check_settings(Config(), asked)
    with pytest.raises(BadInput, match=rf"^profile: deployment\.targets 'cloud' is not known; {allowed}"):
        check_settings(Config(targets=("endpoint", "cloud")), asked)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (Deployment, {"model_name": "desk", "docker": True}, "write `targets: [endpoint, docker]`"),
        (Deployment, {"model_name": "desk", "docker": False}, "write `targets: [endpoint]`"),
        (Config, {"docker": False}, "'local' is 'endpoint', 'gpu' is 'vllm': write `targets: [endpoint]`"),
        (Config, {"target": "gpu", "docker": True}, "write `targets: [endpoint, docker, vllm]`"),
    ],
)
def test_an_old_word_is_refused_naming_the_new(kind: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(kind, given, "desk.yaml")
    assert str(caught.value).startswith("desk.yaml: 'docker'")
    assert str(caught.value).endswith(said)


def test_the_profile_goes_before_the_contract_and_the_contract_before_the_default() -> None:
    silent = cases.contract().model_copy(update={"deployment": Deployment(model_name="desk")})
    assert targets.chosen((), silent) == ("endpoint", "docker")
    assert targets.chosen((), cases.contract()) == ("endpoint",)
    assert targets.chosen(("endpoint", "vllm"), cases.contract()) == ("endpoint", "vllm")
