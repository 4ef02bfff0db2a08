"""How many of an answer's names and numbers were given: those that neither the input nor the reference holds are added.

Names and numbers of no source are what readers call hallucinated (Nan et al. 2021, arXiv:2102.09130); an answer that is
longer than its input must add words, but need not add facts. A number is a word with a digit, however it is written
("nineteen" is 19: number_forms.py); a name is a word with a capital that does not begin a sentence.

Measured on XSum, share of pairs (the first ten sentences, one name or number of another text in them) that it orders
rightly, ties half: 0.95 of 273.

Not covered: names in scripts without capitals; added facts without name or number. German's nouns are all taken for names.
"""

import regex

from components.text import sentences
from components.text.paraphrase import stems

from . import Definition

_CAPITAL = regex.compile(r"\p{Lu}[\p{L}\p{M}\p{N}'’-]*")
_BEGINS = regex.compile(r"[^\p{L}\p{N}]*[\p{L}\p{N}]\S*")


def facts(text: str) -> set[str]:
    """The names and numbers of `text`, word by word, in canonical form."""
    behind = [_BEGINS.sub("", sentence, count=1) for sentence in sentences(text)]
    names = stems(" ".join(found for rest in behind for found in _CAPITAL.findall(rest)))
    return {*names, *(word for word in stems(text) if any(sign.isdigit() for sign in word))}


def given_facts(answer: str, *given: str) -> float | None:
    """Share of the names and numbers of `answer` that stand in a text of `given`, in [0, 1]; None where it has none."""
    said, known = facts(answer), {word for text in given for word in stems(text)}
    return len(said & known) / len(said) if said else None


METRICS = (
    Definition(
        name="given_facts",
        meaning="share of an answer's names and numbers that input or reference hold: the others are added",
        per_example=lambda case: given_facts(case.text, case.row.text, case.row.answer),
    ),
)
