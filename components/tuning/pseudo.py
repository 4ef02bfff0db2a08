"""Pseudo-labels (Lee 2013): the tuned candidate labels texts that have no label, and those that it is sure of are trained on
beside the others; what comes of it is proposed only where validation shows a gain.

Each such row says so for good: its origin is `pseudo`, with the probability that its label had. None is ever in a split that
measures or decides. Not covered: several labels a text, free answers; a second round.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from components.application import answering
from components.core import (
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
    digest_of,
    part,
    read_passages,
    read_rows,
    report,
    write_jsonl,
)
from components.measure import compare
from components.training import Diverged

from .again import Again
from .judging import diverged, judged

if TYPE_CHECKING:
    from .stage import Config


class PseudoLabels(Frozen):
    """Which labels of the tuned candidate are trained on."""

    confidence: float = Field(0.9, gt=0, lt=1)
    """Least probability of a label."""
    rows_at_most: int | None = Field(None, ge=1)
    """The surest so many; none: all."""


class Labelled(Frozen):
    """What came of it. decision: whether the training with them is proposed."""

    by: str
    """Digest of the candidate that labelled."""
    texts: int
    """That were to be labelled."""
    confidence: float
    """The least that was asked for."""
    mean_confidence: float
    """Of the rows that were taken."""
    rows: Split
    share: float
    """Of the rows that the second training read."""
    decision: Decision


def with_pseudo_labels(
    config: "Config",
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    began: Candidate | None,
    proposed: Candidate,
    before: Evidence,
    dataset: Dataset,
    with_made: bool,
    step: Step,
) -> Again:
    """Train `candidate` once more, with the texts that `proposed` (`before` is its evidence) labels surely.

    began: the candidate after pre-training. with_made: beside the made rows, which helped
    """
    from .supervised import train

    assert config.pseudo_labels, "tune checks it"
    assert dataset.documents, "tune checks it"
    least, texts = config.pseudo_labels.confidence, dataset.documents.count
    inner = replace(step, scratch=step.scratch / "with-pseudo-labels")
    rows = _pseudo_rows(config.pseudo_labels, proposed, dataset.documents, inner)
    said = f"pseudo-labels: {len(rows)} of {texts} texts have one with a probability of {least:g} or more"
    if not rows:
        return Again(said, (), proposed, before)
    more, split = _beside(rows, dataset, with_made, inner)
    assert more.made is not None, "it holds them"
    share = split.count / (more.made.count + dataset.splits["train"].count)
    mean = sum(row.confidence or 0.0 for row in rows) / len(rows)
    objects: tuple[str, ...] = (split.object, more.made.object)
    trained = None
    try:
        with part("with pseudo-labels"):
            trained = train(config, task, candidate, more, True, inner, began)
    except Diverged as error:
        decision = diverged(error, "learning_rate")
        rival, after = proposed, before
    else:
        assert trained.candidate is not None, "what was usable without them is usable beside them"
        rival, after = judged(config, task, metrics, trained.candidate, dataset, step)
        decision = compare(before, after, metrics, step.store, over="the same training without pseudo-labels")
        objects += (*trained.objects, after.table)
    told = Labelled(
        by=proposed.digest, texts=texts, confidence=least, mean_confidence=round(mean, 6), rows=split,
        share=round(share, 6), decision=decision,
    )  # fmt: skip
    note = f"{said}, {share:.0%} of the rows then trained on: {decision.verdict}: {decision.reason}"
    if not decision.adopted:
        return Again(note, objects, proposed, before, None, told)
    return Again(note, objects, rival, after, trained, told)


def _pseudo_rows(asked: PseudoLabels, candidate: Candidate, texts: Split, step: Step) -> list[Row]:
    """The texts of whose label `candidate` is sure enough, the surest first, as rows."""
    documents = read_passages(texts, step.store)
    rows = [Row(id=one.id, text=one.text, answer="", source=one.source) for one in documents]
    report("pseudo-labels", 0, len(rows))
    with answering(candidate, step.store, step.machine) as answer:
        likely = answer.application.likelihoods(rows)
    found = []
    for row, shares in zip(rows, likely, strict=True):
        label = max(shares, key=lambda one: shares[one])
        if shares[label] >= asked.confidence:
            name = digest_of([row.text, label, "pseudo"])[:16]
            sure = {"id": name, "answer": label, "origin": "pseudo", "confidence": round(shares[label], 6)}
            found.append(row.model_copy(update=sure))
    return sorted(found, key=lambda row: -(row.confidence or 0.0))[: asked.rows_at_most]


def _beside(rows: list[Row], dataset: Dataset, with_made: bool, step: Step) -> tuple[Dataset, Split]:
    """(`dataset` with `rows` among those that nobody collected, after the made ones if they helped, `rows` as a split)"""
    made = read_rows(dataset.made, step.store) if dataset.made and with_made else []
    every = _stored("made", [*made, *rows], step)
    return dataset.model_copy(update={"made": every}), _stored("pseudo", rows, step)


def _stored(name: str, rows: list[Row], step: Step) -> Split:
    step.scratch.mkdir(parents=True, exist_ok=True)
    path = step.scratch / f"{name}.jsonl"
    write_jsonl(path, [row.model_dump(mode="json") for row in rows])
    return Split(name=name, object=step.store.put(path), count=len(rows))
