"""A workspace that Ninefold made before a Candidate named its scoring, technique and objective (commit 7b709cf).

`earlier/workspace.tar.xz` is what a smoke run of the voice help desk and an approval left then, without assets, results and
logs: a released version whose Candidate is described in the words of that time.
"""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from components.core.code import ROOT
from tests.conftest import new_home, ninefold


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("earlier") / "home"
    with tarfile.open(ROOT / "tests/flows/earlier/workspace.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


SENTENCE = (
    "voice_helpdesk version 1 was described by another version of Ninefold (key 'retriever.scoring': field required), and "
    "this one does not read it. Run its use case again (`ninefold run <use case>`), which releases it anew as the next "
    "version; or use the Ninefold that made it"
)


@pytest.mark.parametrize("command", ["serve voice_helpdesk", "monitor voice_helpdesk", "lineage voice_helpdesk"])
def test_what_needs_the_candidate_stops_with_one_sentence_that_names_the_version(home: Path, command: str) -> None:
    done = ninefold(home, *command.split())
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line == f"ninefold: {SENTENCE}"


def test_what_does_not_need_it_works(home: Path) -> None:
    for command, said in (
        ("approvals voice_helpdesk --verify", "the chain is whole"),
        ("forget nobody@example.org --dry-run", "not reached"),
        ("stop", "nothing was up"),
    ):
        done = ninefold(home, *command.split())
        assert (done.returncode, said in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_rollback_says_that_there_is_nothing_to_go_back_to(home: Path) -> None:
    done = ninefold(home, "rollback", "voice_helpdesk", "--reason", "it answers wrongly", "--by", "ada")
    assert (done.returncode, "has no previous version to go back to" in done.stderr) == (2, True), done.stderr


@pytest.mark.slow
def test_a_run_there_releases_the_next_version(home: Path, tmp_path: Path, prefect_server: dict[str, str]) -> None:
    """What the sentence above advises: nothing of before is taken for a result, and nothing of it is in the way."""
    own = shutil.copytree(home, tmp_path / "home")
    new_home(own)
    run = ("run", "flows/use_cases/voice_helpdesk.yaml", "--profile", "smoke", "--json")
    done = ninefold(own, *run, servers=prefect_server)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert summary["model"]["version"] == 2
    assert {stage["status"] for stage in summary["stages"]} == {"ran"}
    done = ninefold(own, "lineage", "voice_helpdesk@2")
    assert done.returncode == 0, done.stderr
