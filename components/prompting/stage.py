"""Stage 3, prompting: eight methods built from the contract's elements and training rows, compared by successive halving.

The survivor is compared with the candidate's own prompt, on the same rows, and adopted only if that comparison says so. What
the first rows of validation do not settle is looked at again on more of them, then on training rows too, but for those that
one of the two prompts shows (components/measure: looks.py, deciding.py). Methods with two turns cost two calls an
answer: the table says so. Registering the winner is an effect, so the flow does it (`candidate.prompt` holds the turns and
the eight elements). Not covered: search over wordings, the shorter prompt that tuning sets for itself.
"""

from pydantic import Field, field_validator, model_validator

from components.application.load import reading_refused
from components.application.reading import WAYS
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
    StageResult,
    Step,
    Task,
    read_passages,
)
from components.measure import compare, deciding_rows, note_of_cut, settled, sizes_of_looks
from components.tasks import kind_of

from .elements import elements_of
from .examples import pick
from .halving import calls, halve, measured
from .methods import METHODS

WHOLE = "whole"
"""The word for no way to read in parts."""


class Config(Frozen):
    """Settings of prompting."""

    methods: tuple[str, ...] = Field(
        ("chain_of_thought", "chaining", "few_shot", "hybrid", "iterative", "negative", "one_shot", "zero_shot"),
        min_length=1,
    )
    """Methods to try. They are named, so that a new file in their folder re-runs nobody's workspace."""
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


class Prompted(StageResult):
    """`candidate`: with the winning prompt where it was adopted, else as it came; `rounds`: a row a method and round."""

    candidate: Candidate
    winner: str
    """The method that won, adopted or not."""
    proposed: Prompt
    """Its prompt."""
    reading: Reading | None = None
    """How it reads long texts."""
    rounds: tuple[dict[str, object], ...]
    """round, method, rows, calls_per_answer, prompt_words, figures, kept."""


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
    candidates = _candidates(config, task, candidate, dataset, step)
    if solved is not None:
        candidates = {name: one for name, one in candidates.items() if _shows_cases(one) == solved}
    if not candidates:
        raise BadInput(
            f"section 'prompting', key 'methods': none of {', '.join(config.methods)} shows {'' if solved else 'no '}solved "
            "cases; name one that does, or leave its rung (prompting, few_shot) out of 'ladder.rungs'"
        )
    split = dataset.splits["validation"]
    (winner,), evidence, rounds = halve(candidates, schedule, split, task, metrics, step)
    best = candidates[winner]
    assert best.prompt, "every method builds one"
    assert candidate.prompt
    over = f"the {candidate.prompt.method} prompt"
    more = deciding_rows(dataset, (candidate, best), task, step)
    first = min(config.validation_rows or split.count, split.count)
    known = {best.digest: evidence[winner]}

    def answered(rows: int) -> tuple[Evidence, Evidence]:
        for one in (candidate, best):
            part = split if rows <= split.count else more
            known[one.digest] = measured(one, part, task, step, rows, earlier=known.get(one.digest))
        return known[candidate.digest], known[best.digest]

    compared, (before, after) = settled(
        sizes_of_looks(first, max(first, min(config.rows_at_most or more.count, more.count))),
        answered,
        lambda pair, level: compare(*pair, metrics, step.store, over=over, level=level),
    )
    decision = Decision(
        verdict=compared.verdict,
        reason=f"{winner} ({calls(best)} call(s) an answer) {_won(len(candidates) - 1)}; {compared.reason}",
        comparison=compared.comparison,
    )
    tables = [item.table for item in (*evidence.values(), before, after)]
    return Prompted(
        decision=decision,
        metrics={
            f"{metrics.primary} before": _primary(before, metrics),
            f"{metrics.primary} after": _primary(after, metrics),
        },
        objects=tuple(sorted({*tables, more.object})),
        notes=(*_notes(candidates), *note_of_cut(f"the {winner} prompt", after, step.store)),
        candidate=best if decision.adopted else candidate,
        winner=winner,
        proposed=best.prompt,
        reading=best.reading,
        rounds=tuple(rounds),
    )


def _candidates(config: Config, task: Task, candidate: Candidate, dataset: Dataset, step: Step) -> dict[str, Candidate]:
    """Method, and the way to read where several are asked for → `candidate` with that prompt, read so. Raises BadInput for a
    way that it cannot be read by."""
    answer_tokens = config.answer_tokens or kind_of(task.kind).tokens.prompted
    elements = elements_of(task, candidate.texts_shown > 0, answer_tokens, config.thinking_tokens)
    passages = {}
    if candidate.retriever and (readable := dataset.training_knowledge or dataset.knowledge):
        passages = {passage.id: passage.text for passage in read_passages(readable, step.store)}
    examples = pick(task, dataset.rows("train", step.store), passages, config.shots, config.example_words)
    prompts = {name: METHODS[name](elements, examples) for name in config.methods}
    candidates = {}
    for name, one in prompts.items():
        for way in config.readings:
            read_so = candidate.model_copy(update={"prompt": one, "reading": config.reading(way)})
            if reason := reading_refused(read_so):
                raise BadInput(f"section 'prompting', key 'readings': '{way}' is not for this use case: {reason}")
            candidates[name if config.readings == (WHOLE,) else f"{name}, {way}"] = read_so
    return candidates


def _won(others: int) -> str:
    return f"won over {others} others" if others else "was the only method"


def _shows_cases(candidate: Candidate) -> bool:
    return candidate.prompt is not None and any(turn.examples for turn in candidate.prompt.turns)


def _primary(evidence: Evidence, metrics: Metrics) -> float:
    return evidence.metrics[metrics.primary].value


def _notes(candidates: dict[str, Candidate]) -> tuple[str, ...]:
    several = [name for name in sorted(candidates) if calls(candidates[name]) > 1]
    return (f"these methods cost two calls an answer: {', '.join(several)}",) if several else ()
