"""Every command in the `sh` blocks of README and docs runs; the long ones on the smoke profile, in a finished workspace."""

import json
import re
import shlex
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest

from components.core import EXIT_CODES, Workspace
from components.core.code import ROOT
from components.governance import Registry
from components.governance.registry import card_file
from components.serving import free_port
from tests import warm
from tests.conftest import Finished, environment, new_home, ninefold
from tests.pages import DOCS, README, blocks, commands, page

READ = (README, *map(page, ("operations", "serving", "approval", "cards", "lineage")))
"""These first, in this order: what one serves, another asks about, and the last one forgets."""
PAGES = (*READ, *(path for path in DOCS if path not in READ))
COMMANDS = list(dict.fromkeys(command for path in PAGES for command in commands(path)))
"""Each once, where it stands first."""
ON_SMOKE = ("ninefold plan", "ninefold run", "ninefold register", "ninefold tuning")
ELSEWHERE = {
    "make run": "the same recipe is run below with make --dry-run; its last command is the smoke run of these tests",
    "make test": "these tests",
    "ninefold ui": "started and stopped in tests/flows/test_ui.py",
    "ninefold review": "opened by a browser in tests/flows/test_review.py",
    "ninefold doctor": "below, by itself: its exit code depends on the machine's memory",
}


@pytest.fixture(scope="module")
def home(finished, tmp_path_factory) -> Finished:
    """One workspace for all commands, in the pages' order."""
    return finished.copy(tmp_path_factory.mktemp("readme") / "home")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def adapted(command: str, port: int, folder: Path) -> list[str]:
    """The page's command on a free port, with the smoke profile, and with a checkpoint and a folder that exist here."""
    command = command.replace("8000", str(port)).replace("./desk", str(folder / "desk"))
    command = command.replace("./checkpoint", str(folder / "checkpoint")).replace("./base", str(folder / "checkpoint"))
    words = shlex.split(command)
    if words[:2] == ["ninefold", "serve"]:
        words += ["--port", str(port)]
    if " ".join(words[:2]) in ON_SMOKE and "--profile" not in words:
        words += ["--profile", "smoke"]
    if words[:2] == ["ninefold", "study"] and len(words) > 2 and "--smoke" not in words:
        words += ["--smoke"]
    return words


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ELSEWHERE])
def test_a_command_of_readme_or_docs_runs(command, home, port, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    if "./checkpoint" in command:
        from components.application.two_layer import make_two_layer

        (folder / "checkpoint").mkdir()
        make_two_layer(folder / "checkpoint")
    own = environment(home.home)
    own["PATH"] = f"{ROOT}/.venv/bin:{own.get('PATH', '')}"
    program, *words = adapted(command, port, folder)
    if program == "ninefold":  # the installed script itself is run by test_doctor_reports
        done = warm.run(["flows.cli", *words], own, timeout=300)
    else:
        done = subprocess.run([program, *words], env=own, cwd=ROOT, capture_output=True, text=True, timeout=300)
    # a gate said no; too little traffic to say; the smoke run releases a plain baseline, which has no model
    others = {"ninefold register": {1}, "ninefold monitor": {1, 4}, "ninefold export": {2}}
    allowed = {0, *(code for start, codes in others.items() if command.startswith(start) for code in codes)}
    assert done.returncode in allowed, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_exit_codes_are_the_same_in_errors_schema_and_docs():
    (sentence,) = re.findall(r"Exit codes: (.*?);", page("operations").read_text(), flags=re.S)
    stated = dict(re.findall(r"(\d+) (.*?)(?:, (?=\d)|$)", sentence.replace("\n", " ")))
    assert stated == {str(code): words for code, words in EXIT_CODES.items()}
    schema = json.loads((ROOT / "flows/summary.schema.json").read_text())["properties"]["exit"]
    assert schema["enum"] == [code for code in EXIT_CODES if code != 4], "4 is monitor's alone"
    assert schema["description"] == ", ".join(f"{code} {EXIT_CODES[code]}" for code in schema["enum"])


@pytest.mark.parametrize("target", ["run", "test"])
def test_make_knows_the_two_commands(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert "ninefold run flows/use_cases/voice_helpdesk.yaml --profile cpu" in done.stdout or target == "test"


@pytest.mark.slow
def test_the_use_case_in_the_readme_goes_from_ten_lines_and_a_strangers_file_to_a_card(tmp_path, prefect_server):
    (text,) = blocks(README, "yaml")
    assert len(text.splitlines()) <= 10
    (tmp_path / "travel_desk.yaml").write_text(text)
    rows = []
    for number in range(150):
        place, price = f"Town{number:03}", str(40 + number)
        context = f"A night in {place} may cost {price} euros . The trip to {place} is booked by the office ."
        asked = {f"what may a night in {place} cost": f"{price} euros", f"who books the trip to {place}": "the office"}
        asked[f"who is the mayor of {place}"] = "unknown"
        rows += [{"q": question, "context": context, "a": answer} for question, answer in asked.items()]
    home, lines = new_home(tmp_path / "home"), "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "faq.jsonl").write_text(lines + "{broken\n")
    smoke = (ROOT / "flows/profiles/smoke.yaml").read_text()
    (tmp_path / "earnest.yaml").write_text(smoke.replace("cards: workspace", "cards: project"))
    run = ("run", str(tmp_path / "travel_desk.yaml"), "--profile", str(tmp_path / "earnest.yaml"))
    done = ninefold(home, *run, servers=prefect_server)
    assert (done.returncode, "faq.jsonl" in done.stderr) == (2, True), done.stderr
    (failed,) = (json.loads(path.read_text()) for path in (home / "runs").glob("*/summary.json"))
    jsonschema.validate(failed, json.loads((ROOT / "flows/summary.schema.json").read_text()))
    assert (failed["exit"], failed["candidate"], "faq.jsonl" in failed["end"]) == (2, None, True)
    (tmp_path / "faq.jsonl").write_text(lines)
    done = ninefold(home, *run, "--json", servers=prefect_server)
    assert done.returncode in (0, 1), done.stderr
    summary = json.loads(done.stdout)
    assert summary["test"]["metrics"]["f1"]["value"] > 0
    assert "travel_desk" in Path(summary["card"]).read_text()
    assert Path(summary["card"]).parents[1] == tmp_path / "model_cards", "beside the use case"
    released = done.returncode == 0
    assert (summary["model"] is not None, summary["card"].endswith("draft.md")) == (released, not released)
    if released:
        (version,) = Registry(Workspace(home)).versions("travel_desk")
        assert card_file(Workspace(home), version).samefile(summary["card"])
        assert ninefold(home, "card", "verify", "travel_desk").returncode == 0


def test_doctor_reports(home):
    done = subprocess.run(
        [f"{ROOT}/.venv/bin/ninefold", "doctor"], env=environment(home.home), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode in (0, 3)
    assert "memory" in done.stdout


def test_nothing_of_the_pages_stays_up(home):
    """`ninefold stop` ended what `ninefold serve` started."""
    deadline = time.monotonic() + 10
    while list((home.home / "serving").glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert list((home.home / "serving").glob("*.json")) == []
