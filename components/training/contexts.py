"""What each training row is shown: contexts retrieved the way the application retrieves, from the training knowledge only.

The released application meets right contexts and wrong ones, so the model must see both: a row whose retrieved context is
its passage (or is made to be) teaches reading; an unanswerable row, and an answerable one beside a wrong passage, teach
abstaining. Their shares are settings, and what came out is counted.
"""

import json
import random
import re
import shutil
from collections.abc import Sequence
from contextlib import closing

import numpy as np
import regex

from components.application import Hit, load_retriever
from components.application.parts import windows
from components.core import Candidate, Dataset, Reading, Retriever, Row, Step, Task, read_jsonl, read_passages, write_jsonl
from components.text import apart, holds, units
from components.text.strengths import ARTICLES
from components.text.words import LETTER

from .examples import Shown

_LETTER = regex.compile(LETTER, regex.VERSION1)
_AFTER = regex.compile(rf"{LETTER}|[+#]", regex.VERSION1)
FOUND = 8
"""Hits looked at for a wrong context."""
KINDS = (
    "retrieved", "gold put in", "beside a wrong passage", "unanswerable", "dropped", "passage held out", "no passage named",
)  # fmt: skip
"""What became of a training row."""


def shown_rows(
    task: Task,
    candidate: Candidate,
    dataset: Dataset,
    rows: Sequence[Row],
    wrong_share: float,
    unanswerable_share: float,
    seed: int,
    step: Step,
) -> tuple[list[Shown], dict[str, int], tuple[str, ...]]:
    """Rows with their contexts, counts by kind, and digests of objects made.

    wrong_share:        of answerable rows, how many are shown once more beside a wrong passage, to abstain
    unanswerable_share: at most this share of all answers is the abstention; surplus rows are dropped
    Without a retriever every row is shown as it is, and a question with the text that came with it: beside another one's
    text it might have another answer there, so that none is made a wrong context.
    """
    if candidate.given:
        return [_given(row, candidate.reading) for row in rows], {"rows": len(rows)}, ()
    retriever = candidate.retriever
    if retriever is None or dataset.training_knowledge is None:
        return [Shown(row.text, (), row.answer) for row in rows], {"rows": len(rows)}, ()
    if dataset.training_knowledge.count == 0:  # a small base, of which validation and test ask about all
        return [], {**dict.fromkeys(KINDS, 0), "passage held out": len(rows)}, ()
    limited, objects = _training_retriever(retriever, dataset, step)
    with closing(load_retriever(limited, step.store, step.machine)) as searcher:
        hits_by_row = searcher.search([row.text for row in rows], top_k=FOUND)
    texts = _texts_by_passage(limited, dataset, step)
    draw = random.Random(seed)
    answerable: list[Shown] = []
    abstaining: list[Shown] = []
    counts = dict.fromkeys(KINDS, 0)
    for row, hits in zip(rows, hits_by_row, strict=True):
        context = tuple(hit.text for hit in hits[: retriever.top_k])
        if task.abstain and row.answer == task.abstain:
            if row.origin == "synthetic" and row.passage:
                # asked of a passage that does not hold the answer: a search would find the one that does
                if row.passage not in texts:
                    counts["passage held out"] += 1
                    continue
                context = tuple(texts[row.passage][: retriever.top_k])
            abstaining.append(Shown(row.text, context, row.answer))
            counts["unanswerable"] += 1
            continue
        shown = hits[: retriever.top_k]
        held = any(row.passage in (None, hit.passage) and holds(hit.text, row.answer) for hit in shown)
        if not held and row.passage not in texts:  # it would teach an answer that is not in its context
            counts["passage held out" if row.passage else "no passage named"] += 1
            continue
        right = context if held else _with_gold(row, context, texts)
        counts["retrieved" if held else "gold put in"] += 1
        answerable.append(Shown(row.text, right, as_written(row.answer, right)))
        wrong = _wrong(row, hits, retriever.top_k)
        if task.abstain and wrong and draw.random() < wrong_share:
            abstaining.append(Shown(row.text, wrong, task.abstain))
            counts["beside a wrong passage"] += 1
    draw.shuffle(abstaining)
    room = round(len(answerable) * unanswerable_share / max(1e-9, 1 - unanswerable_share))
    counts["dropped"] = max(0, len(abstaining) - room)
    return answerable + abstaining[:room], counts, objects


def _given(row: Row, how: Reading | None) -> Shown:
    """how: the application reads long texts in parts, so that the row is shown the first part that holds its answer."""
    text, question = apart(row.text)
    if how:
        parts = windows(text, how.words, how.overlap)
        text = next((part for part in parts if holds(part, row.answer)), parts[0])
    return Shown(question, (text,), as_written(row.answer, (text,)))


def as_written(answer: str, context: Sequence[str]) -> str:
    """The span of `context` that equals `answer` but for case, articles and punctuation; `answer` where there is none.

    A fifth of Disfl-QA's answers are spaced otherwise than their passages ("Earth's", "Earth ' s"). F1 and exact match see
    no difference, while a model that learns to copy needs to learn one thing less.
    """
    return next((span[0] for text in context if (span := find(answer, text))), answer)


def find(answer: str, text: str) -> re.Match[str] | None:
    """Where `answer` stands in `text` as whole words: as it is written, or but for case, articles and punctuation."""
    exact = _whole(re.escape(answer), text, 0) if answer else None
    if exact or not holds(text, answer):
        return exact
    content = [word for word in units(answer) if word not in ARTICLES]
    words = [re.sub(r"(\\?[.,:])", r" ?\1 ?", re.escape(word)) for word in content]
    match = _whole(r"(?:[\W_]+(?:(?:an?|the)\s+)?|)".join(words), text, re.IGNORECASE)
    return match if match and holds(match[0], answer) else None


def _whole(pattern: str, text: str, flags: int) -> re.Match[str] | None:
    """The first match that is no part of a word; in scripts that write words together it may be."""
    for match in re.finditer(pattern, text, flags):
        start, end = match.span()
        before = start and _LETTER.match(text[start]) and _LETTER.match(text[start - 1])
        if not before and not (_LETTER.match(text[end - 1]) and end < len(text) and _AFTER.match(text[end])):
            return match
    return None


def _training_retriever(retriever: Retriever, dataset: Dataset, step: Step) -> tuple[Retriever, tuple[str, ...]]:
    """The candidate's retriever over the training knowledge: its index keeps only the chunks of those passages."""
    assert dataset.training_knowledge is not None
    limited = retriever.model_copy(update={"knowledge": dataset.training_knowledge.object})
    if retriever.index is None:
        return limited, ()
    allowed = {passage.id for passage in read_passages(dataset.training_knowledge, step.store)}
    source = step.store.path(retriever.index)
    chunks = read_jsonl(source / "chunks.jsonl")
    places = [place for place, chunk in enumerate(chunks) if chunk["passage"] in allowed]
    folder = step.scratch / "training-index"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run half wrote would be part of the object
    folder.mkdir()
    write_jsonl(folder / "chunks.jsonl", (chunks[place] for place in places))
    np.save(folder / "vectors.npy", np.load(source / "vectors.npy")[places])
    provenance = json.loads((source / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**provenance, "made from": retriever.index}) + "\n")
    digest = step.store.put(folder)
    return limited.model_copy(update={"index": digest}), (digest,)


def _texts_by_passage(retriever: Retriever, dataset: Dataset, step: Step) -> dict[str, list[str]]:
    assert dataset.training_knowledge is not None
    if retriever.index is None:
        return {passage.id: [passage.text] for passage in read_passages(dataset.training_knowledge, step.store)}
    texts: dict[str, list[str]] = {}
    for chunk in read_jsonl(step.store.path(retriever.index) / "chunks.jsonl"):
        texts.setdefault(chunk["passage"], []).append(chunk["text"])
    return texts


def _with_gold(row: Row, context: tuple[str, ...], texts: dict[str, list[str]]) -> tuple[str, ...]:
    """The row's own text in the place of the last hit: a part of its passage that holds the answer, if one does."""
    own = texts.get(row.passage or "")
    if not own:
        return context
    gold = next((text for text in own if holds(text, row.answer)), own[0])
    return (*[text for text in context[:-1] if text != gold], gold)


def _wrong(row: Row, hits: Sequence[Hit], top_k: int) -> tuple[str, ...]:
    """The best hits that neither come from the row's passage nor hold its answer."""
    others = [hit.text for hit in hits if hit.passage != row.passage and not holds(hit.text, row.answer)]
    return tuple(others[:top_k])
