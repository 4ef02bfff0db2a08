"""Work that is killed: `python -m bench.safety.victims <work> …`, in a process of its own, as rows start it.

    train TECHNIQUE BASE SCRATCH step NUMBER SECONDS   SIGKILL so many seconds after that step
    train TECHNIQUE BASE SCRATCH save NUMBER CALL      SIGKILL at that call to the disk inside the save of that number
    evaluate HOME                                      measure, until somebody kills it
    run BOUNDARY …                                     `ninefold run …`, SIGKILL at that boundary
    run --list FILE …                                  `ninefold run …`, every boundary that it passes is written down

Boundaries are before and after each effect of a run, and once more when the ledger has recorded it.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.safety.disk import CALLS
from components.core import Candidate, Dataset, Evidence, Row, Step
from tests.tuning.small import PLACES, TASK, new_step, put, small_candidate, small_dataset


def killed() -> None:
    """The end, as when the machine's memory has run out."""
    os.kill(os.getpid(), signal.SIGKILL)


def train(technique: str, base: str, scratch: str, where: str, number: str, when: str) -> None:
    """Train as `tests/training` does, and die at the place that was asked for."""
    from tests.training.test_techniques import train as trained

    if where == "step":
        _die_after_step(int(number), float(when))
    else:
        _die_inside_save(int(number), int(when))
    trained(technique, Path(base), Path(scratch))


def _die_after_step(number: int, seconds: float) -> None:
    from components.training.loop import Watch

    real = Watch.on_step_end

    def on_step_end(self: Watch, args: Any, state: Any, control: Any, **given: Any) -> None:
        real(self, args, state, control, **given)
        if state.global_step == number:
            threading.Timer(seconds, killed).start()

    Watch.on_step_end = on_step_end  # type: ignore[method-assign]


def _die_inside_save(number: int, call: int) -> None:
    from components.training.checkpoints import ResumableTrainer

    real, saves = ResumableTrainer.save, 0

    def save(self: ResumableTrainer, folder: Path) -> None:
        nonlocal saves
        saves += 1
        if saves == number:
            _die_at_call(call)
        real(self, folder)
        if saves == number:
            killed()

    ResumableTrainer.save = save  # type: ignore[method-assign]


def _die_at_call(number: int) -> None:
    """Die in the middle of the `number`-th call that touches the disk: once it was made, before it returns."""
    made = 0

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            nonlocal made
            made += 1
            result = real(*given, **more)
            if made == number:
                killed()
            return result

        return call

    for name in (*CALLS, "fsync"):
        setattr(os, name, around(getattr(os, name)))


QUESTIONS = 200
"""Seven durable points on the way."""


def world(home: Path) -> tuple[Candidate, Dataset, Step]:
    """The two-layer model on BM25, and 200 questions, in the workspace `home`."""
    step = new_step(home)
    dataset = small_dataset(step)
    asked = [
        Row(id=f"q{i}", text=f"when was fair {i} of {PLACES[i % 5]} opened", answer=str(1900 + i % 5), passage=f"p{i % 5}")
        for i in range(QUESTIONS)
    ]
    dataset = dataset.model_copy(update={"splits": {**dataset.splits, "test": put(step, "test", asked)}})
    return small_candidate(dataset, step), dataset, step


def evaluate(home: str) -> Evidence:
    """Measure `world`'s candidate on its test rows."""
    from components.application import answering
    from components.measure import measure

    candidate, dataset, step = world(Path(home))
    with answering(candidate, step.store, step.machine) as answer:
        return measure(candidate, answer, dataset.splits["test"], TASK, step)


def run(boundary: str, *command: str) -> None:
    """`ninefold run`, killed at `boundary` when it comes there first; `--list`: unharmed, each of them written to a file."""
    from flows.cli import main

    listed = Path(command[0]) if boundary == "--list" else None

    def passed(name: str) -> None:
        if listed:
            with listed.open("a") as file:
                file.write(f"{name}\n")
        elif name == boundary:
            killed()

    _tell_effects(passed)
    sys.argv = ["ninefold", "run", *(command[1:] if listed else command)]
    main()


def _tell_effects(passed: Callable[[str], None]) -> None:
    """Tell `passed` of each boundary: of what goes through the ledger, seals, MLflow's runs and prompts, the endpoint's
    process, cards."""
    from components import cards
    from components.core import Ledger, Store
    from components.core.tracking import Tracking
    from components.serving import endpoint

    once = Ledger.once

    def told(self: Ledger, kind: str, key: str, *, find: Any, do: Callable[[], Any], **more: Any) -> Any:
        outcome = once(self, kind, key, find=find, do=_told(do, lambda: kind, passed), **more)
        passed(f"{kind}: recorded")
        return outcome

    Ledger.once = told  # type: ignore[method-assign]
    around: list[tuple[Any, str, Callable[..., str]]] = [
        (Store, "seal", lambda self, seal: f"seal of {seal.name}"),
        (Tracking, "begin", lambda *given, **more: "MLflow run of the whole"),
        (Tracking, "stage", lambda self, parent, word, *given, **more: f"MLflow run of {word}"),
        (Tracking, "prompt", lambda self, name, prompt, alias: f"prompt {alias}"),
        (Tracking, "finish", lambda *given, **more: "end of the MLflow run"),
        (cards, "write_card", lambda *given, **more: "card"),
        (endpoint, "_spawn", lambda *given, **more: "endpoint"),
    ]
    for owner, name, called in around:
        setattr(owner, name, _told(getattr(owner, name), called, passed))


def _told(real: Callable[..., Any], called: Callable[..., str], passed: Callable[[str], None]) -> Callable[..., Any]:
    def call(*given: Any, **more: Any) -> Any:
        what = called(*given, **more)
        passed(f"{what}: before")
        result = real(*given, **more)
        passed(f"{what}: after")
        return result

    return call


if __name__ == "__main__":
    WORK: dict[str, Callable[..., object]] = {"train": train, "evaluate": evaluate, "run": run}
    WORK[sys.argv[1]](*sys.argv[2:])
