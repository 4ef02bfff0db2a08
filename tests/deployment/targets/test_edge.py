"""An edge folder answers as its Candidate does: offline, in a process that sees nothing but the folder and its packages."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from components.application import checkpoint, load
from components.core import Candidate, Quoted, Retriever, Row, Runtime, Step, file_digest
from components.core.keys import make_keys
from components.deployment.targets.edge import ask, deploy, remove
from components.lineage.search import search
from components.lineage.subject import Subject
from components.retrieval import Config as Retrieval
from components.retrieval.index import build as build_index
from components.selection import baselines
from components.selection.stage import basic_prompt
from components.tasks import kept, kind_of, names
from tests.application.packages import only
from tests.deployment import cases
from tests.deployment.test_served import isolated
from tests.retrieval.small import candidate as small
from tests.retrieval.small import dataset, step_in
from tests.serving.bundles import PASSAGES, QUESTIONS
from tests.serving.bundles import candidate as plain
from tests.tasks.small import solved

IN_CI = ("classification", "extraction", "summarization")
"""Kinds taken there: a label, a checked form, a text that is written. With retrieval and quotes: a test of its own below."""
GUARDED = """
import runpy, sys
def watch(event, given):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise PermissionError(f"the network was used: {event} {given}")
sys.addaudithook(watch)
try:
    import components
except ModuleNotFoundError:
    pass
else:
    sys.exit(f"the checkout is on the path: {components.__file__}")
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@cache
def netless() -> tuple[str, ...]:
    """What starts a process in a network of its own, with nothing in it; empty where the system does not let us."""
    command = ("unshare", "--map-root-user", "--net")
    allowed = shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if allowed else ()


def elsewhere(folder: Path, *arguments: str, given: str = "", **own: str) -> "subprocess.CompletedProcess[str]":
    """Run a copy of an edge folder, with the packages of its own list and no network."""
    lines = (folder / "requirements.txt").read_text().splitlines()
    seen = folder.parent / "packages"
    if not seen.exists():
        only({line.partition("==")[0] for line in lines if "==" in line}, seen)
    command = [*netless(), sys.executable, "-S", "-P", "-c", GUARDED, str(folder / "run.py"), *arguments]
    environment = {**isolated(seen), "HOME": str(folder.parent), **own}
    if not own:
        del environment["NINEFOLD_KEYS"]
    return subprocess.run(command, input=given, env=environment, cwd=folder.parent, capture_output=True, text=True)


def copied(chosen: Candidate, step: Step, folder: Path) -> Path:
    """`chosen` deployed as an edge folder, and copied to where it runs."""
    delivery = cases.delivery(chosen, step, folder / "bundle")
    row, note = deploy(delivery)
    assert row, note
    shutil.copytree(step.store.path(row["object"]), folder / "away" / "edge")
    remove(delivery, row)
    return folder / "away" / "edge"


def as_measured(chosen: Candidate, step: Step, folder: Path, texts: list[str]) -> list[dict]:
    """What the copied folder says to `texts`, which is what this process says."""
    lines = "".join(json.dumps({"id": f"q{i}", "question": text}) + "\n" for i, text in enumerate(texts))
    done = elsewhere(folder, given=lines)
    assert (done.returncode, done.stderr) == (0, "")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    with load(chosen, step.store, step.machine) as application:
        for i, text in enumerate(texts):
            (answer,) = application.answer([Row(id=f"q{i}", text=text, answer="")])
            own = {"id": f"q{i}", "answer": answer.text, "passages": [*answer.passages], "scores": [*answer.scores]}
            assert said[i] == own
    assert len(said) == len(texts)
    return said


@pytest.fixture
def edge(tmp_path: Path) -> Path:
    """A plain baseline's folder, copied away."""
    step = cases.step(step_in(tmp_path / "home").workspace)
    return copied(plain(step.store, tmp_path), step, tmp_path)


def test_a_plain_baseline_answers_twenty_questions_as_measured(tmp_path: Path) -> None:
    step = step_in(tmp_path / "home")
    chosen = plain(step.store, tmp_path)
    words = [text.split()[:8] for text in PASSAGES.values()]
    texts = [*QUESTIONS, *(f"what of {' '.join(few[start:])}?" for few in words for start in range(4))][:20]
    assert len(set(texts)) == 20
    said = as_measured(chosen, step, copied(chosen, step, tmp_path), texts)
    assert len({one["answer"] for one in said}) > 5


def test_a_model_with_retrieval_and_quotes_answers_twenty_questions_as_measured(tmp_path: Path) -> None:
    step, config = step_in(tmp_path / "home"), Retrieval()
    data = dataset(step)
    embedder = checkpoint(config.embedder, config.embedder_name, config.embedder_licence, step)
    index = build_index(data.knowledge, embedder, 60, 10, step)
    retriever = Retriever(
        scoring="convex", store="numpy", knowledge=data.knowledge.object, top_k=2, index=index.object, embedder=embedder
    )
    chosen = small(data, step).model_copy(update={"retriever": retriever, "quoted": Quoted()})
    rows = [row for name in ("train", "validation", "test") for row in data.rows(name, step.store)]
    texts = [*dict.fromkeys(row.text for row in rows), *QUESTIONS, "which river flows through Lima"][:20]
    assert len(texts) == 20
    said = as_measured(chosen, step, copied(chosen, step, tmp_path), texts)
    assert all(one["passages"] for one in said)
    assert len({one["answer"] for one in said}) > 5


@pytest.mark.parametrize("kind", [one if one in IN_CI else pytest.param(one, marks=pytest.mark.long) for one in names()])
def test_each_kind_of_task_answers_as_measured_plain_and_with_a_model(kind: str, tmp_path: Path) -> None:
    case, step = solved(kind), step_in(tmp_path / "home")
    texts = [row.text for row in case.rows][:4]
    fitted = baselines.fit(case.task, case.metrics, case.dataset(step), None, step)
    task = case.task
    model = Candidate(
        task=kind,
        labels=task.labels,
        abstain=task.abstain,
        own=kept(task),
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "made", "apache-2.0", step),
        prompt=basic_prompt(task, False, min(8, kind_of(kind).tokens.basic)),
    )
    for chosen in (fitted, model):
        folder = tmp_path / chosen.digest
        folder.mkdir()
        as_measured(chosen, step, copied(chosen, step, folder), texts)


def test_one_question_is_answered_in_words(edge: Path) -> None:
    done = elsewhere(edge, QUESTIONS[0])
    assert done.stdout.splitlines()[0] == "The first public steam railway opened in England in 1825."
    assert done.stdout.splitlines()[1].startswith("  [rail] ")
    assert '.venv/bin/python run.py "your question"' in (edge / "README.md").read_text()


def test_the_packages_are_named_by_exact_version_in_a_form_that_pip_reads(edge: Path) -> None:
    first, *packages = (edge / "requirements.txt").read_text().splitlines()
    assert first == "--constraint constraints.txt"
    assert packages
    assert all(line.count("==") == 1 for line in packages)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-index",
        "--requirement",
        f"{edge}/requirements.txt",
    ]
    done = subprocess.run(command, cwd=edge.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


def test_the_sums_are_those_that_sha256sum_checks(edge: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=edge, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    files = [path for path in edge.rglob("*") if path.is_file()]
    assert len((edge / "SHA256SUMS").read_text().splitlines()) == len(files) - 2, "all but the sums and the store's manifest"


def test_what_is_forgotten_is_found_in_an_edge_folder(tmp_path: Path) -> None:
    step = step_in(tmp_path / "home")
    row, _ = deploy(cases.delivery(plain(step.store, tmp_path), step, tmp_path / "bundle"))
    found = search(step.workspace, Subject.of("Camellia sinensis"))
    assert row["object"] in {item.id for item in found if item.kind == "object"}


def test_a_line_that_is_no_question_is_named_and_what_came_before_it_is_answered(edge: Path) -> None:
    good = json.dumps({"question": QUESTIONS[0]})
    for bad in ("Who?", '{"id": 1}', '{"question": " "}', "[" * 100_000):
        done = elsewhere(edge, given=f"{good}\n\n{bad}\n{good}\n")
        assert (done.returncode, len(done.stdout.splitlines())) == (2, 1), done.stderr
        assert done.stderr.startswith('run.py: standard input, line 3: expected {"id": …, "question": "…"}, found ')


def change(edge: Path) -> None:
    path = edge / "components/serving/edge.py"
    path.write_text(path.read_text() + "\n")


def add(edge: Path) -> None:
    (edge / "json.py").write_text("raise SystemExit('loaded')")


def lose(edge: Path) -> None:
    (edge / "bundle/reference.json").unlink()


def link(edge: Path) -> None:
    path = edge / "bundle/candidate.json"
    path.rename(edge.parent / "candidate.json")
    path.symlink_to(edge.parent / "candidate.json")


@pytest.mark.parametrize(
    ("tear", "said"),
    [
        (change, "components/serving/edge.py was changed"),
        (add, "json.py was added"),
        (lose, "bundle/reference.json was removed"),
        (link, "bundle/candidate.json is a link"),
    ],
)
def test_a_folder_that_is_not_as_it_was_deployed_does_not_start(edge: Path, tear: Callable[[Path], None], said: str) -> None:
    tear(edge)
    done = elsewhere(edge, QUESTIONS[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"run.py: {edge}: {said}. Bring the folder back as it was deployed\n"


def test_a_signed_folder_is_checked_by_its_key_and_not_only_by_its_sums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "operator"))
    make_keys()
    step = step_in(tmp_path / "home")
    edge = copied(plain(step.store, tmp_path), step, tmp_path)
    assert not list(edge.rglob("signing.pem")), "the private key stays with the operator"
    assert elsewhere(edge, QUESTIONS[0]).returncode == 0
    changed, sums = edge / "bundle/reference.json", edge / "SHA256SUMS"
    before = file_digest(changed)
    changed.write_text("[ ]")
    sums.write_text(sums.read_text().replace(before, file_digest(changed)))
    done = elsewhere(edge, QUESTIONS[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert "its signature by key" in done.stderr
    assert "does not hold" in done.stderr


def test_answers_that_need_a_server_make_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NINEFOLD_PGVECTOR_URL", "postgresql://owner@127.0.0.1:9/base")
    step = step_in(tmp_path / "home")
    chosen = small(dataset(step), step)
    hosted = chosen.model_copy(update={"runtime": Runtime(engine="openai", url="http://127.0.0.1:9")})
    retriever = chosen.retriever.model_copy(update={"scoring": "convex", "store": "pgvector"})
    for one, why in ((hosted, "behind openai's address"), (chosen.model_copy(update={"retriever": retriever}), "pgvector")):
        row, note = deploy(cases.Delivery(cases.contract(), one, tmp_path, "", 0, step))
        assert row is None
        assert note.startswith("no edge folder: ")
        assert why in note


def test_a_question_that_is_asked_here_does_not_see_this_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = step_in(tmp_path / "home")
    delivery = cases.delivery(plain(step.store, tmp_path), step, tmp_path / "bundle")
    row, _ = deploy(delivery)
    (tmp_path / "components").mkdir()
    (tmp_path / "components/__init__.py").write_text("raise SystemExit('the wrong code')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    asked, note = ask(delivery, row, QUESTIONS)
    assert [one.passages[0] for one in asked] == ["rail", "tea", "bees"]
    assert "answered 3 questions" in note
    assert step.store.damaged() == [], "running it writes nothing into it"
