"""Every change of a signed folder, another key and another release's signature, at promotion and where a server starts.

The changes are those of `tests/serving/test_signature.py`. What promotes is the product's own code on its record and ledger,
in front of the registry that `tests/governance/test_machine.py` keeps: nothing that is refused reaches MLflow.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bench.safety import Cases, Tries

PROMISE = "Signed models"
TRIES = {
    "promotion": Tries("changed folders that become champion", 0, 3),
    "serving": Tries("changed folders over which a server starts", 0, 3),
}


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Cases]]:
    import pytest

    from components.core import GateRefused, NinefoldError, Workspace
    from components.core.keys import key_id, make_keys
    from components.core.signature import SIGNATURE
    from components.deployment.bundle import export, sign
    from components.governance import Registered, Registry, approve, promote, registered
    from components.serving import free_port, start, status
    from tests.governance.conftest import described, keys_in, plain_card
    from tests.governance.test_machine import Target
    from tests.serving.bundles import candidate
    from tests.serving.test_signature import CHANGES, released

    places = count()

    def another_key(bundle: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NINEFOLD_KEYS", str(bundle.parent / "other_keys"))
            make_keys()
            shutil.copy(released(bundle.parent / "theirs", below=0.1) / SIGNATURE, bundle / SIGNATURE)

    def another_release(bundle: Path) -> None:
        shutil.copy(released(bundle.parent / "other", below=0.5) / SIGNATURE, bundle / SIGNATURE)

    changes: dict[str, Callable[[Path], object]] = CHANGES | {
        "the signature of another key": another_key,
        "the signature of another release": another_release,
    }

    @contextmanager
    def release() -> Iterator[tuple[Workspace, Registered]]:
        """A registered version with its card, whose folder is signed; two people must approve it."""
        own = folder / str(next(places))
        workspace = Workspace(own / "home")
        chosen = candidate(workspace.store, own, 0.1)
        bundle = export(chosen, workspace.store, workspace.serving / "bundles" / chosen.digest, [])
        sign(chosen, bundle, [])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Registry, "client", Target({1: {}}))
            said = {"version": 1, "card": "cards/v1.md", "signer": key_id()}
            Registry(workspace).describe(described(1, chosen.digest, "high").model_copy(update=said))
            plain_card(workspace, registered(workspace, "desk", 1))
            yield workspace, registered(workspace, "desk", 1)
        shutil.rmtree(own)

    def promotion(change: str) -> None:
        with release() as (workspace, version):
            approve(workspace, "desk", 1, "ada", "reads well")
            changes[change](version.bundle(workspace))
            with pytest.raises(NinefoldError):
                approve(workspace, "desk", 1, "grace", "reads well")
            with pytest.raises(NinefoldError):
                promote(workspace, version)
            assert Registry(workspace).holder("desk", "champion") is None

    def serving(change: str) -> None:
        with release() as (workspace, version):
            bundle = version.bundle(workspace)
            changes[change](bundle)
            with pytest.raises(GateRefused):
                start(workspace, "desk", bundle, free_port(), signer=version.signer)
            assert status(workspace, "desk") is None

    with keys_in(folder / "keys"):
        yield {"promotion": Cases(list(changes), promotion), "serving": Cases(list(changes), serving)}
