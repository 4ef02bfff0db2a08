"""Stage 3, prompting: eight methods built from the contract's elements and training rows, compared by successive halving.

Elements beside the eight (principles/*.py) are then tried on the survivor, one after another (growing.py), and where a
search is asked for, other wordings and demonstrations of training rows (searching.py).
The survivor is compared with the candidate's own prompt, on the same rows, and adopted only if that comparison says so. What
the first rows of validation do not settle is looked at again on more of them, then on training rows too, but for those that
one of the two prompts shows (components/measure: looks.py, deciding.py). Methods with two turns cost two calls an
answer: the table says so. Registering the winner is an effect, so the flow does it (`candidate.prompt` holds the turns and
the eight elements). Not covered: the shorter prompt that tuning sets for itself.
"""

from pydantic import Field, field_validator, model_validator

from components.application.load import reading_refused
from components.application.reading import WAYS
from components.application.refinements import NAMES as REFINEMENTS
from components.core import (
    BadInput,
    Candidate,
    Dataset,
    Decision,
    Evidence,
    Frozen,
    Metrics,
    Prompt,
    Reading,
    Split,
    StageResult,
    Step,
    Task,
    UseCase,
    progress,
    read_jsonl,
    read_passages,
)
from components.measure import (
    LeftOut,
    compare,
    deciding_rows,
    examples,
    left_out,
    note_of_cut,
    settled,
    sizes_of_looks,
)
from components.tasks import tokens_of

from .drafts import Draft
from .elements import elements_of
from .examples import Solved, pick
from .growing import grow
from .halving import calls, halve, measured
from .methods import METHODS
from .principles import PRINCIPLES
from .refining import asked_again, settings_of
from .searching import Found, Search, Searched, check_writer, searched

MAY_BE_LEFT_OUT = ("task", "context", "examples", "persona", "format", "tone")

WHOLE = "whole"
"""The word for no way to read in parts."""


class Config(Frozen):
    """Settings of prompting."""

    methods: tuple[str, ...] = Field(
        ("chain_of_thought", "chaining", "few_shot", "hybrid", "iterative", "negative", "one_shot", "zero_shot"),
        min_length=1,
    )
    """Methods to try. They are named, so that a new file in their folder re-runs nobody's workspace."""
    elements: tuple[str, ...] = ()
    """Elements beside the eight to try on the best method, in this order, each on the rows of the last round: condition,
    delimiters, focus, form, limits, thinking."""
    rows: tuple[int, ...] = Field((16, 32, 80), min_length=1)
    """Validation rows of each round."""
    keep: tuple[int, ...] = Field((4, 2, 1), min_length=1)
    """How many methods go on after each round; the last must be 1."""
    validation_rows: int | None = Field(None, ge=1)
    """Rows of validation for the comparison with the candidate's own prompt: those of its first look; None: all."""
    rows_at_most: int | None = Field(None, ge=1)
    """Rows of its last look: where fewer settle nothing they double up to here; None: to all of validation and training
    that may decide. As many as `validation_rows`: one look."""
    shots: int = Field(4, ge=1)
    """Examples that few_shot shows."""
    example_words: int = Field(110, ge=1)
    """Longest example, in words of input, passage and answer."""
    leave_one_out: bool = False
    """Measure the best prompt without its task, context, examples, persona, format and tone, one at a time, on the rows of
    the first look: what each is worth. It changes no decision, and costs one measurement an element."""
    search: Search | None = None
    """A search for demonstrations and a wording of the instruction, over the best prompt; None: none."""
    refinements: tuple[str, ...] = ("too_long", "too_short", "wrong_focus", "wrong_form")
    """Faults for which an answer is asked for once more where that pays on the rows of the first look, each of them a file
    of application/refinements. Only those are tried that the contract lets an answer have, and that answers do have."""
    answer_tokens: int | None = Field(None, ge=1)
    """Longest answer; None: as its kind of task has it."""
    thinking_tokens: int = Field(48, ge=1)
    """Longest reasoning or notes, in methods that take a turn for it."""
    readings: tuple[str, ...] = Field(("whole",), min_length=1)
    """Ways to read texts, each compared with each method: `whole`, as far as the prompt shows them, or in parts:
    `sliding_window`, `map_reduce`."""
    reading_words: int = Field(300, ge=20)
    """Words of a part."""
    reading_overlap: int = Field(60, ge=0)
    """Words that neighbouring parts share."""

    @field_validator("methods")
    @classmethod
    def _methods_are_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in given if name not in METHODS]:
            raise ValueError(f"{', '.join(unknown)}: not known; allowed: {', '.join(METHODS)}")
        return given

    @field_validator("elements")
    @classmethod
    def _elements_are_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in given if name not in PRINCIPLES]:
            raise ValueError(f"{', '.join(unknown)}: not known; allowed: {', '.join(PRINCIPLES)}")
        if len(set(given)) < len(given):
            raise ValueError("an element is listed twice; each can be added once")
        return given

    @field_validator("refinements")
    @classmethod
    def _refinements_are_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in given if name not in REFINEMENTS]:
            raise ValueError(f"{', '.join(unknown)}: not known; allowed: {', '.join(REFINEMENTS)}")
        return given

    @field_validator("readings")
    @classmethod
    def _readings_are_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in given if name not in (WHOLE, *WAYS)]:
            raise ValueError(f"{', '.join(unknown)}: not known; allowed: {', '.join((WHOLE, *WAYS))}")
        return given

    def reading(self, name: str) -> Reading | None:
        """What a Candidate says of the way `name`."""
        return None if name == WHOLE else Reading(way=name, words=self.reading_words, overlap=self.reading_overlap)

    @model_validator(mode="after")
    def _parts_go_on(self) -> "Config":
        if self.reading_overlap >= self.reading_words:
            raise ValueError("key 'reading_overlap' must lie below 'reading_words'")
        return self

    @model_validator(mode="after")
    def _one_method_is_left(self) -> "Config":
        rows, keep = self.rows, self.keep
        if len(rows) != len(keep) or keep[-1] != 1 or min(*rows, *keep) < 1:
            raise ValueError(
                f"keys 'rows' {list(rows)} and 'keep' {list(keep)} must have equal length, values of at least 1, and keep "
                "must end with 1"
            )
        return self


def check_settings(config: Config, contract: UseCase) -> None:
    """Raise BadInput where a model elsewhere is to write wordings, and the policy allows none."""
    check_writer(config.search, contract)


class Prompted(StageResult):
    """`candidate`: with the winning prompt where it was adopted, else as it came; `rounds`: a row a method and round."""

    candidate: Candidate
    winner: str
    """The method that won, adopted or not, with the elements that were added to it."""
    proposed: Prompt
    """Its prompt."""
    reading: Reading | None = None
    """How it reads long texts."""
    rounds: tuple[dict[str, object], ...]
    """round, method, rows, calls_per_answer, prompt_words, figures, kept."""
    left_out: tuple[LeftOut, ...] = ()
    """What elements of that prompt are worth, with `leave_one_out`; those that it does not have are not there."""
    searched: tuple[Searched, ...] = Field((), exclude_if=lambda searched: not searched)  # others keep their digests
    """What `search` proposed, and random search beside it."""


def prompt(
    config: Config,
    *,
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    dataset: Dataset,
    solved: bool | None = None,
    step: Step,
) -> Prompted:
    """Try the methods of `config` on `candidate` and return it with the best prompt, if that is worth a change.

    solved: try only the methods whose prompts show solved cases (True), or only those that show none; None: all of them.
    Raises BadInput where no method is left.
    """
    schedule = list(zip(config.rows, config.keep, strict=True))
    split = dataset.splits["validation"]
    first = min(config.validation_rows or split.count, split.count)
    drafts = _drafts(config, task, candidate, dataset, step)
    candidates = _allowed(config, {name: draft.of(candidate) for name, draft in drafts.items()}, solved)
    (winner,), evidence, rounds = halve(candidates, schedule, split, task, metrics, step)
    draft, known_best, added = grow(
        drafts[winner],
        candidate,
        evidence[winner],
        config.elements,
        task=task,
        train=dataset.rows("train", step.store),
        metrics=metrics,
        number=len(schedule) + 1,
        rows=min(config.rows[-1], split.count),
        measure=lambda one: measured(one, split, task, step, config.rows[-1]),
    )
    search = Found(draft, known_best, (), (), dataset)
    if config.search:
        search = searched(
            config.search,
            draft,
            _solved(config, config.search.demonstrations, task, candidate, dataset, step),
            0 if solved is False else config.shots,
            candidate=candidate,
            dataset=dataset,
            evidence=known_best,
            rows=first,
            task=task,
            metrics=metrics,
            step=step,
        )
    best, known_best, refining = search.draft.of(candidate), search.evidence, list[str]()
    if settings_of(config.refinements, best, task):
        known_best = measured(best, split, task, step, first, earlier=known_best)
        best, known_best, refining = asked_again(
            best, known_best, config.refinements, split=split, rows=first, task=task, metrics=metrics, step=step
        )
    assert best.prompt, "every method builds one"
    more = deciding_rows(search.left, (candidate, best), task, step)
    compared, before, after = _compared(candidate, best, known_best, split, more, first, config, task, metrics, step)
    decision = Decision(
        verdict=compared.verdict,
        reason=f"{_named(best)} ({calls(best)} call(s) an answer) {_won(len(candidates) - 1)}; {compared.reason}",
        comparison=compared.comparison,
    )
    worth = _left_out(search.draft, candidate, metrics.primary, first, split, task, step) if config.leave_one_out else ()
    tables = [item.table for item in (*evidence.values(), known_best, before, after)]
    tables += [one.evidence for one in worth] + [one.evidence for one in search.searched]
    return Prompted(
        decision=decision,
        metrics={
            f"{metrics.primary} before": _primary(before, metrics),
            f"{metrics.primary} after": _primary(after, metrics),
        },
        objects=tuple(sorted({*tables, more.object})),
        notes=(*_notes(candidates), *search.notes, *refining, *note_of_cut(f"the {winner} prompt", after, step.store)),
        candidate=best if decision.adopted else candidate,
        winner=best.prompt.method,
        proposed=best.prompt,
        reading=best.reading,
        rounds=(*rounds, *added),
        left_out=worth,
        searched=search.searched,
    )


def _allowed(config: Config, candidates: dict[str, Candidate], solved: bool | None) -> dict[str, Candidate]:
    """Those whose prompts show solved cases (True), or none (False). Raises BadInput where none is left."""
    left = {name: one for name, one in candidates.items() if solved is None or _shows_cases(one) == solved}
    if not left:
        raise BadInput(
            f"section 'prompting', key 'methods': none of {', '.join(config.methods)} shows {'' if solved else 'no '}solved "
            "cases; name one that does, or leave its rung (prompting, few_shot) out of 'ladder.rungs'"
        )
    return left


def _compared(
    candidate: Candidate,
    best: Candidate,
    known_best: Evidence,
    split: Split,
    more: Split,
    first: int,
    config: Config,
    task: Task,
    metrics: Metrics,
    step: Step,
) -> tuple[Decision, Evidence, Evidence]:
    """(`best` over the prompt at hand, evidence of both). split: validation, whose first `first` rows are looked at first;
    more: what is looked at where those settle nothing"""
    assert candidate.prompt
    over, known = f"the {candidate.prompt.method} prompt", {best.digest: known_best}

    def answered(rows: int) -> tuple[Evidence, Evidence]:
        for one in (candidate, best):
            part = split if rows <= split.count else more
            known[one.digest] = measured(one, part, task, step, rows, earlier=known.get(one.digest))
        return known[candidate.digest], known[best.digest]

    decision, (before, after) = settled(
        sizes_of_looks(first, max(first, min(config.rows_at_most or more.count, more.count))),
        answered,
        lambda pair, level: compare(*pair, metrics, step.store, over=over, level=level),
    )
    return decision, before, after


def _drafts(config: Config, task: Task, candidate: Candidate, dataset: Dataset, step: Step) -> dict[str, Draft]:
    """Method, and the way to read where several are asked for → what its prompt for `candidate` is built from. Raises
    BadInput for a way that it cannot be read by."""
    answer_tokens = config.answer_tokens or tokens_of(task).prompted
    elements = elements_of(task, candidate.texts_shown > 0, answer_tokens, config.thinking_tokens)
    examples = [shown for _, shown in _solved(config, config.shots, task, candidate, dataset, step)]
    drafts = {}
    for method in config.methods:
        for way in config.readings:
            draft = Draft(method=method, elements=elements, examples=tuple(examples), reading=config.reading(way))
            if reason := reading_refused(draft.of(candidate)):
                raise BadInput(f"section 'prompting', key 'readings': '{way}' is not for this use case: {reason}")
            drafts[method if config.readings == (WHOLE,) else f"{method}, {way}"] = draft
    return drafts


def _solved(config: Config, count: int, task: Task, candidate: Candidate, dataset: Dataset, step: Step) -> list[Solved]:
    """Up to `count` training rows that prompts may show."""
    passages = {}
    if candidate.retriever and (readable := dataset.training_knowledge or dataset.knowledge):
        passages = {passage.id: passage.text for passage in read_passages(readable, step.store)}
    return pick(task, dataset.rows("train", step.store), passages, count, config.example_words)


def _left_out(
    draft: Draft, candidate: Candidate, metric: str, rows: int, split: Split, task: Task, step: Step
) -> tuple[LeftOut, ...]:
    """What each element of the draft's prompt is worth on the first `rows` rows of `split`."""
    less = {name: one for name in MAY_BE_LEFT_OUT if (one := draft.without(name))}
    tables = {
        name: measured(one.of(candidate), split, task, step, rows).table
        for name, one in progress(less.items(), "prompting without one element")
    }
    whole = measured(draft.of(candidate), split, task, step, rows)
    without = {name: (table, read_jsonl(step.store.file(table))) for name, table in tables.items()}
    return left_out(examples(whole, step.store), without, metric)


def _named(candidate: Candidate) -> str:
    """Its method and, where it reads texts in parts, how."""
    assert candidate.prompt
    return candidate.prompt.method + (f" by {candidate.reading.way}" if candidate.reading else "")


def _won(others: int) -> str:
    return f"won over {others} others" if others else "was the only method"


def _shows_cases(candidate: Candidate) -> bool:
    return candidate.prompt is not None and any(turn.examples for turn in candidate.prompt.turns)


def _primary(evidence: Evidence, metrics: Metrics) -> float:
    return evidence.metrics[metrics.primary].value


def _notes(candidates: dict[str, Candidate]) -> tuple[str, ...]:
    several = [name for name in sorted(candidates) if calls(candidates[name]) > 1]
    return (f"these methods cost two calls an answer: {', '.join(several)}",) if several else ()
