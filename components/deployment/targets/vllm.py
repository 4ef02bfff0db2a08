"""vLLM, for a GPU: the model's merged weights with a Compose file and Kubernetes manifests, checked; started where an NVIDIA
engine answers.

vLLM does not resolve beside this product's packages (its FastAPI is older), so it runs in its own image, by exact version.
The digest of that image is asked for, never invented. Not covered: several GPUs, autoscaling, the application's own pod.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from components.application import merged, save_checkpoint
from components.application.weights import folders, self_contained
from components.core import (
    BadInput,
    Candidate,
    MachineFault,
    Step,
    publish_json,
    publish_text,
    report,
    short,
)
from components.core.code import shipped
from components.serving import Asked
from components.training import technique

from . import Delivery, DeploymentRow

PACKAGES: tuple[str, ...] = ("docker", "httpx", "jinja2")
STAYS = True

IMAGE = "vllm/vllm-openai:v0.32.0"
LIMITS = {"max_model_len": 2048, "max_num_seqs": 64, "gpu_memory_utilization": 0.85}
"""Prompts here stay under 1,000 tokens; 64 at a time is where a small model's throughput levels off on one GPU."""
READY_SECONDS = 600


def deploy(delivery: Delivery) -> tuple[DeploymentRow | None, str]:
    """Write the files into the store, where equal ones are kept once.

    The row is None where there is nothing for a GPU to run: a plain baseline, or ONNX weights made for a CPU.
    """
    contract, candidate, step = delivery.contract, delivery.candidate, delivery.step
    if candidate.model is None:
        return None, "no vLLM deployment: a plain baseline has no model"
    if candidate.runtime.engine != "transformers":
        return None, (
            f"no vLLM deployment: vLLM reads safetensors, and the release runs on {candidate.runtime.engine} "
            f"{candidate.runtime.dtype}; release the torch Candidate (skip optimization) for a GPU"
        )
    if candidate.adapter and not technique(candidate.adapter.technique).MERGEABLE:
        return None, (
            f"no vLLM deployment: what {candidate.adapter.technique} learned cannot become part of a checkpoint, which is "
            "all that vLLM is given; tune by another technique for a GPU"
        )
    if reason := self_contained(candidate):
        return None, f"no vLLM deployment: {reason}"
    folder = step.scratch / "vllm"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
    _merge(candidate, step, folder / "weights")
    digest, from_whom = _image_digest()
    values = {
        "name": delivery.name, "slug": delivery.name.replace("_", "-"), "port": contract.deployment.port,
        "candidate": candidate.digest, "image": f"{IMAGE.partition(':')[0]}@{digest}" if digest else IMAGE, "digest": digest,
        "memory_gb": max(4, round(contract.limits.memory_gb)), **LIMITS,
    }  # fmt: skip
    for kind, file in (("compose", "compose.yaml"), ("kubernetes", "kubernetes.yaml")):
        text = _render(shipped("infra") / kind / "vllm.yaml.j2", values)
        CHECKS[kind](text)
        publish_text(folder / file, text)
    publish_json(folder / "deployment.json", {"image": IMAGE, "digest": digest, "digest_from": from_whom, **values})
    step.measured["vllm_image"] = {"image": IMAGE, "digest": digest, "from": from_whom}
    written = step.store.put(folder)
    row: DeploymentRow = {"object": written, "image": IMAGE, "digest": digest}
    return row, f"vLLM deployment written and checked (object {written[:12]})"


def ask(delivery: Delivery, row: DeploymentRow, questions: Sequence[str]) -> tuple[list[Asked], str]:
    """Start vLLM where an engine with NVIDIA's runtime answers, ask the model, stop it. Prompt and retriever stay in the
    application, so that these are not the Candidate's answers: they go into the note."""
    folder = delivery.step.store.path(row["object"])
    if why_not := _cannot_start():
        return [], f"vLLM was not started: {why_not}"
    port = delivery.contract.deployment.port
    up = _compose(delivery, folder, "up", "--detach", "--wait", "--wait-timeout", str(READY_SECONDS))
    try:
        if up.returncode:
            raise MachineFault(f"vLLM did not start: {(up.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        answer = ask_model(f"http://127.0.0.1:{port}", delivery.name, questions[0])
    finally:
        _compose(delivery, folder, "down")
    return [], f"vLLM started, was healthy on port {port} and its model said {answer!r}, then it was stopped"


def remove(delivery: Delivery, row: DeploymentRow) -> None:
    """Take the files out of the store."""
    delivery.step.store.forget(row["object"], "the vLLM deployment was removed")


def ask_model(url: str, name: str, question: str) -> str:
    """What the model itself says to `question`. Raises MachineFault when no answer comes."""
    import httpx

    body = {"model": name, "max_tokens": 32, "messages": [{"role": "user", "content": question}]}
    try:
        reply = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=120, trust_env=False).raise_for_status().json()
    except httpx.HTTPError as error:
        raise MachineFault(f"vLLM on {url} does not answer: {error}") from error
    return str(reply["choices"][0]["message"]["content"])


def _merge(candidate: Candidate, step: Step, target: Path) -> None:
    """Save the model with its adapter merged in, as bfloat16 safetensors with its tokenizer."""
    report("merging the weights")
    base, adapter = folders(candidate, step.store)
    one = merged(base, adapter, candidate.runtime.dtype)
    # whatever the processor that measured it is fast in
    save_checkpoint(one.model.bfloat16(), base, target, one.tokenizer)


def _render(template: Path, values: Mapping[str, object]) -> str:
    import jinja2

    return jinja2.Template(template.read_text(), undefined=jinja2.StrictUndefined, keep_trailing_newline=True).render(values)


def check_compose(text: str) -> None:
    """Raise BadInput unless `text` is a Compose file with one GPU service that is limited and bound to loopback."""
    service = yaml.safe_load(text)["services"]["model"]
    devices = service["deploy"]["resources"]["reservations"]["devices"]
    _need("compose", "image by version or digest", ":v" in service["image"] or "@sha256:" in service["image"])
    _need("compose", "a reserved GPU", devices[0]["driver"] == "nvidia" and "gpu" in devices[0]["capabilities"])
    _need("compose", "prefix caching", "--enable-prefix-caching" in service["command"])
    _need("compose", "a memory limit", "mem_limit" in service)
    _need("compose", "a loopback port", all(port.startswith("127.0.0.1:") for port in service["ports"]))


def check_kubernetes(text: str) -> None:
    """Raise BadInput unless `text` holds a Deployment that asks for a GPU with limits and probes, and its Service."""
    documents = {document["kind"]: document for document in yaml.safe_load_all(text)}
    _need("kubernetes", "a Deployment and a Service", set(documents) == {"Deployment", "Service"})
    template = documents["Deployment"]["spec"]["template"]
    container = template["spec"]["containers"][0]
    selector = documents["Service"]["spec"]["selector"]
    _need("kubernetes", "a Service that selects its pods", selector.items() <= template["metadata"]["labels"].items())
    _need("kubernetes", "image by version or digest", ":v" in container["image"] or "@sha256:" in container["image"])
    _need("kubernetes", "a GPU limit", container["resources"]["limits"].get("nvidia.com/gpu") == 1)
    _need("kubernetes", "a memory limit", "memory" in container["resources"]["limits"])
    _need("kubernetes", "prefix caching", "--enable-prefix-caching" in container["args"])
    _need("kubernetes", "probes", {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container))


CHECKS = {"compose": check_compose, "kubernetes": check_kubernetes}


def _need(file: str, what: str, holds: bool) -> None:
    if not holds:
        raise BadInput(f"infra/{file}/vllm.yaml.j2: {what} is missing; correct the template")


def _image_digest() -> tuple[str | None, str]:
    """The digest that `IMAGE` has now: of the engine, else of the registry; None and the reason where neither answers."""
    import docker
    import httpx

    try:
        client = docker.from_env(timeout=20)
        return str(client.images.get_registry_data(IMAGE).id), "engine"
    except docker.errors.DockerException as error:
        reason = str(error).splitlines()[0][:120]
    repository, _, tag = IMAGE.partition(":")
    kinds = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
    try:
        scope = {"service": "registry.docker.io", "scope": f"repository:{repository}:pull"}
        token = httpx.get("https://auth.docker.io/token", params=scope, timeout=10).raise_for_status().json()["token"]
        headers = {"Authorization": f"Bearer {token}", "Accept": kinds}
        url = f"https://registry-1.docker.io/v2/{repository}/manifests/{tag}"
        return httpx.head(url, headers=headers, timeout=10).raise_for_status().headers["docker-content-digest"], "registry"
    except (httpx.HTTPError, KeyError) as error:
        return None, f"not resolved: engine: {reason}; registry: {error}"


def _cannot_start() -> str:
    """Why vLLM cannot run on this machine; empty where it can."""
    import docker

    try:
        runtimes = docker.from_env(timeout=20).info().get("Runtimes", {})
    except docker.errors.DockerException:
        return "no Docker engine answers"
    if "nvidia" not in runtimes:
        return "the Docker engine has no NVIDIA runtime (install nvidia-container-toolkit)"
    return "" if shutil.which("docker") else "the command `docker compose` is not installed"


def _compose(delivery: Delivery, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    project = f"ninefold-{short(delivery.candidate.digest)}"
    command = ["docker", "compose", "--file", str(folder / "compose.yaml"), "--project-name", project, *arguments]
    return subprocess.run(command, capture_output=True, text=True)
