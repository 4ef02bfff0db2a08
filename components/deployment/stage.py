"""Stage 9: serve the Candidate and ask it, register it, build its image, write its GPU deployment; what it may become
(`champion`) is for governance. The card is written by `components.cards`.
"""

import time
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from components import governance, serving
from components.core import (
    Approval,
    Candidate,
    Dataset,
    Decision,
    Evidence,
    Frozen,
    Release,
    StageResult,
    Step,
    UseCase,
    read_jsonl,
)
from components.core.keys import private_key
from components.governance import Registered, Registry, bundle_folder

from .bundle import export, reference_rows, sign


class Config(Frozen):
    """Settings of the deployment stage."""

    questions: int = Field(5, ge=1)
    """Questions of the test split that the endpoint must answer."""
    port: int | None = Field(None, ge=0, le=65535)
    """Port of the endpoint while it is tried: None the contract's, 0 any free one."""
    keep: bool = False
    """Leave the endpoint up (`ninefold stop` ends it)."""
    trace: bool = False
    """Write MLflow traces of what a kept endpoint is asked."""
    trial: bool = False
    """The run only tries things out: it takes the alias `candidate` from no version that was released in earnest."""
    docker: bool = True
    """Build and run an image where the contract wants one and a Docker engine answers."""
    target: Literal["local", "gpu"] = "local"
    """gpu: also write the vLLM deployment (merged weights, Compose, Kubernetes), and start it where a GPU engine answers."""


class Deployed(StageResult):
    """What was released, and where it was seen to run."""

    release: Release


def deploy(
    config: Config,
    *,
    contract: UseCase,
    candidate: Candidate,
    evidence: Evidence,
    dataset: Dataset,
    finalist: str,
    run_id: str,
    step: Step,
    card: str = "",
    decided_with: str = "",
) -> Deployed:
    """Serve `candidate` and ask it real questions, register it (alias `candidate`), build its image, and let the policy
    approve it where the risk tier is low.

    evidence: what the release was decided on; its answers become monitoring's reference window
    finalist: digest of the Candidate that won evaluation; `candidate` itself, or what it was optimised from
    card: path of the model card; `model_cards/<use case>/v<version>.md` where not given
    decided_with: digest of the contract and the profile
    Registered only after the endpoint has answered, so a Candidate that cannot be served leaves no version. Each effect
    goes through the ledger: a run that was killed goes on where it was.
    Raises MachineFault when the port is taken, or the endpoint does not start or gives an empty answer.
    """
    examples = read_jsonl(step.store.file(evidence.table))
    folder = bundle_folder(step.workspace, candidate.digest)
    reference = reference_rows(examples)
    bundle = export(candidate, step.store, folder, reference)
    signer = sign(candidate, bundle, reference)
    questions = [row.text for row in dataset.rows("test", step.store)][: config.questions]
    told = {example["text"]: example["answer"] for example in examples}
    asked = _try_endpoint(config, contract, candidate, bundle, questions, step, signer)
    same = sum(one.answer.strip() == told.get(one.question, "").strip() for one in asked)

    from .register import register

    name = contract.deployment.model_name
    registry = Registry(step.workspace)
    described = _described(contract, candidate, evidence, finalist, run_id, card, config.trial)
    described = described.model_copy(update={"signer": signer, "config": decided_with})
    version = register(registry, described, candidate, bundle, step.scratch)
    deployments, notes = _elsewhere(config, contract, candidate, bundle, questions, step)
    yields = registry.yields(version)
    approval = None if yields else governance.approved_by_policy(step.workspace, contract, version.version)
    if config.keep:
        port = _port(config, contract) or serving.free_port()
        serving.start(
            step.workspace, name, bundle, port, version=str(version.version), machine=step.machine,
            trace=config.trace, signer=signer,
        )  # fmt: skip
    release = Release(
        candidate=candidate,
        model_name=name,
        version=version.version,
        alias="champion" if approval else None if yields else "candidate",
        card=version.card,
        approval=approval,
        deployments=tuple(deployments),
        signer=signer,
    )
    reason = (
        f"{name} version {version.version} is registered; its endpoint answered {len(asked)} of {len(questions)} questions"
    )
    return Deployed(
        decision=Decision(verdict="adopt", reason=reason),
        metrics={"questions_answered": len(asked), "answers_as_measured": same, "version": version.version},
        objects=tuple(one["object"] for one in deployments if "object" in one),
        notes=(_standing(contract, approval, yields), _signed(signer), *notes),
        release=release,
    )


def _described(
    contract: UseCase, candidate: Candidate, evidence: Evidence, finalist: str, run_id: str, card: str, trial: bool
) -> Registered:
    """What the registry is told; the version's number is filled in when it is made."""
    return Registered(
        model=contract.deployment.model_name,
        version=0,
        use_case=contract.name,
        candidate=candidate.digest,
        evidence=evidence.digest,
        run_id=run_id,
        finalist=finalist,
        risk_tier=contract.risk_tier,
        port=contract.deployment.port,
        card=card,
        trial=trial,
        rules=contract.approvals,
    )


def _try_endpoint(
    config: Config,
    contract: UseCase,
    candidate: Candidate,
    bundle: Path,
    questions: list[str],
    step: Step,
    signer: str,
) -> list[serving.Asked]:
    """Start an endpoint for the test alone, ask it, stop it. Where the kept endpoint of this model holds the contract's
    port, a free port is used, so that what is live stays up."""
    name = contract.deployment.model_name
    kept = serving.status(step.workspace, name)
    port = _port(config, contract)
    port = serving.free_port() if port == 0 or (kept and kept.port == port) else port
    trial = f"{name}-trial"
    started = time.perf_counter()
    endpoint = serving.start(step.workspace, trial, bundle, port, model=name, machine=step.machine, signer=signer)
    try:
        step.measured["endpoint_ready_seconds"] = round(time.perf_counter() - started, 2)
        started = time.perf_counter()
        asked = serving.smoke_test(endpoint.url, questions, passages=_must_name_passages(candidate))
        step.measured["seconds_per_question"] = round((time.perf_counter() - started) / len(asked), 3)
        step.measured["asked"] = [one.model_dump(mode="json", exclude={"answer_id"}) for one in asked]
    finally:
        serving.stop(step.workspace, trial)
    return asked


def _elsewhere(
    config: Config, contract: UseCase, candidate: Candidate, bundle: Path, questions: list[str], step: Step
) -> tuple[list[dict[str, Any]], list[str]]:
    """The image and the GPU deployment: what was made ({"target": …} rows), and notes on what was not and why."""
    made: list[dict[str, Any]] = [{"target": "local", "port": contract.deployment.port, "questions": len(questions)}]
    notes: list[str] = []
    if config.docker and contract.deployment.docker:
        from .image import build_and_try

        image, note = build_and_try(contract.deployment.model_name, candidate, bundle, questions[0], step)
        made += [image] if image else []
        notes.append(note)
    if config.target == "gpu":
        from .gpu import write_gpu

        written, note = write_gpu(contract, candidate, step)
        made += [written] if written else []
        notes.append(note)
    return made, notes


def _must_name_passages(candidate: Candidate) -> bool:
    """Whether every answer comes from a passage: with BM25 alone a question may share no word with the base."""
    return candidate.retriever is not None and candidate.retriever.store is not None


def _port(config: Config, contract: UseCase) -> int:
    return contract.deployment.port if config.port is None else config.port


def _signed(signer: str) -> str:
    if signer:
        return f"the served folder is signed by key {signer}"
    return "the served folder is not signed: no key here; `ninefold keys init` makes one, and the next release is signed"


def _standing(contract: UseCase, approval: Approval | None, yields: bool) -> str:
    if yields:
        return "a trial: `candidate` stays with the version that was released in earnest"
    if approval:
        return f"champion by {approval.by}: {approval.reason}"
    if contract.risk_tier == "low" and private_key():
        return "a person has rejected this version, which no policy overrules: it stays `candidate`"
    if contract.risk_tier == "low":
        return "no signing key, so that no policy could approve it: `ninefold keys init`, then `ninefold approve`"
    return f"risk tier {contract.risk_tier}: it stays `candidate` until a person runs `ninefold approve`"
