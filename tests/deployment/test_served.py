"""What is served is loaded and asked without the checkout on the path, for each kind of task: the registered version and the
image over the plain baseline of the kind."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.application import load
from components.core import Candidate, Row
from components.deployment.bundle import export
from components.deployment.register import packed
from components.deployment.requirements import requirements
from components.deployment.targets.docker import fill
from components.selection import baselines
from components.serving import ask, free_port
from components.tasks import names
from tests.application.packages import only
from tests.deployment.targets.test_docker import ready
from tests.tasks.small import solved, step_in


@dataclass(frozen=True)
class Fitted:
    """The plain baseline of a kind with its bundle, and what it answers in this process."""

    candidate: Candidate
    bundle: Path
    texts: list[str]
    answers: list[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def fitted(folder: Path) -> dict[str, Fitted]:
    found = {}
    for kind in names():
        case, step = solved(kind), step_in(folder / kind)
        candidate = baselines.fit(case.task, case.metrics, case.dataset(step), None, step)
        bundle = export(candidate, step.store, folder / kind / "bundle", [])
        texts = [row.text for row in case.rows][:6]
        with load(candidate, step.store, step.machine) as application:
            answers = [application.answer([Row(id="q", text=text, answer="")])[0].text for text in texts]
        found[kind] = Fitted(candidate, bundle, texts, answers)
    return found


def isolated(seen: Path) -> dict[str, str]:
    """The environment of a process that sees the packages in `seen`, and nothing else of this machine's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NINEFOLD_", "MLFLOW_"))}
    return {**own, "NINEFOLD_KEYS": "/nonexistent", "PYTHONPATH": str(seen), "DO_NOT_TRACK": "1"}


FORKED = """
import json, os, sys
import mlflow, pandas
asked = json.loads(sys.stdin.read())
try:
    import components
except ModuleNotFoundError:
    pass
else:
    sys.exit(f"the checkout is on the path: {components.__file__}")
for path, texts in asked.items():
    if (child := os.fork()) == 0:
        model = mlflow.pyfunc.load_model(path)
        said = [model.predict([{"question": text}])[0]["answer"] for text in texts]
        import components
        print(json.dumps([path, said, components.__file__]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
"""A process a model, since each brings `components` of its own; forked, since MLflow takes seconds to import."""


@pytest.fixture(scope="module")
def versions(fitted: dict[str, Fitted], folder: Path) -> dict[str, tuple[list[str], str]]:
    """Kind → what the model that MLflow kept answers, and where its code lay."""
    import mlflow

    asked, packages = {}, {"mlflow", "pandas"}
    for kind, one in fitted.items():
        given = packed(one.candidate, one.bundle, folder / kind / "scratch")
        mlflow.pyfunc.save_model(str(folder / kind / "model"), **given)
        packages |= {line.partition("==")[0] for line in given["pip_requirements"]}
        asked[str(folder / kind / "model")] = one.texts
    command = [sys.executable, "-S", "-P", "-c", FORKED]
    own = isolated(only(packages, folder / "packages"))
    done = subprocess.run(command, env=own, cwd=folder, input=json.dumps(asked), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(said) == len(fitted), done.stderr
    return {Path(path).parent.name: (answers, code) for path, answers, code in said}


@pytest.mark.parametrize("kind", names())
def test_a_registered_version_answers_as_measured(
    kind: str, fitted: dict[str, Fitted], versions: dict[str, tuple[list[str], str]], folder: Path
) -> None:
    answers, code = versions[kind]
    assert answers == fitted[kind].answers
    assert Path(code).is_relative_to(folder / kind / "model")


@pytest.mark.parametrize("kind", names())
def test_an_image_answers_as_measured(kind: str, fitted: dict[str, Fitted], tmp_path: Path) -> None:
    one, port = fitted[kind], free_port()
    fill(tmp_path / "app", one.candidate, one.bundle)
    packages = {line.partition("==")[0] for line in requirements(one.candidate, server=True)}
    own = isolated(only(packages, tmp_path / "packages"))
    own["PYTHONPATH"] = f"{tmp_path / 'app'}:{own['PYTHONPATH']}"
    command = [sys.executable, "-S", "-m", "components.serving", "--bundle", "bundle", "--home", str(tmp_path / "data")]
    command += ["--name", "desk", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path / "app", env=own, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert ready(port) == 200, server.stderr
            assert [ask(f"http://127.0.0.1:{port}", text).answer for text in one.texts] == one.answers
        finally:
            server.terminate()
