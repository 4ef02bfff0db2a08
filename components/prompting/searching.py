"""The search for demonstrations and wordings over the best prompt: what is searched, and whether what it finds is better.

A search reads training rows: some to show, others to judge by. Its proposal is compared with the prompt at hand, paired, on
validation, of which it saw nothing. Whatever else is searched with stands beside random search with as many calls of the
model; what both propose is compared in the same way, and both proposals share the level against the prompt at hand. The rows
that judged are no rows to decide on later (`left`). Not covered: a search on more rows for proposals that come close.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pydantic import Field, field_validator, model_validator

from components.core import (
    LEVEL,
    BadInput,
    Candidate,
    Dataset,
    Decision,
    Evidence,
    Frozen,
    Metrics,
    Row,
    Split,
    Step,
    Task,
    UseCase,
    read_rows,
    write_jsonl,
)
from components.measure import compare
from components.measure.deciding import unshown

from .drafts import Draft
from .examples import Solved
from .halving import key, measured
from .searches import search_named
from .space import Space, Writer

RIVAL = "random"
"""The search that every other one stands beside."""
FEWEST = 8
"""Training rows to judge by, below which nothing is searched."""


class Search(Frozen):
    """A search for demonstrations and for a wording of `task.instruction`, over the best prompt of the methods."""

    by: str = RIVAL
    """A file of `prompting/searches`: random, dspy (MIPROv2, an optional package). dspy stands beside random search with as
    many calls."""
    instructions: tuple[str, ...] = ()
    """Wordings to try in place of `task.instruction`."""
    demonstrations: int = Field(16, ge=1)
    """Training rows of which prompts show up to `prompting.shots`."""
    rows: int = Field(32, ge=FEWEST)
    """Training rows that judge a prompt."""
    calls: int = Field(640, ge=1)
    """Calls of the model, at most; those that an earlier run made count, too."""
    seed: int = Field(0, ge=0)
    """Of its draws."""
    writer: Writer | None = None
    """A model that writes wordings beside those of `instructions`; only where the policy allows hosted models."""

    @field_validator("by")
    @classmethod
    def _it_is_known_and_runs(cls, given: str) -> str:
        try:
            search_named(given)
        except BadInput as error:
            raise ValueError(str(error)) from error
        return given

    @model_validator(mode="after")
    def _its_parts_go_together(self) -> "Search":
        if self.writer and not search_named(self.by).WRITES:
            raise ValueError(f"key 'writer': search '{self.by}' asks no model for wordings; set by: dspy, or leave it out")
        if braces := [one for one in self.instructions if "{{" in one or not one.strip()]:
            raise ValueError(f"key 'instructions': {braces[0]!r} is no plain sentence; write one, without double braces")
        # prompts that think take two calls an answer
        if self.calls < (least := 2 * (self.demonstrations + 2 * self.rows)):
            raise ValueError(
                f"key 'calls': {self.calls} are too few for {self.demonstrations} demonstrations and {self.rows} rows; give "
                f"{least} or more, or lower 'demonstrations' or 'rows'"
            )
        return self


class Searched(Frozen):
    """What a search proposed, and whether it was better."""

    by: str
    calls: int
    """Calls of the model that the search took."""
    rows: int
    """Training rows that judged."""
    instruction: str
    """What its prompt says of the task."""
    demonstrations: int
    """Solved cases that its prompt shows."""
    evidence: str
    """Its per-example table on validation."""
    decision: Decision
    """Over the prompt at hand."""
    over_random: Decision | None = None
    """Over random search with as many calls; None for that search itself."""


class Found(NamedTuple):
    """The draft to go on with, its evidence, what was searched, sentences, and the data set without the rows that judged."""

    draft: Draft
    evidence: Evidence
    searched: tuple[Searched, ...]
    notes: tuple[str, ...]
    left: Dataset


def check_writer(config: Search | None, contract: UseCase) -> None:
    """Raise BadInput where training rows would be shown to a model elsewhere, and the policy keeps them here."""
    if config and config.writer and not contract.policy.hosted_models:
        raise BadInput(
            f"section 'prompting', key 'search.writer': the model at {config.writer.url} would be shown training rows, and "
            "the policy keeps inputs on this machine (policy.hosted_models: false). Leave the writer out, or allow hosted "
            "models in the contract"
        )


def searched(
    config: Search,
    draft: Draft,
    solved: Sequence[Solved],
    shots: int,
    *,
    candidate: Candidate,
    dataset: Dataset,
    evidence: Evidence,
    rows: int,
    task: Task,
    metrics: Metrics,
    step: Step,
) -> Found:
    """Search, and decide on the first `rows` rows of validation.

    solved: rows that may be shown; shots: the most that a prompt shows, 0 where it must show none that it has not
    evidence: of the draft on some of those rows
    """
    train = dataset.rows("train", step.store)
    prompts = [draft.model_copy(update={"method": "few_shot", "examples": tuple(shown for _, shown in solved)}), draft]
    judging = unshown(train, [one.prompt for one in prompts], task)[: config.rows]
    if len(judging) < FEWEST or not solved:
        there = f"{len(solved)} training rows can be shown and {len(judging)} more can judge"
        note = f"nothing was searched: {there}; it takes 1 and {FEWEST}"
        return Found(draft, evidence, (), (note,), dataset)
    space = Space(
        draft=draft,
        candidate=candidate,
        wordings=[task.instruction, *(one for one in dict.fromkeys(config.instructions) if one != task.instruction)],
        demonstrations={row.id: shown for row, shown in solved},
        shots=shots,
        rows=_split("train, judging", judging, step),
        shown=_split("train, shown", [row for row, _ in solved], step),
        budget=config.calls,
        task=task,
        metrics=metrics,
        step=step,
        seed=config.seed,
        writer=config.writer,
    )
    spaces, proposals = {config.by: space}, {config.by: search_named(config.by).search(space)}
    if config.by != RIVAL:
        once = space.rows.count * space.dearest
        rival = replace(space, budget=-(-space.used // once) * once, used=0, known={}, notes=[])
        spaces[RIVAL], proposals[RIVAL] = rival, search_named(RIVAL).search(rival)
    return _decided(draft, spaces, proposals, evidence, dataset, rows)


def _decided(
    draft: Draft, spaces: dict[str, Space], proposals: dict[str, Draft], evidence: Evidence, dataset: Dataset, rows: int
) -> Found:
    space, *_ = spaces.values()
    candidate, metrics, step, split = space.candidate, space.metrics, space.step, dataset.splits["validation"]

    def on_validation(one: Draft, earlier: Evidence | None = None) -> Evidence:
        return measured(one.of(candidate), split, space.task, step, rows, earlier=earlier)

    before = on_validation(draft, evidence)
    after = {name: on_validation(one) for name, one in proposals.items()}
    over = f"the {draft.prompt.method} prompt at hand"
    listed = []
    for name, one in proposals.items():
        used = spaces[name].used
        told = (
            {} if name == RIVAL else {"over_random": _over_random(after[RIVAL], after[name], spaces[RIVAL], metrics, step)}
        )
        listed.append(
            Searched(
                by=name,
                calls=used,
                rows=space.rows.count,
                instruction=one.elements.task,
                demonstrations=max(len(turn.examples) for turn in one.prompt.turns),
                evidence=after[name].table,
                decision=compare(before, after[name], metrics, step.store, over=over, level=LEVEL / len(proposals)),
                **told,
            )
        )
    better = [one.by for one in listed if one.decision.adopted]
    best = max(better, key=lambda name: key(proposals[name].of(candidate), after[name], metrics, "")[:3], default=None)
    notes = [*space.notes, *(_said(one) for one in listed)]
    left = _without(dataset, space.rows, step)
    if best is None:
        return Found(draft, before, tuple(listed), tuple(notes), left)
    return Found(proposals[best], after[best], tuple(listed), tuple(notes), left)


def _over_random(before: Evidence, after: Evidence, rival: Space, metrics: Metrics, step: Step) -> Decision:
    return compare(before, after, metrics, step.store, over=f"random search with {rival.used} calls")


def _said(one: Searched) -> str:
    what = f"search {one.by} ({one.calls} calls of the model, {one.rows} training rows): {one.decision.verdict}: "
    what += one.decision.reason
    beside = one.over_random
    return f"{what}; over random search: {beside.verdict}: {beside.reason}" if beside else what


def _without(dataset: Dataset, judging: Split, step: Step) -> Dataset:
    """`dataset` without the training rows that judged, and those about the same passages."""
    rows = read_rows(judging, step.store)
    names, passages = {row.id for row in rows}, {row.passage for row in rows if row.passage}
    train = dataset.rows("train", step.store)
    kept = [row for row in train if row.id not in names and row.passage not in passages]
    splits = {name: split for name, split in dataset.splits.items() if name != "train"}
    if kept:
        splits["train"] = _split("train", kept, step)
    return dataset.model_copy(update={"splits": splits})


def _split(name: str, rows: Sequence[Row], step: Step) -> Split:
    path = step.scratch / "searched" / "rows.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_jsonl(path, [row.model_dump(mode="json") for row in rows])
    return Split(name=name, object=step.store.put(path), count=len(rows))
