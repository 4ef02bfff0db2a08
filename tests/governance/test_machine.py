"""Thousands of steps in any order on the real record and ledger (ten with `make test-all`): nothing becomes champion without
an approval that stands, by a clock that went back, or with a folder that is not what was signed.

The registry behind them is a small one of this file, which counts every move; the same machine runs a few steps on MLflow.
"""

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from components.core import BadInput, GateRefused, MachineFault, Workspace, ledger, publish_json
from components.core.keys import key_id
from components.core.signature import sign_bundle
from components.core.tracking import quiet_client
from components.governance import (
    Approvals,
    Registered,
    Registry,
    approvals,
    approve,
    correct_clock,
    covered,
    promote,
    registered,
    reject,
    rollback,
)
from components.governance import standing as standing_approval
from tests.governance.conftest import described, plain_card
from tests.serving.bundles import candidate

PEOPLE = st.sampled_from(["ada", "grace", "lin"])
VERSIONS = st.sampled_from([1, 2])
DAYS = 90
SIGNED = 2
"""The version whose folder is signed."""
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Deaths are exceptions here, so that nothing needs a disk: syncing one takes most of the time."""


class Target:
    """A registry of versions, tags and aliases; `moves` has every champion that was set."""

    def __init__(self, versions: dict[int, dict[str, str]]) -> None:
        self.versions, self.aliases, self.moves = versions, {}, []

    def set_registered_model_alias(self, model: str, alias: str, version: str) -> None:
        self.aliases[alias] = version
        if alias == "champion":
            self.moves.append(int(version))

    def delete_registered_model_alias(self, model: str, alias: str) -> None:
        del self.aliases[alias]

    def set_model_version_tag(self, model: str, version: str, key: str, value: str) -> None:
        self.versions[int(version)][key] = value

    def get_registered_model(self, model: str) -> SimpleNamespace:
        return SimpleNamespace(aliases=self.aliases)

    def search_model_versions(self, query: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(version=number, tags=tags) for number, tags in self.versions.items()]


class Watched:
    """MLflow's own client, with the moves of champion that went through it."""

    def __init__(self, client: Any) -> None:
        self.client, self.moves = client, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def set_registered_model_alias(self, model: str, alias: str, version: str) -> None:
        self.client.set_registered_model_alias(model, alias, version)
        if alias == "champion":
            self.moves.append(int(version))


class Machine(RuleBasedStateMachine):
    """Steps on two versions, and beside them a plain account of who approved what, which never reads the record."""

    steps = 0
    promotions = 0

    @initialize(tier=st.sampled_from(["medium", "high"]))
    def begin(self, tier: str) -> None:
        self.patch = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        for clock in (approvals, ledger):
            self.patch.setattr(clock, "now", lambda: self.now.isoformat(timespec="milliseconds"))
        self.workspace = Workspace(Path(self.folder.name))
        # Another process has them open, as a page or a monitor would: SQLite then need not fold its log at every close.
        self.open = [sqlite3.connect(self.workspace.root / name) for name in ("ledger.db", "approvals.db")]
        for database in self.open:
            database.execute("pragma journal_mode = wal").fetchall()
            database.execute("select count(*) from sqlite_master").fetchall()
        self.tier = tier
        self.target: Any = self.registry()
        self.patch.setattr(Registry, "client", self.target)
        for number, below in ((1, 0.1), (2, 0.2)):
            chosen = candidate(self.workspace.store, Path(self.folder.name), below)
            publish_json(self.workspace.serving / "bundles" / chosen.digest / "candidate.json", chosen)
            version = described(number, chosen.digest, tier)
            if number == SIGNED:
                self.served = self.workspace.serving / "bundles" / chosen.digest / "reference.json"
                self.served.write_text("[]")
                sign_bundle(self.served.parent)
                version = version.model_copy(update={"signer": key_id()})
            self.describe(version.model_copy(update={"version": number, "card": f"cards/v{number}.md"}))
            plain_card(self.workspace, registered(self.workspace, "desk", number), "0")
        self.said: dict[int, dict[str, tuple[str, datetime]]] = {1: {}, 2: {}}
        self.seen = 0
        self.changed = False

    def registry(self) -> Any:
        return Target({1: {}, 2: {}})

    def describe(self, version: Registered) -> None:
        Registry(self.workspace).describe(version)

    def version(self, number: int) -> Registered:
        return registered(self.workspace, "desk", number)

    def approved(self, number: int, in_time: bool = True) -> bool:
        """By the plain account: as many people as the tier asks for approved exactly this, lately enough."""
        now = covered(self.workspace, self.version(number)).digest
        good = [
            person
            for person, (what, at) in self.said[number].items()
            if what == now and (not in_time or self.now < at + timedelta(days=DAYS))
        ]
        whole = number != SIGNED or not self.changed or not in_time
        return whole and len(good) >= (2 if self.tier == "high" else 1)

    @rule(number=VERSIONS, by=PEOPLE, cut=st.sampled_from(["", "", "", "previous", "champion", "after"]))
    def approve(self, number: int, by: str, cut: str) -> None:
        what = covered(self.workspace, self.version(number)).digest
        before = self.said[number].get(by)
        fresh = before and before[0] == what and self.now < before[1] + timedelta(days=DAYS)
        if number == SIGNED and self.changed:
            with pytest.raises(GateRefused, match="signature"):
                approve(self.workspace, "desk", number, by, "reads well")
            return
        with self.power_cut(cut):
            approve(self.workspace, "desk", number, by, "reads well")
        if not fresh:
            self.said[number][by] = (what, self.now)
        if not cut and self.approved(number):
            assert self.shown() == number, "an approval that suffices makes champion"

    @rule(number=VERSIONS)
    def second_person(self, number: int) -> None:
        """Two people, one after the other: enough in every tier."""
        self.change_the_folder(False)
        self.approve(number, "ada", "")
        self.approve(number, "grace", "")
        assert self.shown() == number

    @rule(number=VERSIONS, by=PEOPLE)
    def reject(self, number: int, by: str) -> None:
        reject(self.workspace, "desk", number, by, "does not hold")
        self.said[number] = {}

    @rule(number=VERSIONS, evidence=st.sampled_from(["a", "b"]))
    def change_evidence(self, number: int, evidence: str) -> None:
        self.describe(self.version(number).model_copy(update={"evidence": evidence}))

    @rule(number=VERSIONS, config=st.sampled_from(["a", "b"]))
    def change_config(self, number: int, config: str) -> None:
        self.describe(self.version(number).model_copy(update={"config": config}))

    @rule(number=VERSIONS, text=st.sampled_from(["0", "1"]))
    def change_card(self, number: int, text: str) -> None:
        plain_card(self.workspace, self.version(number), text)

    @rule(days=st.sampled_from([1, 40, 100]))
    def pass_time(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(changed=st.booleans())
    def change_the_folder(self, changed: bool) -> None:
        """One byte of what is served."""
        self.served.write_text("[ " if changed else "[]")
        self.changed = changed

    @rule(number=VERSIONS, by=PEOPLE, days=st.sampled_from([1, 50]))
    def set_the_clock_back(self, number: int, by: str, days: int) -> None:
        """Nothing is recorded or promoted by it, and it is set right again."""
        now, before = self.now, self.shown()
        self.now = datetime.fromisoformat(Approvals(self.workspace).latest()) - timedelta(days=days)
        whole = number != SIGNED or not self.changed
        asked: list[Callable[[], Any]] = [
            lambda: reject(self.workspace, "desk", number, by, "does not hold"),
            lambda: promote(self.workspace, self.version(number)),
            *([lambda: approve(self.workspace, "desk", number, by, "reads well")] if whole else []),
        ]
        for what in asked:
            with pytest.raises((MachineFault, GateRefused), match=r"the clock went back"):
                what()
        assert self.shown() == before
        self.now = now

    @rule(by=PEOPLE)
    def correct_the_clock(self, by: str) -> None:
        """It had run ahead: what was approved until then is served on, and promotes nothing."""
        self.now = datetime.fromisoformat(Approvals(self.workspace).latest()) - timedelta(days=50)
        correct_clock(self.workspace, by, "the battery was flat")
        for said in self.said.values():
            said.update({person: (what, NEVER) for person, (what, _) in said.items()})

    @rule(number=VERSIONS, cut=st.sampled_from(["", "", "previous", "champion", "after"]))
    def promote(self, number: int, cut: str) -> None:
        try:
            with self.power_cut(cut):
                promote(self.workspace, self.version(number))
        except GateRefused:
            assert not self.approved(number), "what is approved is not refused"
        else:
            assert self.approved(number), "an unapproved promotion was not refused"

    @rule(by=PEOPLE, cut=st.sampled_from(["", "", "previous", "champion", "after"]))
    def roll_back(self, by: str, cut: str) -> None:
        try:
            with self.power_cut(cut):
                rollback(self.workspace, "desk", by, "go back")
        except (BadInput, GateRefused):
            return

    @rule(number=VERSIONS)
    def restart(self, number: int) -> None:
        """What `ninefold serve` asks of the champion: expiry does not count."""
        stands = standing_approval(self.workspace, self.version(number)) is not None
        assert stands == self.approved(number, in_time=False)

    @rule(alias=st.sampled_from(["champion", "previous"]), number=VERSIONS)
    def behind_our_back(self, alias: str, number: int) -> None:
        before = self.shown()
        if isinstance(self.target, Watched):
            self.target.client.set_registered_model_alias("desk", alias, str(number))
        else:
            self.target.aliases[alias] = str(number)
        assert self.shown() == before, "it is not followed"

    @invariant()
    def every_move_was_approved(self) -> None:
        Machine.steps += 1
        for number in self.target.moves[self.seen :]:
            assert self.approved(number), f"version {number} became champion without an approval that stands"
            Machine.promotions += 1
        self.seen = len(self.target.moves)

    def shown(self) -> int | None:
        return Registry(self.workspace).holder("desk", "champion")

    def power_cut(self, where: str) -> "Cut":
        """The process dies before an alias moves, or once it has moved and before the ledger knows."""
        return Cut(where)

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()
            for database in self.open:
                database.close()
            self.folder.cleanup()


class OnMlflow(Machine):
    """The same on MLflow with SQLite, whose database with the two versions is made once: an empty one takes a second."""

    made: bytes = b""

    def registry(self) -> Watched:
        path = self.workspace.root / "mlflow.db"
        if OnMlflow.made:
            path.write_bytes(OnMlflow.made)
        client = quiet_client(self.workspace.tracking_uri)
        if not OnMlflow.made:
            client.create_registered_model("desk")
            for _ in range(2):
                client.create_model_version("desk", "file:///nowhere")
            with closing(sqlite3.connect(path)) as database:
                OnMlflow.made = database.serialize()
        return Watched(client)


class Died(BaseException):
    """The process is gone."""


class Cut:
    """Inside it the process dies at `where`; outside it has been started anew."""

    def __init__(self, where: str) -> None:
        self.where, self.patch = where, pytest.MonkeyPatch()

    def __enter__(self) -> None:
        where, point = self.where, Registry._point

        def die(self: Registry, model: str, alias: str, version: int) -> None:
            if alias == where:
                raise Died
            if where == "after" and alias == "champion":
                self.client.set_registered_model_alias(model, alias, str(version))
                raise Died
            point(self, model, alias, version)

        if where:
            self.patch.setattr(Registry, "_point", die)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.patch.undo()
        return kind is Died


def ran(machine: type[Machine], examples: int, steps: int) -> tuple[int, int]:
    """Steps done and promotions seen. No shrinking: it would take minutes, and a failure is shown with all its steps."""
    Machine.steps = Machine.promotions = 0
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None,
            suppress_health_check=[*HealthCheck], phases=[Phase.generate],
        ),
    )  # fmt: skip
    return Machine.steps - examples, Machine.promotions  # each example begins with a look before its first step


@pytest.mark.slow
@pytest.mark.parametrize("thousands", [2, pytest.param(10, marks=pytest.mark.long)])
def test_thousands_of_steps_bring_no_unapproved_promotion(thousands: int) -> None:
    steps, promotions = ran(Machine, 12 * thousands, 100)
    assert steps >= 1000 * thousands
    assert promotions >= 40 * thousands, "and approved ones happen"


def test_neither_do_steps_on_mlflow() -> None:
    steps, promotions = ran(OnMlflow, 12, 20)
    assert steps >= 100
    assert promotions >= 3
