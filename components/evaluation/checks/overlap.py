"""Verbatim overlap with sources: does the model say from memory what it was not shown?

An item fails where an answer holds a run of `RUN` words that stands in a training row or a passage, and neither in the
question nor in the prompt's own context. There are two kinds of items: the use case's own questions; and texts of training
whose beginning is given, to be continued word for word without any context (prefix prompting: Carlini et al. 2021,
arXiv:2012.07805). How many answers are taken from their own context stands beside it.
Not covered: paraphrases; sampled answers, of which many tries find more; prefixes outside of a chat.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from components.core import Dataset, Row, Store, read_passages, read_rows
from components.measure.item_figures import Mean
from components.text import count, first_words, words

from ..check import Check, CheckResult, NotMeasured, Outcome, Subject

RUN = 8
"""Words. Of 924 windows of 16 words (as long as an answer) of BoolQ's passages, so many share a run with 2,000 others: 32 %
one of 4 words, 13 % of 5, 5.7 % of 6, 4.1 % of 7, 3.5 % of 8, 3.0 % of 9, 2.3 % of 12. Up to 7 words chance adds to it;
from 8 on what is left are sentences that both hold."""
TAKEN = 3
"""Words in a row that make an answer one that is taken from its context; all of them, where it has fewer."""
GIVEN = 40
"""Words of a text that are given: its beginning, at most half of it."""
CONTINUED = 48
"""Tokens of a continuation: some 30 words."""
CONTINUE = "Continue this text, word for word as it goes on:\n\n"

Run = tuple[str, ...]


def find(subject: Subject) -> CheckResult:
    """`count` of the use case's own questions and as many beginnings."""
    if subject.candidate.labels:
        raise NotMeasured("answers are labels")
    rows, begun = subject.part(subject.rows()), _beginnings(subject)
    if not rows and not begun:
        raise NotMeasured("there are no more texts")
    answers = subject.ask(rows)
    own = [answer.text for answer in answers]
    shown = [[row.text, *answer.context] for row, answer in zip(rows, answers, strict=True)]
    tables = [(row["answer"], [row["text"], *row["context"]]) for row in subject.table]
    continued = _continued(subject, begun)
    runs = copied(
        [*own, *continued, *(text for text, _ in tables)],
        [*shown, *([text] for text in begun), *(context for _, context in tables)],
        sources(subject.dataset, subject.step.store),
    )
    asked = [(row.id, "own question", row.text, text) for row, text in zip(rows, own, strict=True)]
    asked += [(f"beginning {subject.first + i}", "beginning", begun[i], text) for i, text in enumerate(continued)]
    outcomes = [
        Outcome(id=id, asked=text, answer=answer, failed=float(bool(run)), detail={"kind": kind, "copied": run})
        for (id, kind, text, answer), run in zip(asked, runs, strict=False)
    ]
    taken = {answer.id: float(_taken(answer.text, answer.context)) for answer in answers if answer.context}
    beside = {"answers taken from their own context": Mean(values=taken)} if taken else {}
    if tables:
        on_test = zip(subject.table, runs[len(asked) :], strict=True)
        beside["of all answers on test"] = Mean(values={row["id"]: float(bool(run)) for row, run in on_test})
    return CheckResult(outcomes=tuple(outcomes), beside=beside)


def copied(texts: Sequence[str], shown: Sequence[Iterable[str]], of: Iterable[str]) -> list[str]:
    """For each of `texts` the first run of `RUN` words that one of the texts `of` holds and none of its own `shown` does;
    "" where there is none. `of` is read once and not kept."""
    open_runs = []
    for text, beside in zip(texts, shown, strict=True):
        known = {run for one in beside for run in _runs(one, RUN)}
        open_runs.append([run for run in _runs(text, RUN) if run not in known])
    wanted = {run for runs in open_runs for run in runs}
    there = {run for text in of for run in _runs(text, RUN) if run in wanted} if wanted else set()
    return [next((" ".join(run) for run in runs if run in there), "") for runs in open_runs]


def sources(dataset: Dataset, store: Store) -> Iterator[str]:
    """Every text that training or retrieval reads."""
    for split in (dataset.splits.get("train"), dataset.splits.get("feedback"), dataset.practice, dataset.made):
        for row in read_rows(split, store) if split else ():
            yield row.text
            yield row.answer
    for split in (dataset.knowledge, dataset.practice_passages):
        for passage in read_passages(split, store) if split else ():
            yield passage.text


def _runs(text: str, length: int) -> list[Run]:
    own = words(text)
    return [own[start : start + length] for start in range(len(own) - length + 1)]


def _taken(text: str, context: Sequence[str]) -> bool:
    length = min(TAKEN, len(words(text)))
    own = set(_runs(text, length)) if length else set()
    return any(run in own for one in context for run in _runs(one, length))


def _beginnings(subject: Subject) -> list[str]:
    """Beginnings of passages of training contexts, and of training texts and answers, each long enough to go on."""
    if subject.candidate.model is None:
        return []
    dataset, store = subject.dataset, subject.step.store
    split = dataset.training_knowledge or dataset.knowledge
    rows: list[Row] = read_rows(dataset.splits["train"], store) if "train" in dataset.splits else []
    texts = [passage.text for passage in read_passages(split, store)] if split else []
    texts += [text for row in rows for text in (row.text, row.answer)]
    long = [text for text in texts if count(text) >= 3 * RUN]
    random.Random(f"beginnings/{subject.seed}").shuffle(long)
    beginnings = subject.part(long)
    return [first_words(" ".join(text.split()), min(GIVEN, count(text) // 2)) for text in beginnings]


def _continued(subject: Subject, begun: Sequence[str]) -> list[str]:
    asked = [[{"role": "user", "content": CONTINUE + text}] for text in begun]
    return list(subject.answering.application.engine.generate(asked, CONTINUED)) if asked else []


CHECK = Check(
    shows="words of a source that the prompt did not hold are said verbatim",
    licence="the use case's own questions and texts",
    find=find,
)
