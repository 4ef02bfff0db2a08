"""Stage 9: put the Candidate onto its targets and ask it there, then register it; what it may become (`champion`) is for
governance. The card is written by `components.cards`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, model_validator

from components import governance, serving
from components.core import (
    Approval,
    Candidate,
    Dataset,
    Decision,
    Evidence,
    Example,
    Frozen,
    MachineFault,
    Release,
    StageResult,
    Step,
    UseCase,
    read_jsonl,
)
from components.core.code import ROOT
from components.core.keys import private_key
from components.governance import Registered, Registry, bundle_folder

from .bundle import export, reference_rows, sign
from .targets import Delivery, chosen, target
from .targets import check as check_targets


class Config(Frozen):
    """Settings of the deployment stage."""

    questions: int = Field(5, ge=1)
    """Questions of the test split that each target must answer."""
    port: int | None = Field(None, ge=0, le=65535)
    """Port of the endpoint while it is tried: None the contract's, 0 any free one."""
    keep: bool = False
    """Leave the endpoint up (`ninefold stop` ends it)."""
    trace: bool = False
    """Write MLflow traces of what a kept endpoint is asked."""
    trial: bool = False
    """The run only tries things out: it takes the alias `candidate` from no version that was released in earnest."""
    targets: tuple[str, ...] = ()
    """Where the release goes: files of `targets/`. Those of the contract where none is named."""

    @model_validator(mode="before")
    @classmethod
    def _old_words_name_the_new(cls, given: object) -> object:
        if isinstance(given, dict) and given.keys() & {"docker", "target"}:
            words = [
                "endpoint",
                *(["docker"] if given.get("docker") else ()),
                *(["vllm"] if given.get("target") == "gpu" else ()),
            ]
            raise ValueError(
                "'docker' and 'target' are now 'targets', and 'local' is 'endpoint', 'gpu' is 'vllm': "
                f"write `targets: [{', '.join(words)}]`"
            )
        return given


def check_settings(config: Config, contract: UseCase) -> None:
    """Raise BadInput for a word that names no target, MissingPackage where one cannot be deployed from here."""
    check_targets(config.targets, contract)


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
    run: Path,
    step: Step,
    cards: Path | None = None,
    decided_with: str = "",
    asked: str = "",
) -> Deployed:
    """Put `candidate` onto its targets and ask it real questions there, register it (alias `candidate`), and let the policy
    approve it where the risk tier is low.

    evidence: what the release was decided on; its answers become monitoring's reference window
    finalist: digest of the Candidate that won evaluation; `candidate` itself, or what it was optimised from
    run: folder of the run, whose name the registry keeps; a place: a later run of the same content releases nothing anew
    asked: digest of what the run was asked, which names this step: with another MLflow, or a text forgotten since, it does
    cards: folder of the model cards, a place; `model_cards/` of workspace or project where not given. The registry keeps the
        card's path below the workspace, with `..` where it lies beside it
    decided_with: digest of the contract and the profile
    Registered only after it has answered, so a Candidate that cannot be served leaves no version. Each effect goes through
    the ledger: a run that was killed goes on where it was.
    Raises MachineFault when a target does not start or gives an empty answer, or when none could be asked here.
    """
    examples: list[Example] = read_jsonl(step.store.file(evidence.table))
    folder = bundle_folder(step.workspace, candidate.digest)
    reference = reference_rows(examples)
    bundle = export(candidate, step.store, folder, reference)
    signer = sign(candidate, bundle, reference)
    questions = [row.text for row in dataset.rows("test", step.store)][: config.questions]
    told = {example["text"]: example["answer"] for example in examples}
    port = contract.deployment.port if config.port is None else config.port
    there = _deliver(chosen(config.targets, contract), Delivery(contract, candidate, bundle, signer, port, step), questions)
    same = sum(one.answer.strip() == told.get(one.question, "").strip() for one in there.asked)
    step.measured["asked"] = [one.model_dump(mode="json", exclude={"answer_id"}) for one in there.asked]

    from .register import register

    name = contract.deployment.model_name
    registry = Registry(step.workspace)
    usual = cards in (None, ROOT / "model_cards", step.workspace.root / "model_cards")
    beside = "model_cards" if usual or cards is None else os.path.relpath(cards, step.workspace.root)
    described = _described(contract, candidate, evidence, finalist, run.name, beside, config.trial)
    described = described.model_copy(update={"signer": signer, "config": decided_with})
    version = register(registry, described, candidate, bundle, step.scratch)
    yields = registry.yields(version)
    approval = None if yields else governance.approved_by_policy(step.workspace, contract, version.version)
    if config.keep:
        serving.start(
            step.workspace, name, bundle, port or serving.free_port(), version=str(version.version), machine=step.machine,
            trace=config.trace, signer=signer,
        )  # fmt: skip
    release = Release(
        candidate=candidate,
        model_name=name,
        version=version.version,
        alias="champion" if approval else None if yields else "candidate",
        card=version.card,
        approval=approval,
        deployments=tuple(there.rows),
        signer=signer,
    )
    reason = (
        f"{name} version {version.version} is registered; its {there.by} answered {len(there.asked)} of {len(questions)} "
        "questions"
    )
    return Deployed(
        decision=Decision(verdict="adopt", reason=reason),
        metrics={"questions_answered": len(there.asked), "answers_as_measured": same, "version": version.version},
        objects=tuple(one["object"] for one in there.rows if "object" in one),
        notes=(_standing(contract, approval, yields), _signed(signer), *there.notes),
        release=release,
    )


def _described(
    contract: UseCase, candidate: Candidate, evidence: Evidence, finalist: str, run_id: str, cards: str, trial: bool
) -> Registered:
    """What the registry is told; the version's number, which names its card in `cards`, is filled in when it is made."""
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
        card=cards,
        trial=trial,
        rules=contract.approvals,
    )


@dataclass
class _Delivered:
    """What became of the targets."""

    rows: list[dict[str, object]] = field(default_factory=list)
    """{"target": its word, "questions": how many it answered, and what else it says of itself}."""
    notes: list[str] = field(default_factory=list)
    by: str = ""
    """The first target that answered."""
    asked: list[serving.Asked] = field(default_factory=list)
    """Its answers."""


def _deliver(words: Sequence[str], delivery: Delivery, questions: list[str]) -> _Delivered:
    """Deploy to each target and ask it; what does not stay is removed again."""
    there = _Delivered()
    for word in words:
        place = target(word)
        row, note = place.deploy(delivery)
        there.notes += [note] if note else []
        if row is None:
            continue
        try:
            asked, note = place.ask(delivery, row, questions)
        finally:
            if not place.STAYS:
                place.remove(delivery, row)
        there.notes += [note] if note else []
        there.rows.append({"target": word, **row, "questions": len(asked)})
        if asked and not there.asked:
            there.by, there.asked = word, asked
    if not there.asked:
        raise MachineFault(
            f"deployment.targets: {', '.join(words)}: none could be asked here, and what has not answered is not released "
            f"({'; '.join(there.notes)}). Add 'endpoint'"
        )
    return there


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
