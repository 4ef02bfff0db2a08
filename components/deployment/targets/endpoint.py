"""An OpenAI-compatible endpoint on this machine's loopback: what `ninefold serve` starts. Here it has a name of its own, and
is up while it is tried, so that a kept endpoint of the model stays up."""

import time
from collections.abc import Sequence

from components import serving
from components.core import MachineFault
from components.serving import Asked

from . import Delivery, DeploymentRow

PACKAGES: tuple[str, ...] = ("fastapi", "uvicorn", "httpx", "psutil")
STAYS = False


def deploy(delivery: Delivery) -> tuple[DeploymentRow | None, str]:
    """Start the endpoint and wait until it is ready. Raises MachineFault when its port is taken or it does not start."""
    workspace = delivery.step.workspace
    started = time.perf_counter()
    serving.start(
        workspace, _trial(delivery), delivery.bundle, _port(delivery), model=delivery.name, machine=delivery.step.machine,
        signer=delivery.signer,
    )  # fmt: skip
    delivery.step.measured["endpoint_ready_seconds"] = round(time.perf_counter() - started, 2)
    return {"port": delivery.contract.deployment.port}, ""


def ask(delivery: Delivery, row: DeploymentRow, questions: Sequence[str]) -> tuple[list[Asked], str]:
    """Ask the endpoint over HTTP, as any client would."""
    running = serving.status(delivery.step.workspace, _trial(delivery))
    if running is None:
        raise MachineFault(f"the endpoint {_trial(delivery)} is not up: deploy it first")
    started = time.perf_counter()
    asked = serving.smoke_test(running.url, questions, passages=delivery.names_passages, turns=delivery.turns)
    delivery.step.measured["seconds_per_question"] = round((time.perf_counter() - started) / len(asked), 3)
    return asked, ""


def remove(delivery: Delivery, row: DeploymentRow) -> None:
    """Stop the endpoint; requests in flight are answered first."""
    serving.stop(delivery.step.workspace, _trial(delivery))


def _trial(delivery: Delivery) -> str:
    return f"{delivery.name}-trial"


def _port(delivery: Delivery) -> int:
    """The port that is asked for; where any will do, or the kept endpoint of this model has it, another: that on which the
    Candidate is up already, else a free one."""
    workspace = delivery.step.workspace
    own = serving.status(workspace, delivery.name)
    if delivery.port and not (own and own.port == delivery.port):
        return delivery.port
    running = serving.status(workspace, _trial(delivery))
    there = running is not None and running.candidate == delivery.candidate.digest
    return running.port if running and there else serving.free_port()
