"""A Docker image of one bundle: build it with the docker SDK, run it, ask it one question, stop it.

The wheels are fetched by this machine's pip, with whatever index and certificates it is set up with, and installed in the
build without network, so that the image depends on nothing here. Only what the Candidate's engine needs goes in.

Where the bundle is signed, the operator's public keys go in too, and the server inside refuses a folder that is not what was
signed, as `ninefold serve` does. Keys in the image find what was changed after it was built; who could build another image
puts in keys of their own, so mount yours over them (see the Dockerfile).
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from components import serving
from components.core import Candidate, MachineFault, Step, digest_of, file_digest, report, short
from components.core.code import ROOT
from components.core.keys import PUBLIC, RETIRED, keys_folder
from components.core.signature import SIGNATURE

from .code import copy_code, served_code
from .requirements import requirements

BASES = ("ninefold-base:bookworm", "python:3.11-slim")
"""Images with Python 3.11, best first: one that is on the engine, else one that it can pull."""
READY_SECONDS = 180
ENTRY = "components.serving.__main__"


def build_and_try(
    name: str, candidate: Candidate, bundle: Path, question: str, step: Step
) -> tuple[dict[str, Any] | None, str]:
    """Build the image `ninefold-<name>:<digest>`, run it and ask `question`; the row for the Release, and a note.

    The row is None where no engine answers or no base image can be had; the note then says what lacks.
    """
    client, why_not = _engine()
    if client is None:
        return None, why_not
    base, why_not = _base(client)
    if base is None:
        return None, why_not
    tag = f"ninefold-{name.replace('_', '-')}:{short(candidate.digest)}"
    started = time.perf_counter()
    labels = {"ninefold.candidate": candidate.digest, "ninefold.build": _build_digest(candidate, base, bundle)}
    image = _find(client, tag)
    if image is None or labels.items() - image.labels.items():
        image = _build(client, tag, base, name, candidate, bundle, labels, step)
    step.measured["image_build_seconds"] = round(time.perf_counter() - started, 1)
    step.measured["image_megabytes"] = round(image.attrs["Size"] / 1e6)
    answer = _try(client, image, name, question)
    row = {"target": "docker", "image": tag, "id": image.id, "base": base}
    return row, f"image {tag} ({step.measured['image_megabytes']} MB, {image.id[:19]}) was built and answered: {answer!r}"


def _engine() -> tuple[Any, str]:
    import docker

    try:
        client = docker.from_env(timeout=900)
        client.ping()
    except docker.errors.DockerException as error:
        reason = str(error).splitlines()[0][:160]
        return None, f"no image: no Docker engine answers (start one, or set DOCKER_HOST): {reason}"
    return client, ""


def _base(client: Any) -> tuple[str | None, str]:
    import docker

    for base in BASES:
        if _find(client, base):
            return base, ""
    try:
        client.images.pull(*BASES[-1].split(":"))
    except docker.errors.DockerException as error:
        return None, f"no image: no base image: {BASES[0]} is not on the engine and {BASES[1]} cannot be pulled ({error})"
    return BASES[-1], ""


def _build_digest(candidate: Candidate, base: str, bundle: Path) -> str:
    """What else decides the image's content: an image of this Candidate with other code, packages or keys is built again."""
    dockerfile = (ROOT / "infra" / "docker" / "Dockerfile").read_text()
    code = {path.as_posix(): file_digest(ROOT / path) for path in served_code(candidate, ENTRY)}
    signed = {path.name: file_digest(path) for path in [bundle / SIGNATURE, *_public_keys()] if path.is_file()}
    return digest_of([dockerfile, code, _packages(candidate, bundle), base, signed])


def _packages(candidate: Candidate, bundle: Path) -> list[str]:
    return requirements(candidate, server=True, signed=(bundle / SIGNATURE).is_file())


def _public_keys() -> list[Path]:
    """What a machine that only verifies needs of the operator's keys."""
    return [keys_folder() / PUBLIC, *sorted((keys_folder() / RETIRED).glob("*"))]


def _find(client: Any, tag: str) -> Any:
    import docker

    try:
        return client.images.get(tag)
    except docker.errors.ImageNotFound:
        return None


def _build(
    client: Any, tag: str, base: str, name: str, candidate: Candidate, bundle: Path, labels: dict[str, str], step: Step
) -> Any:
    import docker

    context = step.scratch / "image"
    fill(context, candidate, bundle)
    _wheels(_packages(candidate, bundle), context)
    report(f"building the image {tag}")
    arguments = {"BASE": base, "NAME": name}
    try:
        image, _ = client.images.build(
            path=str(context), tag=tag, buildargs=arguments, labels=labels, rm=True, forcerm=True, network_mode="none"
        )
    except docker.errors.BuildError as error:
        last = [str(line.get("stream") or line.get("error") or "").strip() for line in error.build_log]
        raise MachineFault(
            f"the image {tag} could not be built: {' / '.join([line for line in last if line][-3:])}"
        ) from error
    finally:
        shutil.rmtree(context, ignore_errors=True)
    return image


def fill(context: Path, candidate: Candidate, bundle: Path) -> None:
    """Make the folder that the image is built from, all but its packages: code, bundle, keys, Dockerfile."""
    copy_code(candidate, context, ENTRY)
    # a table that the trial endpoint made beside the objects belongs to this user: the image makes its own
    shutil.copytree(bundle, context / "bundle", ignore=shutil.ignore_patterns("derived"))
    shutil.copy(ROOT / "infra" / "docker" / "Dockerfile", context / "Dockerfile")
    (context / "keys" / RETIRED).mkdir(parents=True)
    for path in _public_keys() if (bundle / SIGNATURE).is_file() else ():
        shutil.copy(path, context / "keys" / path.relative_to(keys_folder()))
    for path in [*(context / "bundle").rglob("*"), *(context / "keys").rglob("*")]:  # the server runs as another user
        path.chmod(0o755 if path.is_dir() else 0o644)


def _wheels(packages: list[str], context: Path) -> None:
    """Fetch the wheels of `packages` for Linux on this machine's architecture."""
    report("fetching the image's packages")
    listed = context / "requirements.txt"
    listed.write_text("\n".join(packages) + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--dest", str(context / "wheels"), "--requirement", str(listed)]
    constraints = ROOT / "constraints.txt"
    command += ["--constraint", str(constraints)] if constraints.is_file() else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise MachineFault(f"the packages of the image could not be fetched: {reason}. Check the network or pip's index")


def _try(client: Any, image: Any, name: str, question: str) -> str:
    """Run the image on a free loopback port, ask it, stop and remove the container."""
    report("running the image")
    port = serving.free_port()
    trial = f"ninefold-{name.replace('_', '-')}-trial"
    for left in client.containers.list(all=True, filters={"name": f"^/?{trial}$"}):  # what a killed run left
        left.remove(force=True)
    container = client.containers.run(image.id, detach=True, name=trial, ports={"8000/tcp": ("127.0.0.1", port)})
    try:
        _wait(container, f"http://127.0.0.1:{port}")
        return serving.ask(f"http://127.0.0.1:{port}", question).answer
    finally:
        container.stop(timeout=10)
        container.remove(force=True)


def _wait(container: Any, url: str) -> None:
    import httpx

    deadline, said = time.monotonic() + READY_SECONDS, ""
    while time.monotonic() < deadline and container.status != "exited":
        try:
            answer = httpx.get(f"{url}/ready", timeout=5, trust_env=False)
            if answer.status_code == 200:
                return
            if answer.status_code == 500:
                said = answer.json()["error"]["message"]
                break
        except httpx.HTTPError:
            container.reload()
        time.sleep(0.3)
    said = said or container.logs(tail=3).decode(errors="replace").strip()
    raise MachineFault(f"the container did not get ready: {said or 'it said nothing'}")
