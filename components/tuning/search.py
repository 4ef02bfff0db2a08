"""Choice within a budget: trials of techniques and hyper-parameters for so many minutes; the best one is proposed.

Optuna's TPE (Bergstra et al. 2011) draws the settings of a trial, after each technique was tried as its own settings say.
A trial is trained for a ninth of a whole training, then a third, then all of it, each with a whole schedule of learning
rates, and goes on only while it is among the best third of those that came as far (asynchronous successive halving, Li et
al. 2020, arXiv:1810.05934, Optuna's SuccessiveHalvingPruner). The first trial goes through whatever it costs: it is what
would have been trained without a search, and what it took says whether another fits into the time that is left.

The winner is the best of many on the rows it was picked on, so its figure there is too good. The search therefore reads
rows of validation that the decision does not (`halves`): the paired comparison with the candidate at hand, and the ladder's
where its `validation_rows` is the same, is on rows that no trial was picked by. Where the abstention of quoted answers is
set, all of validation is read, as without a search.

The study is in memory; what outlives a kill is each training's seal (trial.py). The sampler is seeded by the trial's number,
and the clock counts the seconds in the seals, so that a killed search draws the same trials again and goes on where it was.
Optuna's own storages keep a killed trial as running for ever. More minutes later go on from the trials that there are.
Not covered: several trials at once; memory that the operating system takes back by killing the process.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.core import Candidate, Dataset, Metrics, Split, Step, Task, report, write_jsonl
from components.measure import rank
from components.training import Trial, technique

from .search_space import AROUND, SCHEDULED, Found
from .supervised import Supervised
from .trial import Timed, outcome

if TYPE_CHECKING:
    import optuna

    from .stage import Config

GROWTH, RUNGS = 3, 3
"""Each training of a trial is so many times as long as the one before; there are so many."""
AT_RANDOM = 6
"""Trials before the sampler models them; each technique's own settings are the first ones."""


def halves(config: "Config", validation: Split) -> tuple[int, int]:
    """(how many first rows of validation decide, how many of the next ones the search reads): `validation_rows`, or half of
    all where that leaves fewer."""
    decide = min(config.validation_rows or validation.count, -(-validation.count // 2))
    return decide, min(decide, validation.count - decide)


def search(config: "Config", task: Task, metrics: Metrics, candidate: Candidate, dataset: Dataset, step: Step) -> Found:
    """Try settings for `config.minutes`; the first trial always ends."""
    decide, more = halves(config, dataset.splits["validation"])
    if not more:
        return Found(config, None, f"a search needs two rows of validation: there is {decide}. Leave out tuning.minutes")
    path = step.scratch / "search.jsonl"
    step.scratch.mkdir(parents=True, exist_ok=True)
    write_jsonl(
        path, [row.model_dump(mode="json") for row in dataset.rows("validation", step.store)[decide : decide + more]]
    )
    rows = Split(name="validation of the search", object=step.store.put(path), count=more)
    seen = dataset.model_copy(update={"splits": {**dataset.splits, "validation": rows}})
    one = _Search(config, task, metrics, candidate, seen, step)
    while one.goes_on():
        one.tries()
    step.measured["trials"] = [{"number": number, "seconds": spent} for number, spent in one.seconds.items()]
    trials, objects = tuple(one.trials), (rows.object, *(trial.evidence for trial in one.trials if trial.evidence))
    if one.unusable:
        return Found(config, one.unusable)
    if (best := one.best) is None:
        said = (f"trial {trial.number} ({trial.technique}) {trial.reason or trial.verdict}" for trial in trials)
        reason = (
            f"no trial of the search finished: {'; '.join(said)}. Lower tuning.search.learning_rate, or set smaller choices"
        )
        return Found(config, None, reason, trials)
    decided = one.configs[best].model_copy(update={"validation_rows": decide})
    verdicts = ", ".join(f"{count} {said}" for said, count in Counter(trial.verdict for trial in trials).items())
    note = (
        f"trials of the search: {len(trials)} ({verdicts}) on {more} rows of validation; taken: trial {best} "
        f"({decided.technique}); decided on {decide} other rows"
    )
    return Found(decided, _supervised(one.whole[best]), "", trials, best, objects, (note,))


def _supervised(timed: Timed) -> Supervised:
    found = timed.outcome
    return Supervised(found.trained, found.objects, dict(found.counts), timed.training, found.canaries)


@dataclass
class _Search:
    """A search as far as it came. Trials are known by their number."""

    config: "Config"
    task: Task
    metrics: Metrics
    candidate: Candidate
    dataset: Dataset
    step: Step
    trials: list[Trial] = field(default_factory=list)
    seconds: dict[int, float] = field(default_factory=dict)
    configs: dict[int, "Config"] = field(default_factory=dict)
    whole: dict[int, Timed] = field(default_factory=dict)
    """The whole training of each trial that came so far."""
    rungs: list[list[float]] = field(default_factory=list)
    """Seconds of the trainings of each trial."""
    unusable: Supervised | None = None
    """What a training without a usable row gave: no other one finds any."""

    def __post_init__(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        halving = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=GROWTH)
        self.study = optuna.create_study(direction="maximize", pruner=halving)
        names = self.config.search.techniques
        for name in sorted(names, key=lambda name: name != self.config.technique):  # stable: the configured one first
            self.study.enqueue_trial(self._start(name))

    @property
    def left(self) -> float:
        """Seconds."""
        return 60 * (self.config.minutes or 0) - sum(self.seconds.values())

    @property
    def best(self) -> int | None:
        """The first of the best among the trials that finished; None: there is none."""
        evidence = {number: timed.outcome.evidence for number, timed in self.whole.items()}
        ranked = {number: rank(one, self.metrics) for number, one in evidence.items() if one}
        return max(ranked, key=lambda number: ranked[number]) if ranked else None

    def goes_on(self) -> bool:
        """Whether the shortest training of another trial fits into the time: it takes at most what those before took."""
        return not self.unusable and (not self.trials or self.left >= max(one[0] for one in self.rungs if one))

    def tries(self) -> None:
        """One trial."""
        import optuna

        number = len(self.trials)
        self.study.sampler = optuna.samplers.TPESampler(seed=self.config.seed + number, n_startup_trials=AT_RANDOM)
        drawn = self.study.ask()
        config, chosen = self._drawn(drawn)
        self.configs[number], self.seconds[number] = config, 0.0
        self.rungs.append([])
        trial = Trial(
            number=number,
            technique=config.technique,
            settings=chosen,
            seed=config.seed,
            share=0.0,
            steps=0,
            verdict="finished",
        )
        trial = self._climbs(trial, config, drawn)
        value = self._value(number)
        if trial.verdict == "finished" and value is not None:
            self.study.tell(drawn, value)
        else:  # the sampler takes it as worse than those that came further
            self.study.tell(drawn, state=optuna.trial.TrialState.PRUNED)
        self.trials.append(trial)

    def _climbs(self, trial: Trial, config: "Config", drawn: "optuna.Trial") -> Trial:
        """`trial` with what its trainings gave: longer ones while it is good enough, and there is time."""
        for rung in range(RUNGS):
            if trial.number and self.left < self._expected(trial.number, rung):
                return trial.model_copy(update={"verdict": "out of time"})
            report("searching", round(sum(self.seconds.values())), round(60 * (self.config.minutes or 0)))
            share = float(GROWTH) ** (rung + 1 - RUNGS)
            timed = outcome(
                _part(config, share), trial.number, rung, self.task, self.metrics, self.candidate, self.dataset, self.step
            )
            self.seconds[trial.number] = round(self.seconds[trial.number] + timed.seconds, 2)
            self.rungs[trial.number].append(timed.seconds)
            found = timed.outcome
            if found.verdict == "no usable row":
                self.unusable = _supervised(timed)
            update = {"share": round(share, 4), "steps": found.steps, "verdict": found.verdict, "reason": found.reason}
            if found.evidence is None:
                return trial.model_copy(update=update)
            figure = found.evidence.metrics.get(self.metrics.primary)
            trial = trial.model_copy(update={**update, "figure": figure, "evidence": found.evidence.table})
            if rung == RUNGS - 1:
                self.whole[trial.number] = timed
                return trial
            drawn.report(_worth(timed, self.metrics), step=GROWTH**rung)
            if drawn.should_prune() and trial.number:  # asked of the first too: the others are held against it
                return trial.model_copy(update={"verdict": "pruned"})
        raise AssertionError("the last training returns")

    def _value(self, number: int) -> float | None:
        return _worth(self.whole[number], self.metrics) if number in self.whole else None

    def _expected(self, number: int, rung: int) -> float:
        """Seconds of a trial's next training: as many times its last one as it was for the first trial; the shortest one as
        that of the first."""
        first, own = self.rungs[0], self.rungs[number]
        if rung == 0 or len(first) <= rung:
            return first[0] if rung == 0 else GROWTH * own[-1]
        return own[-1] * first[rung] / max(first[rung - 1], 0.01)

    def _start(self, name: str) -> dict[str, object]:
        """What Optuna is told to try first of a technique: its settings as they are, as far as they are in the space."""
        config = self.config.of(name)
        there = {**config.model_dump(include=set(SCHEDULED)), **config.own}
        low, high = self._rates(name)
        start: dict[str, object] = {"technique": name}
        if low <= (rate := _rate(config)) <= high:
            start[f"{name}.learning_rate"] = rate
        return start | {
            f"{name}.{key}": there[key] for key, values in self.config.search.of(name).items() if there[key] in values
        }

    def _rates(self, name: str) -> tuple[float, float]:
        rate = _rate(self.config.of(name))
        return self.config.search.learning_rate or (rate / AROUND, rate * AROUND)

    def _drawn(self, drawn: "optuna.Trial") -> tuple["Config", dict[str, object]]:
        """(the settings of a trial, those that were chosen)"""
        name = drawn.suggest_categorical("technique", list(self.config.search.techniques))
        rate = drawn.suggest_float(f"{name}.learning_rate", *self._rates(name), log=True)
        chosen: dict[str, object] = {"learning_rate": float(f"{rate:.3g}")}
        for key, values in self.config.search.of(name).items():
            chosen[key] = drawn.suggest_categorical(f"{name}.{key}", list(values))
        return self.config.of(name).with_choices(chosen, self.config.seed + drawn.number), chosen


def _worth(timed: Timed, metrics: Metrics) -> float:
    """The primary metric, less 1 for each floor that is missed: what `rank` orders by, as one number."""
    assert timed.outcome.evidence is not None, "it finished"
    floors, value = rank(timed.outcome.evidence, metrics)
    return floors + value


def _rate(config: "Config") -> float:
    return config.learning_rate or technique(config.technique).LEARNING_RATE


def _part(config: "Config", share: float) -> "Config":
    """A training of `share` of the length."""
    less = {"epochs": config.epochs * share, "practice_rows": round(config.practice_rows * share)}
    return config.model_copy(update=less)
