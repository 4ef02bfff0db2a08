"""Which texts give an evaluation item away: its question again, however worded, or its question's content with its answer.

Six ways, surest first: equal words; a shared run of words (13-gram overlap: Brown et al. 2020, arXiv:2005.14165, appendix
C); the whole item within a longer text; near-equal (Jaccard of word sets); a paraphrase by rule (equal content in canonical
words, weighted by inverse document frequency; less is asked where the answer is the same too); and, in passages, a place
that holds the question's content words together with its answer. A shared answer alone is no leak, nor is a shared template
with another name or year in it: short questions that share a run are two where their numbers differ, or their words and
their answers do. A question that comes with a text is the same only where its text is: of equal words, or near-equal
without a content word on each side that the other lacks (those are one form, filled in for two people). Exact set
arithmetic over sparse matrices.

Of 500 Natural Questions that were wrapped in an instruction, all are found with their answer, 499 without; of 150 spoken
questions in shuffled words and without a mark, 142 after "Q:" and 134 on a line of their own. Of 1,000 spoken questions none
is taken for a benchmark's, and of 12,984 real passages that no item is about 3 hold an item's words: two benchmark items are
the name of a prize, and the question why the sky is blue. Not covered: synonyms of content words, translations, statements
of fewer than 8 words within a longer text.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .paraphrase import ASKS, SPOKEN, Content, readings, stems
from .word_sets import WordSets
from .words import count, words

RUN = 5
"""Words of a question that must stand in a text in one run; longer questions: up to 13."""
STATEMENT = 8
"""The same for what has no question word: a sentence, a review, a summary."""
SAME, SAME_WITH_ANSWER = 0.75, 0.5
"""Weighted Jaccard similarity of content from which two questions are one: by itself, and where the answers are equal."""
SUBSTITUTED = 0.15
"""What is asked on top where each side has a content word that the other lacks: another name in the same template."""
COVERED, WINDOW = 0.8, 40
"""Share (weighted) of a question's content that must stand within so many content words of its answer."""
_NOTHING = "yes no true false unknown none nothing impossible answer known information determined not is the can cannot be"
TELLS_NOTHING = frozenset(_NOTHING.split())
"""Answers of these words alone are no evidence of a leak."""
_SENTENCE_END = re.compile(r"(?<=[.?!؟])\s+|(?<=[。？！।])\s*|\n")
_ASKS = ("?", "？", "؟", "\u037e")
"""Question marks: Latin and most scripts, Chinese and Japanese, Arabic, Greek."""
_ANSWER = r"(?:^|\s)(?:a|answer)\s*\d*\s*[:.)]\s"
_MARKED = re.compile(rf"(?:^|\s)(?:q|question)\s*\d*\s*[:.)]\s*(\S.*?)\s*(?={_ANSWER}|$)", re.IGNORECASE | re.MULTILINE)
_PIECES = re.compile(r"\s+[-–—]+\s+|\t|\|")


@dataclass(frozen=True)
class Item:
    """One row of an evaluation set. where: its split or benchmark; answer: "" where there is none that tells anything."""

    where: str
    id: str
    question: str = ""
    answer: str = ""
    given: str = ""
    """The text that comes with the question, where one does."""


@dataclass(frozen=True)
class Leak:
    """`item` is given away. score: similarity or coverage, 1 at most; shared: the text that both hold."""

    item: Item
    how: str
    score: float
    shared: str
    answered: bool = False
    """The item's answer stands there too."""


class Leaks:
    """An index over evaluation items; `near` is the Jaccard bound on word sets, `run` the length of a shared run."""

    def __init__(self, items: Sequence[Item], near: float = 0.8, run: int = 13) -> None:
        self.items, self.near, self.run = items, near, run
        self._places = {item: number for number, item in enumerate(items)}
        self._words = [words(item.question) for item in items]
        self._answers = [_telling(item.answer) for item in items]
        self._equal: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._runs: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._asked: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
        for number, sequence in enumerate(self._words):
            self._equal[sequence].append(number)
            for gram in runs(sequence, run):
                self._runs[gram].append(number)
            if len(sequence) >= (RUN if ASKS & set(sequence) else STATEMENT):
                self._asked[sequence[:RUN]].append((number, min(run, len(sequence))))
        self._given = [number for number, item in enumerate(items) if item.given]
        self._texts = WordSets([frozenset(words(items[number].given)) for number in self._given])
        self._sets = WordSets([frozenset(sequence) for sequence in self._words])
        read = [(number, reading) for number, item in enumerate(items) for reading in readings(item.question)]
        self._owners = [number for number, _ in read]
        self._readings = [reading for _, reading in read]
        self._contents = WordSets([reading.stems for reading in self._readings], weighted=True)

    def of_rows(self, rows: Sequence[tuple[str, str]], given: Sequence[str] = ()) -> list[Leak | None]:
        """The surest leak of each (question or text, answer), or None. given: the texts that come with the questions"""
        beside = self._beside(given)
        leaks: list[Leak | None] = [None] * len(rows)
        sequences = [words(text) for text, _ in rows]
        for place, sequence in enumerate(sequences):
            equal = next(filter(beside(place), self._equal.get(sequence, ())), None)
            if equal is not None:
                leaks[place] = self._leak(equal, "equal", 1.0, sequence)
            else:
                found = self._with_a_run(*rows[place], sequence, beside(place))
                leaks[place] = found or self._within(rows[place][1], sequence, beside(place))
        self._likeness(rows, sequences, leaks, beside)
        for place, leak in enumerate(leaks):
            answer = _telling(rows[place][1])
            if leak and answer and answer == _telling(leak.item.answer):
                leaks[place] = replace(leak, answered=True)
        return leaks

    def of_passages(self, passages: Sequence[str]) -> list[list[Leak]]:
        """All leaks in each passage: the question itself (`question`, or with its answer near `question and answer`), or its
        content words beside its answer (`content and answer`)."""
        leaks: list[dict[int, Leak]] = [{} for _ in passages]
        canonical = [stems(passage) for passage in passages]
        for place, passage in enumerate(passages):
            sequence = words(passage)
            for number, length in self._standing(sequence):
                leaks[place][number] = self._leak(number, "question", 1.0, self._words[number][:length])
        asked = [(place, *one) for place, text in enumerate(passages) for one in _questions(text)]
        for (place, line, sure), leak in zip(asked, self.of_rows([(line, "") for _, line, _ in asked]), strict=True):
            if leak and (sure or self._asks(leak, line)):
                leaks[place].setdefault(self._places[leak.item], replace(leak, how="question", shared=line))
        for place, here in enumerate(leaks):
            for number, leak in here.items():
                if self._answers[number] and _stands(self._answers[number], canonical[place]):
                    here[number] = replace(leak, how="question and answer", answered=True)
        for place, number, score, shared in self._covered(canonical):
            leaks[place].setdefault(
                number, Leak(self.items[number], "content and answer", round(score, 4), shared, answered=True)
            )
        return [list(here.values()) for here in leaks]

    def _beside(self, given: Sequence[str]) -> Callable[[int], Callable[[int], bool]]:
        """Place of a row → whether item `number` comes with the same text as that row, or one of the two comes with none."""
        given = given if self._given else ()
        sets = [frozenset(words(text)) for text in given]
        same: list[set[int]] = [set() for _ in given]
        for place, at, score in self._texts.similar(sets, self.near):
            number = self._given[at]
            if score == 1 or not _differ(readings(given[place])[0], readings(self.items[number].given)[0]):
                same[place].add(number)

        def of(place: int) -> Callable[[int], bool]:
            if not given or not given[place]:
                return lambda number: True
            return lambda number: not self.items[number].given or number in same[place]

        return of

    def _leak(self, number: int, how: str, score: float, shared: Iterable[str]) -> Leak:
        return Leak(self.items[number], how, round(score, 4), " ".join(shared))

    def _with_a_run(self, text: str, answer: str, sequence: tuple[str, ...], beside: Callable[[int], bool]) -> Leak | None:
        """The first item that shares a run with `text` and is not another question in the same template."""
        others: set[int] = set()
        for gram in runs(sequence, self.run):
            for number in self._runs.get(gram, ()):
                if number in others or not beside(number):
                    continue
                short = max(len(sequence), len(self._words[number])) <= SPOKEN
                if not short or not self._other(number, text, _telling(answer)):
                    return self._leak(number, "shared words", 1.0, gram)
                others.add(number)
        return None

    def _within(self, answer: str, sequence: tuple[str, ...], beside: Callable[[int], bool]) -> Leak | None:
        """The first item that stands whole (or with its first 13 words) in a longer text: with the same answer, or, where
        one of the two has none, in enough words. A text with another answer goes on to ask for something else."""
        told = _telling(answer)
        for number, length in self._standing(sequence):
            right = self._answers[number]
            if not beside(number):
                continue
            if _stands(right, told) if right and told else len(self._words[number]) >= STATEMENT:
                return self._leak(number, "within", 1.0, self._words[number][:length])
        return None

    def _asks(self, leak: Leak, line: str) -> bool:
        """Whether a line without a question mark asks what the leaked item does, and does not tell it: the same words, or
        all of its content without its answer."""
        number = self._places[leak.item]
        if set(words(line)) == set(self._words[number]):
            return True
        right = self._answers[number]
        return leak.how == "paraphrase" and leak.score == 1 and not (right and _stands(right, stems(line)))

    def _other(self, number: int, text: str, answer: tuple[str, ...]) -> bool:
        """Whether a short `text` asks for something else than the item: of another number, or of another word with another
        answer."""
        right = self._answers[number]
        if answer and answer == right:
            return False
        one, two = readings(text)[0], readings(self.items[number].question)[0]
        answers_differ = bool(answer and right and not set(answer) & set(right))
        return _numbers_differ(one.stems, two.stems) or (answers_differ and _differ(one, two))

    def _likeness(
        self,
        rows: Sequence[tuple[str, str]],
        sequences: list[tuple[str, ...]],
        leaks: list[Leak | None],
        beside: Callable[[int], Callable[[int], bool]],
    ) -> None:
        """Near-equal words, and paraphrases, for the places that are still None."""
        read = [(place, one) for place, (text, _) in enumerate(rows) if not leaks[place] for one in readings(text)]
        contents = [one for _, one in read]
        for at, other, score in self._contents.similar([one.stems for one in contents], SAME_WITH_ANSWER):
            place, number = read[at][0], self._owners[other]
            if not beside(place)(number):
                continue
            same = _telling(rows[place][1])
            answered = bool(same) and same == self._answers[number]
            known = leaks[place]
            if _one_question(contents[at], self._readings[other], score, answered) and (not known or score > known.score):
                shared = sorted(contents[at].stems & self._readings[other].stems)
                leaks[place] = self._leak(number, "paraphrase", score, shared)
        left = [place for place in range(len(rows)) if not leaks[place]]
        for at, number, score in self._sets.similar([frozenset(sequences[place]) for place in left], self.near):
            place = left[at]
            one, two = readings(rows[place][0])[0], readings(self.items[number].question)[0]
            # short questions that differ in a name are two questions, however long their template
            if not leaks[place] and beside(place)(number) and not (_differ(one, two) and len(sequences[place]) <= WINDOW):
                shared = sorted(set(sequences[place]) & set(self._words[number]))
                leaks[place] = self._leak(number, "near-equal", score, shared)

    def _standing(self, sequence: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """(item, words) of the items whose words, or the first 13 of them, stand in `sequence` as one run."""
        for start in range(len(sequence) - RUN + 1):
            for number, length in self._asked.get(sequence[start : start + RUN], ()):
                run = self._words[number][:length]
                if sequence[start : start + length] != run:
                    continue
                whole = self._words[number]
                after = stems(" ".join(sequence[start : start + 2 * len(whole)]))
                if length == len(whole) or not _numbers_differ(frozenset(after), frozenset(stems(" ".join(whole)))):
                    yield number, length

    def _covered(self, passages: list[tuple[str, ...]]) -> Iterator[tuple[int, int, float, str]]:
        """(passage, item, share, words) where an answer has its question's content within WINDOW words."""
        usable = [
            at
            for at, reading in enumerate(self._readings)
            if self._answers[self._owners[at]] and len(reading.stems - set(self._answers[self._owners[at]])) >= 3
        ]
        wanted = [self._readings[at].stems - set(self._answers[self._owners[at]]) for at in usable]
        for place, at, _ in self._contents.covering([frozenset(passage) for passage in passages], wanted, COVERED):
            number = self._owners[usable[at]]
            share, shared = self._near_answer(passages[place], self._answers[number], wanted[at])
            if share >= COVERED:
                yield place, number, share, shared

    def _near_answer(self, passage: tuple[str, ...], answer: tuple[str, ...], wanted: frozenset[str]) -> tuple[float, str]:
        weigh = self._contents.weight
        best, shared = 0.0, ""
        for start in range(len(passage) - len(answer) + 1):
            if passage[start : start + len(answer)] == answer:
                window = passage[max(0, start - WINDOW) : start + len(answer) + WINDOW]
                held = wanted & set(window)
                share = sum(map(weigh, held)) / sum(map(weigh, wanted))
                if share > best:
                    best, shared = share, " ".join([*sorted(held), *answer])
        return best, shared


def runs(sequence: tuple[str, ...], length: int) -> list[tuple[str, ...]]:
    """All runs of `length` words; none when the text is shorter."""
    return [sequence[start : start + length] for start in range(len(sequence) - length + 1)]


def _questions(text: str) -> Iterator[tuple[str, bool]]:
    """(what may be a question, whether it surely is one), of three words or more: sentences up to a question mark, what
    stands after "Q:" or "Question 3:" up to its answer, and other short lines with a question word."""
    asks = any(mark in text for mark in _ASKS)
    sure = [sentence.strip() for sentence in _SENTENCE_END.split(text)] if asks else []
    sure = [sentence for sentence in sure if sentence.endswith(_ASKS)] + [match[1] for match in _MARKED.finditer(text)]
    yield from ((one, True) for one in sure if len(words(one)) >= 3)
    for line in text.splitlines():
        if not any(mark in line for mark in _ASKS) and count(line) <= 2 * SPOKEN:
            for piece in _PIECES.split(line):
                if 3 <= len(words(piece)) <= SPOKEN and any(reading.asks for reading in readings(piece)):
                    yield piece.strip(), False


def _telling(answer: str) -> tuple[str, ...]:
    """The answer's canonical words; none where they tell nothing ("no", "true")."""
    return () if set(words(answer)) <= TELLS_NOTHING else stems(answer)


def _stands(answer: tuple[str, ...], passage: tuple[str, ...]) -> bool:
    return any(passage[start : start + len(answer)] == answer for start in range(len(passage) - len(answer) + 1))


def _differ(one: Content, two: Content) -> bool:
    """Whether each lacks a content word of the other, or they ask for different things."""
    other = bool(one.asks and two.asks and not one.asks & two.asks)
    return other or bool(one.stems - two.stems and two.stems - one.stems)


def _numbers_differ(one: frozenset[str], two: frozenset[str]) -> bool:
    """Whether each has a number that the other lacks: another year in the same template."""
    first, second = ({word for word in words if word[0].isdigit()} for words in (one, two))
    return bool(first - second and second - first)


def _one_question(one: Content, two: Content, score: float, answered: bool) -> bool:
    if min(len(one.stems), len(two.stems)) < 2 or (not answered and _numbers_differ(one.stems, two.stems)):
        return False
    if one.asks and two.asks and not one.asks & two.asks:
        return answered and score >= SAME
    swapped = SUBSTITUTED if one.stems - two.stems and two.stems - one.stems else 0.0
    # the stop words are English: in other scripts a template's own words count as content, and two names in it are alike
    english = all(stem.isascii() for stem in one.stems | two.stems)
    return score >= (SAME_WITH_ANSWER if answered and english else SAME) + swapped
