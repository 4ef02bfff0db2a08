"""Questions from passages by cloze: a span of a sentence becomes the answer, the sentence around it the question.

Lewis et al. 2019, "Unsupervised Question Answering by Cloze Translation", arXiv:1906.04980, with spans found by rule (a
date, a number, a name, a noun phrase with its article) instead of a tagger, and the cloze turned into a question by rule:
the question word comes first, and the auxiliary that stands before the span comes second.
Not covered: languages other than English, answers over several sentences.
"""

import re

from .draft import Draft

KIND = "question_answering"
ENGLISH_ONLY = True

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”']?\s+(?=[A-Z\"“'(])")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NAME = r"[A-Z][\w'’-]+"
_SPANS = {
    "date": rf"\b(?:\d{{1,2}} )?(?:{_MONTHS})(?: \d{{1,2}})?(?: ?, \d{{4}}| \d{{4}})?\b|\b(?:1\d|20)\d\d\b",
    "number": r"(?<!\d [.,] )\b\d[\d,.]*(?<![,.])\b(?! [.,] \d)",
    "name": rf"\b{_NAME}(?: (?:(?:of|de|van|von) (?:the )?)?{_NAME}){{0,3}}",
    "noun phrase": r"(?<=\b[Tt]he )(?:[a-z-]+ ){1,2}[a-z-]+(?=$| (?:in|on|at|by|to|from|with|that|which|was|were|is|are)\b)",
}
_FIND = {name: re.compile(pattern) for name, pattern in _SPANS.items()}
_OPENERS = set(
    re.findall(
        r"\w+",
        """a an the this that these those it its he his she her they their we our you i in on at by for from to of as when
        while after before during since although though because if however some many most all both each such there here one
        two three four five other another also but and or not with within under over between until""",
    )
)
"""Words that are written with a capital only since a sentence starts with them."""
_JOINED = {"which", "who", "that", "where", "and", "or", "but", "though", "although", "as", "including", "such"}
"""A clause that starts with one of these says nothing by itself."""
_AUXILIARY = {
    *("is", "are", "was", "were", "has", "have", "had", "do", "does", "did"),
    *("can", "could", "will", "would", "may", "might", "must", "should"),
}
_PLACE, _TIME = ("in", "at", "near", "from", "to"), ("in", "on", "during", "since", "around", "by", "until")
_CLAUSE = re.compile(r" ?[;:()—–\[\]] ?| ?, | -- ")
SHORTEST = 5
"""Words of a clause that can be asked about."""


def drafts(passage: str) -> list[Draft]:
    """Every span of every clause as a question; no two spans of a clause share a word."""
    text = " ".join(passage.split())
    known = set(re.findall(rf"(?<=[a-z,] ){_NAME}", text))
    questions = []
    for sentence in _SENTENCE_END.split(text):
        for clause in _CLAUSE.split(sentence.strip(' .!?"“”')):
            if len(clause.split()) < SHORTEST or clause.split()[0] in _JOINED:
                continue
            taken: list[tuple[int, int]] = []
            for span, start, end in _spans(clause, known):
                if all(end <= first or start >= last for first, last in taken):
                    taken.append((start, end))
                    questions.append(Draft(_question(clause, span, start, end), clause[start:end], span))
    return questions


def _spans(clause: str, known: set[str]) -> list[tuple[str, int, int]]:
    """(what it is, start, end). known: words with a capital inside sentences; a clause may start with another one."""
    spans = []
    for span, pattern in _FIND.items():
        for match in pattern.finditer(clause):
            start, end = match.span()
            first, *rest = match[0].split()
            alone = start == 0 and first not in known and not rest
            if span == "name" and (alone or first.lower() in _OPENERS):
                start += len(first) + 1  # "The Normans": the name starts at its second word
            if start < end:
                spans.append((span, start, end))
    return spans


def _question(clause: str, span: str, start: int, end: int) -> str:
    before, after = clause[:start].split(), clause[end:].split()
    if span == "noun phrase":
        before = before[:-1]  # its article
    preposition = before[-1].lower() if before else ""
    asked = _question_word(span, preposition, after, bool(before))
    if (asked == ["When"] and preposition in _TIME) or (asked == ["Where"] and preposition in _PLACE):
        before = before[:-1]
    if asked == ["How", "many"]:  # what is counted comes with the question word
        asked, after = [*asked, after[0]], after[1:]
    if before and before[0] not in ("I",) and before[0].lower() in _OPENERS:
        before = [before[0].lower(), *before[1:]]
    place = next((number for number, token in enumerate(before) if token in _AUXILIARY), None)
    if place is not None:
        before = [before[place], *before[:place], *before[place + 1 :]]
    return " ".join([*asked, *before, *after, "?"])


def _question_word(span: str, preposition: str, after: list[str], inside: bool) -> list[str]:
    if span == "date":
        return ["When"] if inside and preposition in _TIME else ["What", "date"]
    if span == "number":
        return ["How", "many"] if after and re.fullmatch(r"[a-z]{3,}s", after[0]) else ["What", "number"]
    if span == "name" and inside:
        return ["Where"] if preposition in ("in", "at", "near") else ["Who"] if preposition == "by" else ["What"]
    return ["Who", "or", "what"] if span == "name" else ["What"]
