"""Practice questions made from the training knowledge: a name, a date or a number of a sentence becomes the answer.

A few hundred labelled rows teach a small model what to say, not to read. Cloze questions from the same passages (after
Lewis et al. 2019, "Unsupervised Question Answering by Cloze Translation") teach it to copy the asked span, before the
labelled rows. No row, passage or answer of validation, test or a benchmark is used. Not covered: grammar of the questions,
languages that do not write names with capitals.
"""

import random
import re

from components.core import Dataset, Passage, Step, read_passages

from .examples import Shown

WINDOW = 90
"""Words of context around the sentence: shorter than a real passage, and so cheaper."""

_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z\"(])")
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][\w'-]+)(?: (?:of the |of |the )?[A-Z][\w'-]+){0,4}")
_NUMBER = re.compile(r"\b\d[\d,.]*(?: (?:million|billion|thousand|percent|%|[a-z]{4,}))?")
_YEAR = re.compile(r"^1\d{3}$|^20\d{2}$")
_SLIPS = (" , no wait ,", " uh", " , I mean ,", " , sorry ,", " um")


def cloze_rows(dataset: Dataset, count: int, seed: int, step: Step) -> list[Shown]:
    """`count` questions (fewer in a small base), each from another passage, in an order that the seed gives."""
    if dataset.training_knowledge is None or count == 0:
        return []
    passages = sorted(read_passages(dataset.training_knowledge, step.store), key=lambda passage: passage.id)
    draw = random.Random(f"cloze/{seed}")
    draw.shuffle(passages)
    found: list[Shown] = []
    for passage in passages:
        if len(found) == count:
            break
        made = _question(passage, draw)
        if made:
            found.append(made)
    return found


def _question(passage: Passage, draw: random.Random) -> Shown | None:
    sentences = _SENTENCE.split(passage.text)
    spans = [
        (place, match) for place, text in enumerate(sentences) if 6 <= len(text.split()) <= 40
        for pattern in (_NAME, _NUMBER) for match in pattern.finditer(text)
    ]  # fmt: skip
    if not spans:
        return None
    place, match = draw.choice(spans)
    sentence, answer = sentences[place], match[0].rstrip(" .,")
    asked = f"{_left(sentence[: match.start()])}{_wh(answer)}{_right(sentence[match.end() :])}"
    if draw.random() < 0.5:
        words = asked.split()
        cut = draw.randrange(1, max(2, len(words) // 2))
        asked = " ".join(words[:cut]) + draw.choice(_SLIPS) + " " + " ".join(words[cut:])
    return Shown(f"{asked} ?", (_around(sentences, place),), answer) if answer not in asked else None


def _wh(answer: str) -> str:
    if _YEAR.match(answer):
        return "what year"
    number = re.match(r"\d[\d,.]*(?: (.*))?$", answer)
    return "how many" if number else "what"


def _left(text: str) -> str:
    """The last clause before the answer."""
    return " ".join(re.split(r"[;:]| , ", text)[-1].split()[-14:]) + " "


def _right(text: str) -> str:
    return " " + " ".join(re.split(r"[;:]| , |, ", text)[0].strip(" .").split()[:10])


def _around(sentences: list[str], place: int) -> str:
    first = last = place
    words = len(sentences[place].split())
    while words < WINDOW and (first > 0 or last < len(sentences) - 1):
        if last < len(sentences) - 1:
            last += 1
            words += len(sentences[last].split())
        if first > 0 and words < WINDOW:
            first -= 1
            words += len(sentences[first].split())
    return " ".join(sentences[first : last + 1])
