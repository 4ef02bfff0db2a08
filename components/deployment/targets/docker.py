"""A Docker image of the bundle: built with the docker SDK, run, asked, stopped.

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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components import serving
from components.core import Candidate, MachineFault, digest_of, file_digest, report, short
from components.core.code import ROOT, shipped
from components.core.signature import SIGNATURE
from components.serving import Asked
from components.tasks import kind_of

from ..bundle import copy_bundle, public_keys
from ..code import copy_code, served_code
from ..requirements import requirements
from . import Delivery, DeploymentRow, names_passages

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.images import Image

PACKAGES: tuple[str, ...] = ("docker", "httpx")
STAYS = True
BASES = ("ninefold-base:bookworm", "python:3.11-slim")
"""Images with Python 3.11, best first: one that is on the engine, else one that it can pull."""
READY_SECONDS = 180
ENTRY = "components.serving.__main__"


def deploy(delivery: Delivery) -> tuple[DeploymentRow | None, str]:
    """Build the image `ninefold-<name>:<digest>`, unless the engine has it with this content.

    The row is None where no engine answers or no base image can be had; the note then says what lacks.
    """
    started = time.perf_counter()
    row, note = image(delivery.name, delivery.candidate, delivery.bundle, delivery.step.scratch / "image")
    if row:
        delivery.step.measured["image_build_seconds"] = round(time.perf_counter() - started, 1)
        delivery.step.measured["image_megabytes"] = row["megabytes"]
    return row, note


def image(name: str, candidate: Candidate, bundle: Path, context: Path) -> tuple[DeploymentRow | None, str]:
    """The image of the model `name`'s bundle: see `deploy`. context: a folder to build in, which is gone afterwards."""
    client, why_not = _engine()
    if client is None:
        return None, why_not
    base, why_not = _base(client)
    if base is None:
        return None, why_not
    tag = f"{_slug(name)}:{short(candidate.digest)}"
    labels = {"ninefold.candidate": candidate.digest, "ninefold.build": _build_digest(candidate, base, bundle)}
    built = _find(client, tag)
    if built is None or labels.items() - built.labels.items():
        built = _build(client, tag, Source(name, candidate, bundle, base, context), labels)
    megabytes = round(built.attrs["Size"] / 1e6)
    row: DeploymentRow = {"image": tag, "id": built.id, "base": base, "megabytes": megabytes, "run": run_line(name, tag)}
    return row, f"image {tag} ({megabytes} MB, {built.id[:19]}) was built"


def run_line(name: str, tag: str) -> str:
    """What to type to run the image: on this machine's loopback, traffic and feedback in a volume of its own."""
    return f"docker run --rm -p 127.0.0.1:8000:8000 -v {_slug(name)}:/data {tag}"


def ask(delivery: Delivery, row: DeploymentRow, questions: Sequence[str]) -> tuple[list[Asked], str]:
    """Run the image on a free loopback port, ask it, stop and remove the container."""
    return try_out(delivery.name, delivery.candidate, row, questions)


def try_out(name: str, candidate: Candidate, row: DeploymentRow, questions: Sequence[str]) -> tuple[list[Asked], str]:
    """See `ask`. candidate: what the image holds"""
    client, why_not = _engine()
    if client is None:
        return [], why_not
    if _find(client, row["image"]) is None:
        raise MachineFault(f"the engine has no image {row['image']}: deploy it first")
    report("running the image")
    _stop(client, name)  # what a killed run left
    port = serving.free_port()
    container = client.containers.run(row["id"], detach=True, name=_trial(name), ports={"8000/tcp": ("127.0.0.1", port)})
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(container, url)
        asked = serving.smoke_test(url, questions, passages=names_passages(candidate), turns=kind_of(candidate.task).turns)
    finally:
        container.stop(timeout=10)
        container.remove(force=True)
    return asked, f"image {row['image']} answered: {asked[0].answer!r}"


def remove(delivery: Delivery, row: DeploymentRow) -> None:
    """Remove the image, and a container that a killed run left. Raises MachineFault where the engine does not answer."""
    client, why_not = _engine()
    if client is None:
        raise MachineFault(why_not)
    _stop(client, delivery.name)
    if _find(client, row["image"]):
        client.images.remove(row["image"], force=True)


def _engine() -> "tuple[DockerClient | None, str]":
    import docker

    try:
        client = docker.from_env(timeout=900)
        client.ping()
    except docker.errors.DockerException as error:
        reason = str(error).splitlines()[0][:160]
        return None, f"no image: no Docker engine answers (start one, or set DOCKER_HOST): {reason}"
    return client, ""


def _base(client: "DockerClient") -> tuple[str | None, str]:
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
    dockerfile = (shipped("infra") / "docker" / "Dockerfile").read_text()
    code = {path.as_posix(): file_digest(ROOT / path) for path in served_code(candidate, ENTRY)}
    signed = {path.name: file_digest(path) for path in [bundle / SIGNATURE, *public_keys()] if path.is_file()}
    return digest_of([dockerfile, code, _packages(candidate, bundle), base, signed])


def _packages(candidate: Candidate, bundle: Path) -> list[str]:
    return requirements(candidate, server=True, signed=(bundle / SIGNATURE).is_file())


def _find(client: "DockerClient", tag: str) -> "Image | None":
    import docker

    try:
        return client.images.get(tag)
    except docker.errors.ImageNotFound:
        return None


@dataclass(frozen=True)
class Source:
    """What an image is made of. context: the folder that it is built in."""

    name: str
    candidate: Candidate
    bundle: Path
    base: str
    context: Path


def _build(client: "DockerClient", tag: str, source: Source, labels: dict[str, str]) -> "Image":
    import docker

    context = source.context
    fill(context, source.candidate, source.bundle)
    _wheels(_packages(source.candidate, source.bundle), context)
    report(f"building the image {tag}")
    arguments = {"BASE": source.base, "NAME": source.name}
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
    copy_bundle(bundle, context)
    shutil.copy(shipped("infra") / "docker" / "Dockerfile", context / "Dockerfile")


def _wheels(packages: list[str], context: Path) -> None:
    """Fetch the wheels of `packages` for Linux on this machine's architecture."""
    report("fetching the image's packages")
    listed = context / "requirements.txt"
    listed.write_text("\n".join(packages) + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--dest", str(context / "wheels"), "--requirement", str(listed)]
    command += ["--constraint", str(shipped("constraints.txt"))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise MachineFault(f"the packages of the image could not be fetched: {reason}. Check the network or pip's index")


def _slug(name: str) -> str:
    return f"ninefold-{name.replace('_', '-')}"


def _trial(name: str) -> str:
    return f"{_slug(name)}-trial"


def _stop(client: "DockerClient", name: str) -> None:
    for container in client.containers.list(all=True, filters={"name": f"^/?{_trial(name)}$"}):
        container.remove(force=True)


def _wait(container: "Container", url: str) -> None:
    import httpx

    deadline, reason = time.monotonic() + READY_SECONDS, ""
    while time.monotonic() < deadline and container.status != "exited":
        try:
            answer = httpx.get(f"{url}/ready", timeout=5, trust_env=False)
            if answer.status_code == 200:
                return
            if answer.status_code == 500:
                reason = answer.json()["error"]["message"]
                break
        except httpx.HTTPError:
            container.reload()
        time.sleep(0.3)
    reason = reason or container.logs(tail=3).decode(errors="replace").strip()
    raise MachineFault(f"the container did not get ready: {reason or 'it said nothing'}")
