"""Random sequences of twenty steps (approve, reject, change, expire, crash, promote, roll back …) on the real record and
ledger: hypothesis's state machine of `tests/governance/test_machine.py`, with a seed a call.

Not covered: MLflow behind it (the tests run some on it).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.safety import Tries, Try

PROMISE = "Approval"
SEQUENCES = 20
TRIES = {
    "promotion": Tries(
        "sequences of 20 steps with a promotion that no valid approval of that very digest covers",
        10_000,
        60,
        each=SEQUENCES,
    )
}


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    from hypothesis import HealthCheck, Phase, seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    from tests.governance.conftest import keys_in
    from tests.governance.test_machine import Machine

    steps = settings(
        max_examples=SEQUENCES, stateful_step_count=20, deadline=None, database=None, suppress_health_check=[*HealthCheck],
        phases=[Phase.generate],
    )  # fmt: skip

    def promotion(number: int) -> None:
        run_state_machine_as_test(seed(number)(type("Seeded", (Machine,), {})), settings=steps)

    with keys_in(folder / "keys"):
        yield {"promotion": promotion}
