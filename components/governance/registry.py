"""Registered versions and aliases: the ledger says what is so, MLflow's registry shows it.

What is registered is known from the ledger alone, without loading MLflow; only making versions and moving aliases asks it.
"""

import json
import secrets
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.core import (
    ApprovalRules,
    BadInput,
    Candidate,
    Frozen,
    Ledger,
    MachineFault,
    Workspace,
    digest_of,
    file_digest,
    read_candidate,
    short,
)
from components.core.code import ROOT

from .version_page import VersionPage, show

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

Alias = Literal["candidate", "champion", "previous"]
MARK = "ninefold.mark"
"""Tag of a version that says from which ledger it was made."""
ALIASES: tuple[Alias, ...] = ("candidate", "champion", "previous")


class Registered(Frozen):
    """One version of a registered model."""

    model: str
    version: int
    use_case: str
    candidate: str
    """Digest of the Candidate."""
    evidence: str
    """Digest of the Evidence that the release was decided on."""
    run_id: str = ""
    finalist: str = ""
    """Digest of the Candidate that won evaluation: the released one itself, or what optimisation made that from."""
    card: str = ""
    risk_tier: str = ""
    trial: bool = False
    """Whether a profile that only tries things out released it."""
    port: int = 8000
    signer: str = ""
    """Name of the key that signed the bundle when it was released; empty: released unsigned."""
    config: str = ""
    """Digest of the contract and the profile that it was decided with."""
    rules: ApprovalRules = ApprovalRules()
    """Who may approve it, by that contract."""
    record: str = ""
    """Digest of the record of its card as the run wrote it; empty until then."""
    description: str = ""
    """What MLflow's page says of it; empty until the card is written."""
    page: str = ""
    """Digest of all that MLflow's page shows of it (`VersionPage`); empty until the card is written."""

    def bundle(self, workspace: Workspace) -> Path:
        """The folder with what is served."""
        return bundle_folder(workspace, self.candidate)

    @property
    def tags(self) -> dict[str, str]:
        """What a reader of the registry asks for."""
        return {
            "ninefold.candidate": self.candidate,
            "ninefold.evidence": self.evidence,
            "ninefold.card": self.card,
            "ninefold.use_case": self.use_case,
            "ninefold.run_id": self.run_id,
            "ninefold.risk_tier": self.risk_tier,
        }


class Covered(Frozen):
    """What an approval covers, by digest: when one of these changes, it ends."""

    candidate: str
    evidence: str
    config: str
    card: str
    """SHA-256 of the card's Markdown; empty where there is no card of this Candidate."""
    tier: str
    """Risk tier of the contract."""
    rules: str
    """Digest of the contract's rules on who may approve."""


class Registry:
    """The model registry of one workspace: what it did on the MLflow that is set now (`MLFLOW_TRACKING_URI`)."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.ledger = Ledger(workspace.ledger)
        self._where = workspace.tracking_digest[:12]

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's client; loading it takes about two seconds. Raises Damaged where the workspace's own database is."""
        from components.core.tracking import follow_move, quiet_client

        follow_move(self.workspace)
        return quiet_client(self.workspace.tracking_uri)

    def models(self) -> list[str]:
        """Names of the models that were registered from here."""
        return sorted({json.loads(effect["detail"])["model"] for effect in self._done("describe")})

    def versions(self, model: str) -> list[Registered]:
        """Every version of `model` that was registered from here, oldest first, each as it was last described."""
        described: dict[int, Registered] = {}
        for effect in self._done("describe"):
            version = Registered.model_validate_json(effect["detail"])
            if version.model == model:
                described[version.version] = version
        return [described[number] for number in sorted(described)]

    def version_of(self, model: str, candidate: str, make: Callable[[str], int]) -> int:
        """The version of `model` that holds the Candidate with this digest; `make(mark)` registers it where there is none.

        One version a digest: a version that was made while the reply got lost is found by its tag `ninefold.mark`, which
        `make` must set to `mark` in the request that makes the version. Whoever does not read this ledger cannot guess it,
        so that no version is taken for ours that was made elsewhere.
        """
        mark = self.mark(model, candidate)
        return int(
            self.ledger.once(
                "register",
                f"register:{self._where}:{model}:{candidate}",
                find=lambda: self._find(model, mark),
                do=lambda: make(mark),
                detail={"model": model, "candidate": candidate},
            )
        )

    def mark(self, model: str, candidate: str) -> str:
        """What this ledger's version of a Candidate is tagged with in MLflow (`MARK`)."""
        secret = self.ledger.once("secret", "secret:mark", find=lambda: None, do=lambda: secrets.token_hex(16))
        return digest_of([secret, model, candidate])

    def made(self, model: str) -> set[int]:
        """Numbers of the versions of `model` that were made from here, described or not."""
        done = [(json.loads(effect["detail"]), effect["outcome"]) for effect in self._done("register")]
        return {int(json.loads(number)) for detail, number in done if detail["model"] == model}

    def half_made(self, model: str) -> set[str]:
        """Marks of the versions of `model` whose making was interrupted."""
        begun = [effect for effect in self.ledger.effects("register") if not effect["done_at"]]
        details = [json.loads(effect["detail"]) for effect in begun]
        return {self.mark(model, detail["candidate"]) for detail in details if detail["model"] == model}

    def describe(self, version: Registered, page: VersionPage | None = None) -> None:
        """Tag a version with what a reader of the registry asks for: card, evidence, use case, run, risk tier; and, where
        `page` is given, show that."""

        def tag() -> bool:
            if page:
                from components.core.tracking import Tracking

                show(Tracking(self.workspace, version.use_case), version, page)
            self._tag(version)
            return True

        key = f"describe:{self._where}:{version.model}:{version.version}:{version.digest}"
        if version not in self.versions(version.model):
            self.ledger.forget(key)  # it was so once, and became another: the last description is the one that holds
        self.ledger.once("describe", key, find=lambda: None, do=tag, detail=version.model_dump(mode="json"))

    def publish(self, model: str, version: int, record: str, page: VersionPage) -> None:
        """Keep with a version the digest of its card's record, and show `page` in MLflow, once for each content: the card is
        written after the version is made."""
        now = {"record": record, "description": page.description, "page": page.digest}
        for described in self.versions(model):
            if described.version == version and described != (shown := described.model_copy(update=now)):
                self.describe(shown, page)

    def holder(self, model: str, alias: Alias) -> int | None:
        """The version that `alias` points at, by the ledger; None when it was never set."""
        moves = [json.loads(effect["detail"]) for effect in self._done("alias")]
        held = [move["version"] for move in moves if (move["model"], move["alias"]) == (model, alias)]
        return held[-1] if held else None

    def yields(self, version: Registered) -> bool:
        """Whether `version` is a trial and the alias `candidate` is held by one that is not."""
        held = self.holder(version.model, "candidate")
        return version.trial and any(one.version == held and not one.trial for one in self.versions(version.model))

    def move(self, model: str, alias: Alias, version: int) -> None:
        """Point `alias` at `version`. Moving it where it is changes nothing; each move is one effect of the ledger.
        `champion` is moved by `approve.promote` alone, which asks for the approval."""
        if self.holder(model, alias) != version:
            self._point(model, alias, version)

    def begun(self, model: str, alias: Alias) -> int | None:
        """The version that a move of `alias` was on its way to when it was interrupted, else None."""
        moves = self._moves(model, alias)
        key = f"{moves}{self._count(moves)}:"
        waiting = [effect["detail"] for effect in self.ledger.effects("alias") if effect["key"].startswith(key)]
        return json.loads(waiting[-1])["version"] if waiting else None

    def reassert(self, model: str) -> None:
        """Put MLflow's aliases and tags back to what the ledger says, where somebody changed them there."""
        aliases = {alias: int(held) for alias, held in self.client.get_registered_model(model).aliases.items()}
        for alias in ALIASES:
            held = self.holder(model, alias)
            if held is not None and aliases.get(alias) != held:
                self._point(model, alias, held)
            elif held is None and alias in aliases:
                self.client.delete_registered_model_alias(model, alias)
        there = {int(one.version): one for one in self.client.search_model_versions(f"name = '{model}'")}
        for version in self.versions(model):
            shown = there.get(version.version)
            if shown and edited(version, shown):
                self._tag(version)

    def _point(self, model: str, alias: Alias, version: int) -> None:
        moves = self._moves(model, alias)
        detail = {"model": model, "alias": alias, "version": version}

        def point() -> int:
            self.client.set_registered_model_alias(model, alias, str(version))
            return version

        self.ledger.once("alias", f"{moves}{self._count(moves)}:{version}", find=lambda: None, do=point, detail=detail)

    def _moves(self, model: str, alias: Alias) -> str:
        return f"alias:{self._where}:{model}@{alias}:"

    def _count(self, moves: str) -> int:
        return sum(effect["key"].startswith(moves) for effect in self._done("alias"))

    def _tag(self, version: Registered) -> None:
        for key, value in version.tags.items():
            self.client.set_model_version_tag(version.model, str(version.version), key, value)
        if version.description:
            self.client.update_model_version(version.model, str(version.version), version.description)

    def withdraw(self, version: Registered) -> tuple[Alias, ...]:
        """Take a version out of the registry for good, since what it holds must go: its aliases point nowhere (they are
        returned), MLflow deletes it, and its Candidate may be registered anew. The ledger keeps that it was there."""
        held = tuple(alias for alias in ALIASES if self.holder(version.model, alias) == version.version)
        detail: dict[str, object] = {"model": version.model, "version": version.version, "aliases": list(held)}
        key = f"withdraw:{self._where}:{version.model}:{version.version}"
        self.ledger.once("withdraw", key, find=lambda: None, do=lambda: self._delete(version, held), detail=detail)
        for alias in held:
            moves = self._moves(version.model, alias)
            nowhere = {"model": version.model, "alias": alias, "version": None}
            self.ledger.once(
                "alias", f"{moves}{self._count(moves)}:none", find=lambda: None, do=lambda: "none", detail=nowhere
            )
        self.ledger.forget(f"register:{self._where}:{version.model}:{version.candidate}")
        return held

    def _delete(self, version: Registered, aliases: tuple[Alias, ...]) -> bool:
        """Delete the version, its aliases and its logged model from MLflow, whatever of them is still there."""
        model, number = version.model, str(version.version)
        there = [one for one in self.client.search_model_versions(f"name = '{model}'") if str(one.version) == number]
        for alias in aliases if there else ():
            self.client.delete_registered_model_alias(model, alias)
        for one in there:
            logged = str(one.source or "").removeprefix("models:/")
            self.client.delete_model_version(model, number)
            if logged.startswith("m-"):
                self.client.delete_logged_model(logged)
        return True

    def withdrawn(self, model: str) -> set[int]:
        """Numbers of the versions of `model` that were taken out."""
        details = [json.loads(effect["detail"]) for effect in self._done("withdraw")]
        return {detail["version"] for detail in details if detail["model"] == model}

    def _done(self, kind: str) -> list[dict[str, str]]:
        """Effects of one kind that have happened on this MLflow, oldest first."""
        here = [effect for effect in self.ledger.effects(kind) if effect["key"].startswith(f"{kind}:{self._where}:")]
        return [effect for effect in here if effect["done_at"]]

    def _find(self, model: str, mark: str) -> int | None:
        marked = self.client.search_model_versions(f"name = '{model}' and tags.`{MARK}` = '{mark}'")
        return min((int(version.version) for version in marked), default=None)


def edited(version: Registered, shown: "ModelVersion") -> list[str]:
    """What MLflow shows of a version in other words than it was described with: names of tags, `description`."""
    names = sorted(name for name, value in version.tags.items() if shown.tags.get(name) != value)
    return [*names, *(["description"] if version.description and shown.description != version.description else [])]


def registered(workspace: Workspace, model: str, which: int | Alias | None = None) -> Registered:
    """A registered version, by number, by alias, or (None) the champion, and the candidate where there is no champion.

    Raises BadInput naming what there is when it is not registered.
    """
    registry = Registry(workspace)
    versions = {version.version: version for version in registry.versions(model)}
    if not versions:
        raise BadInput(f"model '{model}' is not registered in {workspace.root}: `ninefold run` registers it")
    if which is None:
        which = registry.holder(model, "champion") or registry.holder(model, "candidate") or max(versions)
    number = which if isinstance(which, int) else registry.holder(model, which)
    if number not in versions:
        raise BadInput(
            f"model '{model}' has no version '{which}'; there are {', '.join(map(str, versions))}, and the aliases "
            + (", ".join(f"{alias} (version {held})" for alias, held in _aliases(registry, model).items()) or "none")
        )
    return versions[number]


def bundle_folder(workspace: Workspace, candidate: str) -> Path:
    """Where the bundle of the Candidate with this digest lies."""
    return workspace.serving / "bundles" / candidate


def card_file(workspace: Workspace, version: Registered) -> Path | None:
    """The card of a version: in the workspace (trials), else in the project; None where it is not, or speaks of another
    Candidate."""
    for path in (workspace.root / version.card, ROOT / version.card):
        if version.card and path.is_file() and short(version.candidate) in path.read_text(encoding="utf-8"):
            return path
    return None


def covered(workspace: Workspace, version: Registered) -> Covered:
    """What an approval of `version` covers, as it is now."""
    card = card_file(workspace, version)
    return Covered(
        candidate=version.candidate,
        evidence=version.evidence,
        config=version.config,
        card=file_digest(card) if card else "",
        tier=version.risk_tier,
        rules=version.rules.digest,
    )


def candidate_in(workspace: Workspace, version: Registered) -> Candidate:
    """The Candidate of a version's bundle; raises MachineFault when it is gone or is another one, BadInput when another
    Ninefold described it."""
    path = bundle_folder(workspace, version.candidate) / "candidate.json"
    if not path.is_file():
        raise MachineFault(f"{path.parent}: the bundle of a registered version is gone; run the deployment stage again")
    candidate = read_candidate(path, f"{version.model} version {version.version}")
    if candidate.digest != version.candidate:
        raise MachineFault(f"{path}: holds Candidate {candidate.digest}, not the one that was registered")
    return candidate


def _aliases(registry: Registry, model: str) -> dict[str, int]:
    return {name: held for name in ALIASES if (held := registry.holder(model, name))}
