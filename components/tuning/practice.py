"""Practice rows: questions with their own passages, from another source, read once before the use case's own rows.

A few hundred labelled rows teach a small model what to say, not to read. Rows of another data set whose answers stand in
their passages teach it to find and copy; some are shown a part of the passage without the answer, to abstain. Spoken
language is imitated by a slip and its repair inside the question. Cloze questions made from the knowledge base (Lewis et al.
2019, arXiv:1906.04980) were tried in their place: 900 of them moved F1 on 200 validation rows by less than 0.01.
Not covered: answers that no passage holds word for word.
"""

import random
import re
from itertools import islice

from components.core import Dataset, Row, Step, Task, read_passages, read_rows
from components.training.contexts import as_written, find
from components.training.examples import Shown

WINDOW = 90
"""Words of a passage that are shown: shorter than a real context, and so cheaper."""

LONGEST = 12
"""Words in an answer."""

ABSTAINING = 0.15
"""Share of rows that are shown a part of their passage without the answer."""

SLIPS = 0.5
"""Share of questions with a slip: something else from the text, then a repair."""

REPAIRS = ("no", "no wait", "sorry", "or rather", "I mean", "er", "no make that", "scratch that")
"""What stands between a slip and its correction in spoken questions."""

_NAMED = re.compile(r"(?<=[a-z,] )[A-Z][\w'-]+(?: (?:of the |of |the )?[A-Z][\w'-]+){0,3}|\b\d[\d,.]*\d\b")


def practice_rows(task: Task, dataset: Dataset, count: int, seed: int, step: Step, made: bool = False) -> list[Shown]:
    """Up to `count` of the dataset's practice rows as they are shown in training, in an order that the seed gives.

    Rows whose answer is long, stands in the question, or does not stand in the passage are left out; so are those
    that nobody collected, unless `made`.
    """
    if dataset.practice is None or dataset.practice_passages is None:
        return []
    texts = {passage.id: passage.text for passage in read_passages(dataset.practice_passages, step.store)}
    rows = [row for row in read_rows(dataset.practice, step.store) if made or row.origin == "collected"]
    draw = random.Random(f"practice/{seed}")
    draw.shuffle(rows)
    shown = (_shown(task, row, texts[row.passage or ""], draw) for row in rows)
    return list(islice(filter(None, shown), count))


def _shown(task: Task, row: Row, text: str, draw: random.Random) -> Shown | None:
    place = find(row.answer, text)
    if place is None or len(place[0].split()) > LONGEST or find(row.answer, row.text):
        return None
    words = text.split()
    before = len(text[: place.start()].split())
    first = max(0, before - draw.randrange(WINDOW - LONGEST))
    window = " ".join(words[first : first + WINDOW])
    answer = as_written(row.answer, [window])
    if not find(answer, window):
        return None
    if task.abstain and draw.random() < ABSTAINING:
        parts = [" ".join(words[start : start + WINDOW]) for start in range(0, len(words) - WINDOW // 2, WINDOW)]
        others = [part for part in parts if not find(answer, part)]
        if others:
            window, answer = draw.choice(others), task.abstain
    return Shown(_spoken(row.text, row.answer, window, draw), (window,), answer)


def _spoken(question: str, answer: str, text: str, draw: random.Random) -> str:
    """`question`, at times with a slip: another name or number of the text that is shown, never the answer."""
    named = [match[0] for match in _NAMED.finditer(text)]
    named = [name for name in named if name not in question and not find(name, answer) and not find(answer, name)]
    if not named or draw.random() >= SLIPS:
        return question
    words = question.split()
    cut = draw.randrange(0, max(1, len(words) // 2 + 1))
    return " ".join([*words[:cut], draw.choice(named), draw.choice(REPAIRS), *words[cut:]])
