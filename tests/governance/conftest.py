"""A real registry: MLflow on SQLite, model versions that hold real bundles."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.cards import write_card
from components.core import ApprovalRules, Workspace, publish_text
from components.core.keys import make_keys
from components.deployment.bundle import export
from components.deployment.register import register
from components.governance import Registered, Registry, candidate_in
from tests.cards import record as sample
from tests.serving.bundles import candidate


@pytest.fixture(scope="module", autouse=True)
def keys(tmp_path_factory):
    """The operator's key pair, for what these tests sign."""
    with keys_in(tmp_path_factory.mktemp("keys")):
        yield


@contextmanager
def keys_in(folder: Path) -> Iterator[None]:
    """A new key pair in `folder` is the operator's in this block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NINEFOLD_KEYS", str(folder))
        make_keys()
        yield


def described(number: int, digest: str, tier: str = "medium", rules: ApprovalRules | None = None) -> Registered:
    """A version of the model `desk`, as the deployment stage describes it."""
    return Registered(
        model="desk", version=0, use_case="desk_case", candidate=digest, evidence=f"evidence-{number}",
        config=f"config-{number}", risk_tier=tier, rules=rules or ApprovalRules(),
    )  # fmt: skip


def plain_card(workspace: Workspace, version: Registered, text: str = "read me") -> Path:
    """The card of a version, which names its Candidate as every card does."""
    path = workspace.root / version.card
    publish_text(path, f"# card of {version.candidate[:12]}\n{text}\n")
    return path


def real_card(workspace: Workspace, version: Registered, **contract: object) -> Path:
    """The card of a version as a run writes it, with all that lies beside it; `contract` replaces what its contract says."""
    said = sample.record().use_case | {"name": version.use_case, "risk_tier": version.risk_tier}
    said |= {"approvals": version.rules.model_dump(mode="json"), **contract}
    model = {"name": version.model, "version": version.version, "alias": "candidate"}
    record = sample.record(use_case=said, model=model, candidate=candidate_in(workspace, version))
    return write_card(record, workspace.root / "model_cards")


def two_versions(home: Path) -> Workspace:
    """Two versions of the model `desk`, with cards: abstaining below 0.1 and below 0.2."""
    workspace = Workspace(home / "home")
    for number, below in enumerate((0.1, 0.2), 1):
        folder = home / str(number)
        folder.mkdir()
        chosen = candidate(workspace.store, folder, below)
        bundle = export(chosen, workspace.store, workspace.serving / "bundles" / chosen.digest, [])
        made = register(Registry(workspace), described(number, chosen.digest), chosen, bundle, folder)
        assert made.version == number
        plain_card(workspace, made)
    return workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """The folder of `two_versions`, made once; tests take copies."""
    return two_versions(tmp_path_factory.mktemp("registry")).root


@pytest.fixture
def workspace(made, tmp_path) -> Workspace:
    """A copy of it that a test may change (MLflow's artifacts stay where they were made; nothing here reads them)."""
    shutil.copytree(made, tmp_path / "home")
    return Workspace(tmp_path / "home")
