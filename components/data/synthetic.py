"""Synthetic rows: what a generator drafts from the training passages, after filters that say what each draft fell by.

Only passages that training may see are drafted from (`training_knowledge`), so nothing of validation, test or benchmarks is.
An unanswerable row asks a passage what another one answers: the best other hit of the search that does not hold the answer.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from components.application.scoring.bm25 import Scoring
from components.core import Machine, Passage, Retriever, Row, Split, Store, Synthetic, Task, digest_of, read_passages
from components.text import stands, units, words

from .generators import generator
from .generators.draft import Draft
from .slices import slices
from .split import shuffled

QUESTION_WORDS = (5, 25)
ANSWER_WORDS = 8
FOUND_AMONG = 3
"""The passage that a question is about must be among this many hits."""
AT_ONCE = 64
"""Passages that are drafted from between two searches."""
Refuse = Callable[[list[tuple[str, str, str | None]]], list[str | None]]
"""made.Refusal: why each (question, answer, passage that may be held out) may not be trained on, or None."""


def synthesise(
    asked: Synthetic,
    task: Task,
    training: Split,
    refused: Refuse,
    store: Store,
) -> tuple[list[Row], dict[str, int]]:
    """(up to `asked.rows` rows, how many drafts fell by which filter), in an order that `asked.seed` gives.

    Raises BadInput for a generator that is not known or makes no rows for this kind of task.
    """
    drafts = generator(asked, task).drafts
    passages = {passage.id: passage for passage in read_passages(training, store)}
    if not passages:
        return [], {}
    search = Scoring(Retriever(scoring="bm25", knowledge=training.object), store, Machine()).search
    draw = random.Random(f"synthetic/{asked.seed}")
    dropped: Counter[str] = Counter()
    rows: list[Row] = []
    order = iter(shuffled(passages, asked.seed))
    while len(rows) < asked.rows and (some := list(islice(order, AT_ONCE))):
        fitting = list(_fitting(drafts, [passages[name] for name in some], asked.per_passage, draw, dropped))
        hits = search([draft.text for _, draft in fitting], top_k=2 * FOUND_AMONG)
        findable = []
        for (passage, draft), hit in zip(fitting, hits, strict=True):
            near = [one.passage for one in hit]
            if passage.id not in near[:FOUND_AMONG]:
                dropped["the search does not find its passage again"] += 1
                continue
            others = [passages[name] for name in near if name != passage.id]
            findable.append((passage, draft, [other for other in others if not _count(draft.answer, other.text)]))
        reasons = refused([(draft.text, draft.answer, None) for _, draft, _ in findable])
        for (passage, draft, without), reason in zip(findable, reasons, strict=True):
            if reason:
                dropped[reason] += 1
            elif len(rows) < asked.rows:
                rows.append(_row(task, draft, passage, without, asked, draw))
    return rows, dict(sorted(dropped.items()))


def _fitting(
    drafts: Callable[[str], list[Draft]], passages: list[Passage], each: int, draw: random.Random, dropped: Counter[str]
) -> Iterator[tuple[Passage, Draft]]:
    for passage in passages:
        drafted = drafts(passage.text)
        for draft in draw.sample(drafted, min(each, len(drafted))):
            if reason := _misfit(draft, passage.text):
                dropped[reason] += 1
            else:
                yield passage, draft


def _misfit(draft: Draft, passage: str) -> str | None:
    least, most = QUESTION_WORDS
    if not least <= len(words(draft.text)) <= most:
        return f"the question has fewer than {least} or more than {most} words"
    if not 1 <= len(words(draft.answer)) <= ANSWER_WORDS:
        return f"the answer has more than {ANSWER_WORDS} words"
    if _count(draft.answer, draft.text):
        return "the answer stands in the question"
    return None if _count(draft.answer, passage) == 1 else "the answer does not stand in its passage just once"


def _count(answer: str, text: str) -> int:
    """How often `answer` stands in `text`, by words."""
    return stands(units(answer), units(text))


def _row(task: Task, draft: Draft, passage: Passage, without: list[Passage], asked: Synthetic, draw: random.Random) -> Row:
    """without: passages that do not hold the answer, the most alike first."""
    answer, about = draft.answer, passage
    if task.abstain and without and draw.random() < asked.unanswerable_share:
        answer, about = task.abstain, without[0]
    return Row(
        id=digest_of([draft.text, answer, about.id])[:16],
        text=draft.text,
        answer=answer,
        passage=about.id,
        source=f"{asked.generator} of {passage.source}",
        slices=slices(draft.text, answer, task),
        origin="synthetic",
    )
