"""Registrations whose reply gets lost, and runs that are started twice at once.

A reply is lost at a random request that changes MLflow: what was asked for is done, and the caller gets an error. The
registration is then repeated as a run repeats it. Real MLflow on SQLite, with real bundles. A run is started twice,
within ten seconds, by two processes of `ninefold run` in one workspace whose last stages are to be done.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.safety import Tries, Try
from components.core import Workspace

if TYPE_CHECKING:
    from components.governance import Registered
    from tests.conftest import Finished

PROMISE = "One version, one alias move, one deployment"
TRIES = {
    "dropped replies": Tries(
        "registrations with a lost reply that leave another number than one of versions or moves", 100, 2
    ),
    "double starts": Tries("double starts of a run in which not exactly one goes on, or a step is done twice", 50, 0),
}
CHANGES = ("create_", "set_", "log_", "finalize_", "update_", "register_")
REPLIES = 12
"""Requests of a registration that change something, about."""


class Lost(Exception):
    """The reply."""


class Losing:
    """MLflow's client, of which the reply to the n-th request that changes something is lost."""

    def __init__(self, client: Any, left: list[int]) -> None:
        self._client, self._left = client, left

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if not name.startswith(CHANGES):
            return real

        def call(*given: Any, **more: Any) -> Any:
            result = real(*given, **more)
            self._left[0] -= 1
            if self._left[0] == 0:
                raise Lost(name)
            return result

        return call


@contextmanager
def ready(folder: Path, finished: "Callable[[], Finished]") -> Iterator[dict[str, Try]]:
    from tests.governance.conftest import keys_in

    places = count()
    workspace = Workspace(folder / "home")

    def dropped(number: int) -> None:
        own = folder / f"registration-{next(places)}"
        own.mkdir()
        _register_with_a_lost_reply(workspace, own, number)

    def doubled(number: int) -> None:
        _start_twice(folder / f"run-{next(places)}", finished(), random.Random(number).uniform(0, 10))

    with keys_in(folder / "keys"):
        yield {"dropped replies": dropped, "double starts": doubled}


def _register_with_a_lost_reply(workspace: Workspace, own: Path, number: int) -> None:
    import pytest

    from components.core import tracking
    from components.deployment.bundle import export
    from components.deployment.register import DIGEST, register
    from components.governance import Registry
    from tests.governance.conftest import described
    from tests.serving.bundles import candidate

    chosen = candidate(workspace.store, own, 0.001 * (number + 1))
    bundle = export(chosen, workspace.store, workspace.serving / "bundles" / chosen.digest, [])
    quiet: Callable[[str], Any] = tracking.quiet_client

    def registered() -> "Registered":
        return register(Registry(workspace), described(number, chosen.digest), chosen, bundle, own)

    with pytest.MonkeyPatch.context() as patch:
        lost, left = "no reply", [random.Random(number).randint(1, REPLIES)]
        patch.setattr(tracking, "quiet_client", lambda uri: Losing(quiet(uri), left))
        try:
            registered()
        except Lost as reply:
            lost = str(reply)
    version = registered()
    client, ledger = quiet(workspace.tracking_uri), Registry(workspace).ledger
    there = [one for one in client.search_model_versions("name = 'desk'") if one.tags.get(DIGEST) == chosen.digest]
    assert [int(one.version) for one in there] == [version.version], f"{len(there)} versions, {lost} was lost"
    moves = [one for one in ledger.effects("alias") if f'"version": {version.version}}}' in one["detail"]]
    assert len(moves) == 1, f"{len(moves)} moves of the alias, {lost} was lost"
    assert int(client.get_model_version_by_alias("desk", "candidate").version) == version.version


def _start_twice(folder: Path, finished: "Finished", apart: float) -> None:
    """The second run finds the workspace in use, or the first one's work done; whichever it is, all is there once."""
    from bench.safety import runs

    home = runs.before_effects(finished, folder / "home")
    with runs.prefect(folder / "server") as servers:
        first = runs.started(home, servers)
        time.sleep(apart)
        second = runs.started(home, servers)
        codes = sorted(one.ended(900).returncode for one in (first, second))
        assert codes in ([0, 0], [0, 3]), f"exit codes {codes}"
        runs.ended_as(finished, home, servers)
