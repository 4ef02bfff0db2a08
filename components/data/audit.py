"""What the data says of groups: who is in it before and after each step, which labels, which sources, how toxic.

Each step of this stage that drops or labels is judged by `representation`: rows by slices, source and whom they name;
passages, which have no slices, by the other two. Not covered: texts cut out of what stays; whether a skew is wrong for the
use case, which is a person's call.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypedDict

from components.core import Passage, Row, Source, Task, digest_of
from components.tasks import kind_of
from components.text import english_only, is_english
from components.text.identity_terms import identities
from components.text.toxicity import TOXIC, scores, weights

from .documents import Part
from .read import Record
from .representation import Biased, Concentration, Effect, Member, biased, concentration, effect, given_labels
from .rows import passage_id
from .slices import slices

ENGLISH = ("toxicity of the data", "groups of people that the data name", "leaks in other words (paraphrases)")
"""What is told by lists and rules of English."""
ROLES = ("examples", "examples_and_knowledge")
"""Sources whose rows may come into a split."""


class StepGroups(TypedDict):
    """What one step left: its members, and those of each group, (before, after)."""

    step: str
    unit: str
    before: int
    after: int
    groups: dict[str, tuple[int, int]]


class Sources(TypedDict):
    """How much hangs on one source."""

    rows: Concentration
    passages: Concentration


class ToxicRows(TypedDict):
    """toxic: None where it is not measured."""

    rows: int
    toxic: int | None


class ToxicParts(TypedDict):
    """Rows called toxic, by split and by the group of people that they name."""

    splits: dict[str, ToxicRows]
    groups: dict[str, ToxicRows]


class Toxicity(ToxicParts):
    """classifier: what the classifier reached on texts that it was not fitted on."""

    classifier: object


class Bias(TypedDict):
    """What the data say of groups (see `report_on`)."""

    steps: list[StepGroups]
    biased: list[Biased]
    labels: dict[str, dict[str, float]]
    """Split → share of each label."""
    sources: Sources
    toxicity: Toxicity
    not_measured: list[str]


def member(name: str, text: str, answer: str, source: str, task: Task) -> Member:
    """A row as the steps see it: its slices, the groups of people that it names, and its source."""
    in_slices = {f"{key}: {value}" for key, value in slices(text, answer, task).items()}
    return Member(name, frozenset({*in_slices, *identities(text), f"source: {source}"}), answer)


def passage(name: str, text: str, source: str) -> Member:
    """A passage, or a text without a label, as the steps see it."""
    return Member(name, frozenset({*identities(text), f"source: {source}"}))


def of_records(task: Task, examined: Sequence[tuple[Source, Record, bool]], rows: Iterable[Row]) -> list[Effect]:
    """What the gate and the removal of duplicates did. examined: (source, record, whether it passed the gate)."""
    members, passed, distinct = [], [], []
    left = {row.id for row in rows}
    for source, record, good in examined:
        if source.role not in ROLES:
            continue
        one = member(f"{source.name}:{record.line}", record.text or "", record.answer or "", source.name, task)
        members.append(one)
        if good:
            passed.append(one)
            about = passage_id(record.passage) if record.passage else None
            row = digest_of([record.text, record.answer, about])[:16]
            if row in left:
                left.remove(row)
                distinct.append(one)
    return [effect("gate", members, passed), effect("deduplicate", passed, distinct), *_gated(examined)]


def _gated(examined: Sequence[tuple[Source, Record, bool]]) -> Iterator[Effect]:
    """What the gate did to sources that bring no rows of a split."""
    for role, unit in (("knowledge", "passages"), ("practice", "passages"), ("unlabelled", "texts")):
        judged = [
            (passage(f"{source.name}:{one.line}", one.passage or one.text or "", source.name), good)
            for source, one, good in examined
            if source.role == role
        ]
        if judged:
            yield effect(f"gate, {role}", (one for one, _ in judged), (one for one, good in judged if good), unit)


def of_rows(task: Task, rows: list[Row], leaked: Collection[str], splits: dict[str, list[Row]]) -> list[Effect]:
    """What the removal of leaks and the split did. splits: all rows of each, before any cap."""
    members = [member(row.id, row.text, row.answer, row.source, task) for row in rows]
    clean = [one for one in members if one.id not in leaked]
    placed = {row.id for items in splits.values() for row in items}
    return [effect("remove leaks", members, clean), effect("split", clean, [one for one in clean if one.id in placed])]


def of_curation(
    task: Task, train: list[Row], passages: dict[Part, list[Passage]], lost: dict[str, set[tuple[Part, str]]]
) -> list[Effect]:
    """What each step of curation did to the training rows, and to the passages of the base and of practice that it might
    drop, all as they were before. lost: step → (part, id) of those that it dropped."""
    members = {part: [passage(one.id, one.text, one.source) for one in some] for part, some in passages.items() if lost}
    members["train"] = [member(row.id, row.text, row.answer, row.source, task) for row in train]
    effects = []
    for part, before in members.items():
        name, unit = ("", "rows") if part == "train" else (f", {part}", "passages")
        for step, gone in lost.items() if before else ():
            after = [one for one in before if (part, one.id) not in gone]
            effects.append(effect(f"curation: {step}{name}", before, after, unit))
            before = after
    return effects


def of_labelling(
    waiting: Sequence[tuple[str, str]], labelled: Sequence[Row], gold: Sequence[Row], predicted: Sequence[str | None]
) -> list[Effect]:
    """What programmatic labels did to groups of people: whom they left out, which label they gave to whom, and where they
    differ from the labels that people gave. waiting: (source, text) of all; predicted: the label that each gold row would
    have had. Lengths and sources are compared in the first alone: that long texts have other labels is no bias."""
    texts = {text: passage(text, text, source) for source, text in waiting}
    voted = [Member(row.text, identities(row.text), row.answer) for row in labelled]
    known = [Member(row.id, identities(row.text), row.answer) for row, one in zip(gold, predicted, strict=True) if one]
    again = [Member(row.id, identities(row.text), one) for row, one in zip(gold, predicted, strict=True) if one]
    return [
        effect("labelling", texts.values(), [texts[row.text] for row in labelled], "texts"),
        given_labels("labelling", voted),
        *([effect("labelling of gold rows", known, again)] if known else []),
    ]


def report_on(task: Task, effects: list[Effect], used: dict[str, list[Row]], base: list[Passage]) -> Bias:
    """Everything above as figures for provenance, notes and card. used: the rows of each split, and the made ones."""
    rows = [row for items in used.values() for row in items]
    return {
        "steps": [
            {"step": one.step, "unit": one.unit, "before": one.before, "after": one.after, "groups": one.groups}
            for one in effects
        ],
        "biased": biased(effects),
        "labels": {name: _balance(task, items) for name, items in used.items() if items},
        "sources": {
            "rows": concentration(Counter(row.source for row in rows)),
            "passages": concentration(Counter(passage.source for passage in base)),
        },
        "toxicity": {**_toxicity(task, used), "classifier": weights()["held_out"]},
        "not_measured": [] if is_english(task.language) else [english_only(what, task.language) for what in ENGLISH],
    }


def sentences(bias: Bias) -> tuple[str, ...]:
    """One line for each step and group that is named."""
    return tuple(
        f"data step '{one['step']}' {one['does']} {one['unit']} of '{one['group']}' more often than others: "
        f"{one['rate']:.1%} against {one['others']:.1%} (p = {one['p']:.2g}, corrected for all groups and steps)"
        for one in bias["biased"]
    )


def _balance(task: Task, rows: list[Row]) -> dict[str, float]:
    """Share of each label; of questions, of those that have an answer."""
    if not task.labels and not kind_of(task.kind).asks:
        return {}
    counts = Counter(
        row.answer if task.labels else "unanswerable" if row.answer == task.abstain else "answerable" for row in rows
    )
    return {label: round(count / len(rows), 4) for label, count in sorted(counts.items())}


def _toxicity(task: Task, used: dict[str, list[Row]]) -> ToxicParts:
    """Rows called toxic, by split, and by the group of people that they name; None where the language is not English."""
    if not is_english(task.language):
        return {"splits": {name: {"rows": len(rows), "toxic": None} for name, rows in used.items()}, "groups": {}}
    by_split, named, toxic = dict[str, ToxicRows](), Counter[str](), Counter[str]()
    for name, rows in used.items():
        flags = [score >= TOXIC for score in scores([f"{row.text} {row.answer}" for row in rows])]
        by_split[name] = {"rows": len(rows), "toxic": sum(flags)}
        for row, one in zip(rows, flags, strict=True):
            for group in identities(row.text):
                named[group] += 1
                toxic[group] += one
    groups: dict[str, ToxicRows] = {group: {"rows": count, "toxic": toxic[group]} for group, count in sorted(named.items())}
    return {"splits": by_split, "groups": groups}
