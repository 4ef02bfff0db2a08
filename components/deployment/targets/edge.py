"""A folder that answers offline and needs nothing of Ninefold installed: the bundle, the code that its entry point reaches,
pinned requirements, checksums and a README with the two commands.

It lies in the store as an object; copy it to where it is to run. Not covered: the packages themselves (pip fetches them, as
the README says), another processor's architecture, updates.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from components.application.stores import vector_store
from components.core import Candidate, MachineFault, file_digest, publish_text, report, short
from components.core.code import shipped
from components.core.signature import SIGNATURE
from components.serving import Asked, checked

from ..bundle import copy_bundle
from ..code import copy_code
from ..requirements import requirements
from . import Delivery, DeploymentRow

PACKAGES: tuple[str, ...] = ("jinja2",)
STAYS = True
ENTRY = "components.serving.edge"
TEMPLATES = shipped("infra") / "edge"
ANSWER_SECONDS = 600
"""Loading and answering a handful of questions takes seconds; longer than this means that it hangs."""


def deploy(delivery: Delivery) -> tuple[DeploymentRow | None, str]:
    """Put the folder into the store, where an equal one is kept once. The row is None where answers need a server."""
    if why_not := _needs_a_server(delivery.candidate):
        return None, f"no edge folder: {why_not}"
    folder = delivery.step.scratch / "edge"
    fill(folder, delivery.name, delivery.candidate, delivery.bundle)
    size = round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)
    written = delivery.step.store.put(folder)
    place = delivery.step.store.path(written).relative_to(delivery.step.workspace.root)  # the note stands in the card
    return {"object": written}, f"edge folder written ({size} MB): copy {place} of the workspace to where it is to run"


def ask(delivery: Delivery, row: DeploymentRow, questions: Sequence[str]) -> tuple[list[Asked], str]:
    """Run the folder in a process that sees nothing of this checkout."""
    folder = delivery.step.store.path(row["object"])
    report("asking the edge folder")
    machine = delivery.step.machine
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    own |= {"NINEFOLD_THREADS": str(machine.threads), "NINEFOLD_DEVICE": machine.device, "PYTHONIOENCODING": "utf-8"}
    lines = "".join(json.dumps({"id": str(i), "question": text}) + "\n" for i, text in enumerate(questions))
    command = [sys.executable, "-P", str(folder / "run.py")]
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            input=lines,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env=own,
            timeout=ANSWER_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise MachineFault(f"the edge folder {folder} did not answer within {ANSWER_SECONDS} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MachineFault(f"the edge folder {folder} did not answer: {last}")
    delivery.step.measured["edge_seconds"] = round(time.perf_counter() - started, 1)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    asked = [
        Asked(question=text, answer=one["answer"], answer_id="", passages=tuple(one["passages"]))
        for text, one in zip(questions, answers, strict=True)
    ]
    checked(asked, f"the edge folder {folder}", passages=delivery.names_passages)
    return asked, f"edge folder {short(row['object'])} answered {len(asked)} questions"


def remove(delivery: Delivery, row: DeploymentRow) -> None:
    """Take the folder out of the store. Copies elsewhere are nobody's here."""
    delivery.step.store.forget(row["object"], "the edge folder was removed")


def fill(folder: Path, name: str, candidate: Candidate, bundle: Path) -> None:
    """Make the folder anew; the sums come last and cover all the rest."""
    import jinja2

    copy_code(candidate, folder, ENTRY)
    copy_bundle(bundle, folder)
    shutil.copy(TEMPLATES / "run.py", folder)
    signed = (bundle / SIGNATURE).is_file()
    # the exact versions of what the packages below require themselves
    shutil.copy(shipped("constraints.txt"), folder)
    packages = ["--constraint constraints.txt", *requirements(candidate, signed=signed)]
    publish_text(folder / "requirements.txt", "\n".join(packages) + "\n")
    template = jinja2.Template((TEMPLATES / "README.md.j2").read_text(), undefined=jinja2.StrictUndefined)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    values = {"name": name, "candidate": candidate.digest, "python": version, "signed": signed}
    publish_text(folder / "README.md", template.render(values) + "\n")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{file_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    publish_text(folder / "SHA256SUMS", "".join(sums))


def _needs_a_server(candidate: Candidate) -> str:
    """What answers are asked of over a network; empty where nothing is."""
    if candidate.runtime.url:
        return f"the model runs behind {candidate.runtime.engine}'s address"
    store = candidate.retriever.store if candidate.retriever else None
    if store and vector_store(store).ENVIRONMENT:
        return f"the vectors are in {store}, a server"
    return ""
