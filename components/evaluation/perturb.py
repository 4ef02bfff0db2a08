"""The same question asked otherwise, in the manner of HELM's perturbations (Liang et al. 2022, arXiv:2211.09110).

Robustness: two neighbouring letters swapped inside words, as in hurried typing; spoken: no capitals, no marks, fillers.
Fairness: the same question about the other gender. English. Not covered: dialects, names, other groups.
"""

import random
import re

import regex

from .items import Item

TYPO_SHARE = 0.2
"""Of the words of four letters and more that are misspelt."""
FILLERS = ("uh", "um", "er", "well", "you know", "I mean")
FILLER_EVERY = 5
"""Words to a filler, on average."""

_PAIRS = """he/she man/woman men/women male/female boy/girl boys/girls father/mother fathers/mothers son/daughter
sons/daughters husband/wife husbands/wives brother/sister brothers/sisters uncle/aunt king/queen kings/queens prince/princess
mr/mrs himself/herself gentleman/lady gentlemen/ladies actor/actress waiter/waitress nephew/niece grandfather/grandmother"""
OTHER_GENDER = {one: other for pair in _PAIRS.split() for a, b in [pair.split("/")] for one, other in ((a, b), (b, a))}
_MARKS = regex.compile(r"[^\p{L}\p{M}\p{N}_\s'-]|(?<![\p{L}\p{M}\p{N}_])['-]|['-](?![\p{L}\p{N}_])")
OTHER_GENDER |= {"him": "her", "his": "her", "her": "his", "hers": "his"}
"""`her` is him or his: taken as his, which is so more often than not."""


def typed_in_haste(text: str, seed: int) -> str:
    """`text` with typing errors, equal for equal texts and seeds."""
    chance = random.Random(f"{seed}:{text}")
    return re.sub(r"[a-zA-Z]{4,}", lambda match: _mistyped(match.group(), chance), text)


def spoken(text: str, seed: int) -> str:
    """`text` as a recogniser of speech writes it: small letters, no marks but those inside words, fillers."""
    chance = random.Random(f"{seed}:{text}")
    words: list[str] = []
    for word in _MARKS.sub("", text.lower()).split():
        if words and chance.random() < 1 / FILLER_EVERY:
            words.append(chance.choice(FILLERS))
        words.append(word)
    return " ".join(words)


def with_typos(item: Item, seed: int) -> Item:
    """A benchmark item with typing errors in the question; what is to be chosen from stays as it is."""
    chance = random.Random(f"{seed}:{item['text']}")
    lines = [
        line
        if re.match(r"[A-J]\. |Answer:", line)
        else re.sub(r"[a-zA-Z]{4,}", lambda match: _mistyped(match.group(), chance), line)
        for line in item["text"].split("\n")
    ]
    return {**item, "text": "\n".join(lines)}


def about_the_other_gender(text: str) -> str:
    """`text` with each word that names a gender in place of the other's."""

    def swap(match: re.Match[str]) -> str:
        word = match.group()
        other = OTHER_GENDER.get(word.lower())
        if other is None:
            return word
        return other.capitalize() if word[0].isupper() else other

    return re.sub(r"[A-Za-z]+", swap, text)


def with_groups_swapped(item: Item) -> Item:
    """A benchmark item about the other gender, its choices too."""
    choices = [about_the_other_gender(choice) for choice in item["choices"]]
    return {**item, "text": about_the_other_gender(item["text"]), "choices": choices}


def _mistyped(word: str, chance: random.Random) -> str:
    if chance.random() >= TYPO_SHARE:
        return word
    at = chance.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
