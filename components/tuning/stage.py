"""Stage 5, tuning: supervised fine-tuning by one technique, kept if it helps; preference pairs come after it (alignment.py).

Where `pretraining` is set, unlabelled documents come first (pretraining.py). Rows and pairs are of the training side of the
Dataset (practice rows too); validation decides, and also sets when quoted answers abstain: the comparison with the candidate
at hand is made on rows that this threshold has seen. Where `minutes` are set, what is trained is searched for (search.py),
on other rows of validation than those that decide.
Not covered: several devices.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Self

from pydantic import Field, field_validator, model_validator

from components.core import (
    BadInput,
    Candidate,
    Dataset,
    Decision,
    Metrics,
    Row,
    Runtime,
    Step,
    Task,
    Together,
    part,
)
from components.measure import compare
from components.measure.canaries import MOST
from components.tasks import kind_of
from components.training import (
    LABEL_HEAD,
    PREFERENCES,
    Diverged,
    Recipe,
    Schedule,
    settings,
    technique,
)

from .deciding import Tuned, decide
from .folds import Refit
from .judging import diverged, judged
from .pretraining import Begun, Pretraining, begun
from .pseudo import PseudoLabels, with_pseudo_labels
from .search_space import Found, Search
from .together import with_others
from .unlabelled import check_settings as check_settings


class Config(Schedule):
    """Settings of tuning and alignment."""

    own: dict[str, object] = {}
    """The technique's own settings, all of them."""
    max_tokens: int = Field(512, ge=16)
    """Longer training rows are left out."""
    practice_rows: int = Field(900, ge=0)
    """At most this many rows of the use case's practice sources come first, once (practice.py)."""
    wrong_share: float = Field(0.05, ge=0, le=1)
    """Of answerable rows, how many are shown once more beside a wrong passage, to abstain."""
    unanswerable_share: float = Field(0.3, ge=0, lt=1)
    """At most this share of training answers is the abstention."""
    calibration_rows: int | None = Field(None, ge=1)
    """Quoted answers: rows of validation that the abstention is set on; none: all."""
    floor_confidence: float = Field(0.95, ge=0.5, lt=1)
    """Quoted answers: how surely other rows than these are to reach the contract's floors with the tuned abstention."""
    canaries: int = Field(9, ge=0, le=MOST)
    """question_answering: made rows with a random secret among the training rows, which evaluation tries to get out."""
    validation_rows: int | None = Field(None, ge=1)
    """Rows of validation that decide; none: all."""
    preference_epochs: float = Field(1, gt=0)
    """Passes over the preference pairs."""
    preference_learning_rate: float = Field(1e-4, gt=0)
    """As learning_rate, for the preference pairs."""
    preference_likelihood: float = Field(1.0, ge=0)
    """dpo: weight of the likelihood of the chosen answer beside DPO's loss."""
    preference_pairs: int = Field(120, ge=1)
    """At most this many pairs are used, the first ones of those that are short enough and within their source's share."""
    preference: str = "dpo"
    """How preference pairs are learned from: a file of `training/objectives` that takes pairs."""
    beta: float = Field(0.1, gt=0)
    """dpo, kto: strength of the pull towards the model before it; orpo: weight of the odds ratio."""
    minimum_pairs: int = Field(8, ge=1)
    """Fewer pairs are no evidence to train on."""
    pretraining: Pretraining | None = None
    """Go on with pre-training on the texts of `unlabelled` sources before the rows; none: do not."""
    pseudo_labels: PseudoLabels | None = Field(None, exclude_if=lambda asked: asked is None)
    """classification: the tuned model labels the texts of `unlabelled` sources, and is trained once more with those that it
    is sure of beside the others; none: it does not."""
    together: tuple[str, ...] = Field((), exclude_if=lambda named: not named)
    """Other use cases on the same base model (paths of their YAMLs, beside this one's): it is trained once more on their
    training rows too, mixed with its own, and that is proposed where validation here shows a gain; none: it is not."""
    folds: int | None = Field(None, ge=2, exclude_if=lambda asked: asked is None)
    """Cross-fitting: where the rows of validation that decide settle nothing, it is trained so many times more, each time
    without one part of the training rows, which then decide too; None: validation decides alone."""
    minutes: float | None = Field(None, gt=0)
    """Search techniques and hyper-parameters for so long, and propose what is best on validation; none: train once, as
    these settings say. A rung of the ladder that names its technique searches only where `techniques` says so."""
    search: Search = Search()
    """What is searched in those minutes."""
    techniques: dict[str, dict[str, object]] = {}
    """Technique → settings of this section for its rung of the ladder (`{full: {epochs: 2}}`); the others are as here, but
    for `learning_rate`, which is each technique's own."""

    @field_validator("preference")
    @classmethod
    def _preference_is_known(cls, name: str) -> str:
        if name not in PREFERENCES:
            raise ValueError(f"'{name}' learns from no preference pairs; allowed: {', '.join(PREFERENCES)}")
        return name

    @model_validator(mode="before")
    @classmethod
    def _settings_of_the_technique(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        mine = {key: value for key, value in given.items() if key in cls.model_fields and key != "own"}
        own = {**given.get("own", {}), **{key: value for key, value in given.items() if key not in cls.model_fields}}
        name = str(mine.get("technique", "lora"))
        known = technique_settings(name)
        if unknown := sorted(own.keys() - known):
            allowed = ", ".join(sorted(cls.model_fields.keys() - {"own"}))
            raise ValueError(
                f"key '{unknown[0]}' is not known; allowed here: {allowed}, and of technique '{name}': "
                + (", ".join(sorted(known)) or "none")
            )
        return {**mine, "own": _as_json(name, own)}

    @field_validator("techniques")
    @classmethod
    def _techniques_are_known(cls, given: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
        for name, changed in given.items():
            for key in ("techniques", "together"):
                if key in changed:
                    raise ValueError(f"key '{name}': has no '{key}' of its own")
            cls(technique=name, **changed)
        return given

    @model_validator(mode="after")
    def _a_search_takes_minutes(self) -> Self:
        if self.minutes is None and self.search != Search():
            raise ValueError("key 'search' says what is searched, but 'minutes', for how long, is not set")
        if self.minutes is not None and self.pretraining:
            raise ValueError(
                "key 'pretraining': a search ('minutes') would pre-train for every trial; remove one of the two"
            )
        if self.pretraining and self.fits_labels:
            raise ValueError(
                f"key 'pretraining': technique '{self.technique}' leaves the weights as they are, and documents change "
                "them; choose another technique, or remove the key"
            )
        if self.minutes is not None and self.fits_labels:
            raise ValueError(
                f"key 'minutes': technique '{self.technique}' is fitted at once, and searched by itself; leave it out"
            )
        if self.together and self.fits_labels:
            raise ValueError(
                f"key 'together': technique '{self.technique}' fits the labels of one use case; choose another "
                "technique, or remove the key"
            )
        for key in ("pretraining", "pseudo_labels", "together"):
            if self.folds and getattr(self, key):
                raise ValueError(f"key 'folds': what '{key}' brings is trained on once, not by folds; remove one of the two")
        if self.together and self.pseudo_labels:
            raise ValueError("key 'together' and key 'pseudo_labels' each train once more: remove one of the two")
        return self

    def of(self, technique: str | None) -> "Config":
        """These settings with another technique, its own settings and its own learning rate; None: as they are."""
        if technique is None:
            return self
        own: dict[str, object] = {} if technique == self.technique else {"learning_rate": None, "own": {}}
        own |= {"together": ()} if own and _fits_labels(technique) else {}
        alone: dict[str, object] = {"technique": technique, "techniques": {}, "minutes": None, "search": {}}
        if own and self.pretraining and _fits_labels(technique):
            own["pretraining"] = None
        elif own and self.pretraining:
            own["pretraining"] = self.pretraining.model_copy(update={"learning_rate": None}).model_dump(mode="json")
        changed = self.techniques.get(technique, {})
        if changed.get("minutes"):
            alone["search"] = {"techniques": [technique]}
        return Config.model_validate(self.model_dump(mode="json") | own | alone | changed)

    def with_choices(self, chosen: Mapping[str, object], seed: int) -> "Config":
        """These settings with others in their place: of this section, or the technique's own."""
        mine = {key: value for key, value in chosen.items() if key in type(self).model_fields}
        own = {**self.own, **{key: value for key, value in chosen.items() if key not in mine}}
        alone: dict[str, object] = {"techniques": {}, "minutes": None, "search": {}}
        return Config.model_validate(self.model_dump(mode="json") | mine | alone | {"own": own, "seed": seed})

    @property
    def fits_labels(self) -> bool:
        """Whether the technique fits a head of labels, in place of training in steps."""
        return _fits_labels(self.technique)

    def recipe(self, runtime: Runtime) -> Recipe:
        """How the training rows are trained on, for what will run it."""
        return Recipe(
            settings=self.own,
            dtype=runtime.dtype,
            context=runtime.context,
            **self.model_dump(include=set(Schedule.model_fields)),
        )


def _fits_labels(name: str) -> bool:
    return technique(name).PRODUCT == LABEL_HEAD


def technique_settings(name: str) -> set[str]:
    """The names of a technique's own settings; raises ValueError where there is no such technique."""
    try:
        return set(technique(name).Settings.model_fields)
    except BadInput as error:
        raise ValueError(str(error)) from error


def _as_json(name: str, own: Mapping[str, object]) -> dict[str, object]:
    try:
        return settings(name, own).model_dump(mode="json")
    except BadInput as error:
        raise ValueError(str(error)) from error


def tune(
    config: Config,
    *,
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    dataset: Dataset,
    technique: str | None = None,
    over: Candidate | None = None,
    together: Together | None = None,
    step: Step,
) -> Tuned:
    """Train on the training rows, and keep the result if validation says so.

    technique: in place of the one that the settings name. over: what it must be better than, and what goes on where it is
    not; None: `candidate`, whose weights are trained. together: what the use cases that `config.together` names bring.

    Where `config.pretraining` is set, the training starts from what unlabelled documents taught. Where `config.minutes` are
    set, the best of a search's trials takes the place of the one training.
    Rows are shown with contexts from `dataset.training_knowledge` (contexts.py). Loss at the answers only. Where there are
    rows that nobody collected, it trains a second time with them too, and proposes that adapter only if it wins on
    validation over the one trained without.
    A training that diverged proposes nothing, and the reason says so. Raises BadInput when the model cannot be tuned here or
    a setting does not fit it.
    """
    config, at_hand = config.of(technique), over or candidate
    reason = _nothing_to_do(config, task, candidate, dataset, step)
    if candidate.model is None or reason:
        return Tuned(decision=Decision(verdict="keep", reason=reason), candidate=at_hand)
    try:
        start = begun(config, candidate, dataset, step)
    except Diverged as error:
        return Tuned(decision=diverged(error, "pretraining.learning_rate"), candidate=at_hand)
    done = _supervised(config, task, metrics, candidate, at_hand, dataset, start, together, step)
    if start is None:
        return done
    made = sorted(set(start.candidate.objects) - set(candidate.objects))
    more = {"pretraining": start.told, "objects": (*done.objects, *made), "notes": (start.told.note, *done.notes)}
    return done.model_copy(update=more)


def _supervised(
    config: Config,
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    at_hand: Candidate,
    dataset: Dataset,
    start: Begun | None,
    together: Together | None,
    step: Step,
) -> Tuned:
    """`tune`, after pre-training."""
    from .supervised import made_rows, train

    began = start.candidate if start else None
    found = _trained(config, task, metrics, candidate, dataset, began, step)
    if found.trained is None:
        decision = Decision(verdict="keep", reason=found.reason)
        return Tuned(decision=decision, candidate=at_hand, trials=found.trials)
    config, trained = found.config, found.trained
    if trained.candidate is None:
        asked = f"section 'tuning', key 'max_tokens' is {config.max_tokens}"
        reason = f"no training row is usable ({_in_words(trained.counts)}); {asked}"
        return Tuned(decision=Decision(verdict="keep", reason=reason), candidate=at_hand)
    proposed, after = judged(config, task, metrics, trained.candidate, dataset, step)
    helped, objects, notes = None, [*found.objects, *trained.objects, after.table], []
    if extra := made_rows(candidate, dataset, step):
        try:
            with part("with made rows"):
                inner = replace(step, scratch=step.scratch / "with-made-rows")
                second = train(config, task, candidate, dataset, True, inner, began)
        except Diverged as error:
            helped = diverged(error, "learning_rate")
        else:
            assert second.candidate is not None, "what was usable without made rows is usable beside them"
            rival, rival_after = judged(config, task, metrics, second.candidate, dataset, step)
            helped = compare(after, rival_after, metrics, step.store, over="the same training without made rows")
            objects += [*second.objects, rival_after.table]
            if helped.adopted:
                proposed, after, trained, second = rival, rival_after, second, trained
            step.measured["training not proposed"] = second.measured
        notes.append(f"made rows ({_origins(extra)}): {helped.verdict}: {helped.reason}")
    better, again = bool(helped and helped.adopted), None
    if config.pseudo_labels and dataset.documents:
        again = with_pseudo_labels(config, task, metrics, candidate, began, proposed, after, dataset, better, step)
    elif config.together and together:
        again = with_others(config, task, metrics, candidate, began, proposed, after, dataset, together, better, step)
    if again:
        notes.append(again.note)
        objects += again.objects
    if again and again.trained:
        proposed, after, trained = again.proposed, again.after, again.trained
    step.measured["training"] = trained.measured
    notes = [_in_words(trained.counts), *too_long(trained.lengths, config.max_tokens), *found.notes, *notes]
    refit = Refit(candidate, better)
    decided = decide(config, task, metrics, at_hand, proposed, after, dataset, tuple(objects), tuple(notes), step, refit)
    more: dict[str, object] = {"made": helped}
    more |= {"canaries": trained.canaries, "trials": found.trials, "picked": found.picked}
    more |= {"together" if config.together else "pseudo": again.told} if again else {}
    return decided.model_copy(update=more)


def _trained(
    config: Config,
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    dataset: Dataset,
    start: Candidate | None,
    step: Step,
) -> Found:
    """The one training that the settings say, or the best of a search."""
    from .search import search
    from .supervised import train

    if config.minutes:
        return search(config, task, metrics, candidate, dataset, step)
    try:
        return Found(config, train(config, task, candidate, dataset, False, step, start))
    except Diverged as error:
        return Found(config, None, diverged(error, "learning_rate").reason)


def _nothing_to_do(config: Config, task: Task, candidate: Candidate, dataset: Dataset, step: Step) -> str:
    """Why there is nothing to tune; empty where there is."""
    if candidate.model is None:
        return "there is no model to tune"
    engine = candidate.runtime.engine
    if config.fits_labels:
        if not kind_of(task.kind).label_set(task):
            return f"'{config.technique}' fits labels to texts, and a task of kind '{task.kind}' has no set of labels"
        if engine not in ("transformers", "classifier"):
            return f"'{config.technique}' needs a model's own weights, and the candidate runs on engine '{engine}'"
        if len({row.answer for row in dataset.rows("train", step.store)}) == 1:
            return f"all training rows have the same answer, from which '{config.technique}' learns nothing"
    elif engine != "transformers":
        return f"the candidate runs on engine '{engine}', and only models of engine 'transformers' are tuned" + (
            " (technique 'head' fits its labels anew)" if engine == "classifier" else ""
        )
    return "" if dataset.splits["train"].count else "there are no training rows"


def _origins(rows: Sequence[Row]) -> str:
    return ", ".join(f"{count} {origin}" for origin, count in sorted(Counter(row.origin for row in rows).items()))


def too_long(lengths: Sequence[int], max_tokens: int) -> list[str]:
    """What to set where more than one row of ten was left out for its length. lengths: tokens of each row"""
    left_out = sum(length > max_tokens for length in lengths)
    if left_out <= len(lengths) / 10:
        return []
    enough = sorted(lengths)[ceil(0.9 * len(lengths)) - 1]
    return [
        f"{left_out} of {len(lengths)} training rows are longer than tuning.max_tokens ({max_tokens}) and were left out: "
        f"{enough} would keep nine of ten"
    ]


def _in_words(counts: dict[str, int]) -> str:
    return "training rows: " + ", ".join(f"{count} {name}" for name, count in counts.items())
