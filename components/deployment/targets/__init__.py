"""Deployment targets: where a release runs. One file each, found by listing this folder; `deployment.targets` of the
contract or of the profile names them.

A file defines

    PACKAGES: tuple[str, ...]
        Distributions that it needs on the machine that deploys. They are imported late; a missing one is answered with its
        install line.
    STAYS: bool
        Whether the deployment stays when the stage is done; where not, it is removed once it has answered.
    deploy(delivery) -> tuple[DeploymentRow | None, str]
        Puts the release there. The row for the Release (`object` in it: digest of an object in the store), None where it
        cannot be had on this machine; and a note, what was done or what lacks. A second call finds what the first one put
        there: never two of it.
    ask(delivery, row, questions) -> tuple[list[Asked], str]
        The Candidate's answers, in the order of the questions; none where it cannot run on this machine, or serves the model
        alone; and a note. What it starts for that it stops. Raises MachineFault where it should answer and does not.
    remove(delivery, row) -> None
        Takes it away; nothing there is no error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypedDict

from components.core import Candidate, Step, UseCase
from components.core.variants import known, require
from components.serving import Asked
from components.tasks import kind_of

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("PACKAGES", "STAYS", "deploy", "ask", "remove")
DEFAULT = ("endpoint", "docker")
"""Where neither contract nor profile names any."""


def names_passages(candidate: Candidate) -> bool:
    """Whether every answer comes from a passage: with BM25 alone a question may share no word with the base."""
    return candidate.retriever is not None and candidate.retriever.store is not None


@dataclass(frozen=True)
class Delivery:
    """What a target is handed: a Candidate as a bundle, and where it may build."""

    contract: UseCase
    candidate: Candidate
    bundle: Path
    """Folder of the exported bundle."""
    signer: str
    """Name of the key that signed the bundle; empty: not signed."""
    port: int
    """Port of a server that answers on this machine; 0: any free one."""
    step: Step

    @property
    def name(self) -> str:
        """The registered model's name."""
        return self.contract.deployment.model_name

    @property
    def names_passages(self) -> bool:
        """See the function of that name."""
        return names_passages(self.candidate)

    @property
    def turns(self) -> bool:
        """Whether what it is asked are conversations."""
        return kind_of(self.candidate.task).turns


class DeploymentRow(TypedDict, total=False):
    """Where a target put the release, as the Release shows it. Each target fills its own keys."""

    object: str
    """Digest of an object in the store."""
    image: str
    id: str
    base: str
    megabytes: int
    run: str
    """The command that runs it."""
    digest: str | None
    port: int


class Target(Protocol):
    """A file of this folder."""

    STAYS: bool

    def deploy(self, delivery: Delivery) -> tuple[DeploymentRow | None, str]: ...

    def ask(self, delivery: Delivery, row: DeploymentRow, questions: Sequence[str]) -> tuple[list[Asked], str]: ...

    def remove(self, delivery: Delivery, row: DeploymentRow) -> None: ...


def target(name: str, owner: str = "deployment") -> Target:
    """The module of the target `name`, which stands in `owner`. Raises BadInput where there is none, MissingPackage where it
    cannot deploy from here."""
    known(name, NAMES, "deployment.targets", owner)
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"target '{name}'")
    return module


def chosen(profile: Sequence[str], contract: UseCase) -> tuple[str, ...]:
    """The words of the targets, each once: the profile's where it names any, else the contract's, else the default."""
    return tuple(dict.fromkeys(tuple(profile) or contract.deployment.targets or DEFAULT))


def check(profile: Sequence[str], contract: UseCase) -> None:
    """Raise BadInput for a word that names no target, MissingPackage where one cannot be deployed from here."""
    owner = "profile" if profile else f"use case '{contract.name}'"
    for name in chosen(profile, contract):
        target(name, owner)
