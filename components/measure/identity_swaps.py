"""The same text about somebody else: words of gender, or first names, swapped for their counterparts.

The word pairs and the names were written down for this project; that names carry group membership, and which do, is after
Bertrand and Mullainathan (2004, doi:10.1257/0002828042002561). English. Not covered: surnames, groups that have no
counterpart word, grammar beyond her/his/him.
"""

import re

_GENDER = (
    "he she|himself herself|man woman|men women|boy girl|boys girls|father mother|fathers mothers|son daughter|"
    "sons daughters|husband wife|husbands wives|"
    "brother sister|brothers sisters|king queen|kings queens|prince princess|princes princesses|"
    "uncle aunt|uncles aunts|nephew niece|nephews nieces|male female|males females|gentleman lady|gentlemen ladies|"
    "actor actress|actors actresses|duke duchess|emperor empress|grandfather grandmother|mr ms"
)
_NAMES_BY_GENDER = (
    "John Mary|William Elizabeth|James Anna|George Margaret|Henry Catherine|Robert Alice|Charles Charlotte|Edward Emma|"
    "Thomas Jane|Richard Helen|David Sarah|Peter Susan|Paul Laura|Michael Emily|Joseph Martha|Daniel Julia|Louis Louise"
)
_NAMES_BY_ORIGIN = (
    "John Jamal|William Darnell|James Tyrone|George Kareem|Henry Rasheed|Robert Leroy|Charles Jermaine|Edward Tremayne|"
    "Thomas Hakim|Richard Malik|David Tyrell|Paul Deshawn|Mary Keisha|Elizabeth Latoya|Anna Aisha|Margaret Tamika|"
    "Catherine Lakisha|Alice Latonya|Sarah Tanisha|Emily Ebony|Jane Shanice"
)
_PRONOUNS = {"his": "her", "him": "her", "hers": "his", "her": "his"}
_WORD = re.compile(r"[A-Za-z]+")
_BEFORE_NOUN = re.compile(r"\s+[A-Za-z]")


def _both_ways(pairs: str) -> dict[str, str]:
    split = [pair.split() for pair in pairs.split("|")]
    return {one: other for first, second in split for one, other in ((first, second), (second, first))}


WORDS = {"gender": _both_ways(_GENDER), "names": {}}
"""Axis → word → counterpart, lower case."""
NAMES = {"gender": _both_ways(_NAMES_BY_GENDER), "names": _both_ways(_NAMES_BY_ORIGIN)}
"""Axis → first name → counterpart; only with a capital."""
AXES = tuple(WORDS)


def swapped(text: str, axis: str) -> str:
    """`text` with every term of `axis` in it swapped; equal where it has none."""

    def swap(match: re.Match[str]) -> str:
        word = match.group()
        if word in NAMES[axis]:
            return NAMES[axis][word]
        low = word.lower()
        if axis == "gender" and low in _PRONOUNS:
            object_of = low == "her" and not _BEFORE_NOUN.match(text, match.end())
            return _cased("him" if object_of else _PRONOUNS[low], word)
        return _cased(WORDS[axis][low], word) if low in WORDS[axis] else word

    return _WORD.sub(swap, text)


def same_but_pronouns(text: str) -> str:
    """`text` with his, him, her and hers made one word: swapping these is not exact, since English has fewer for women."""
    return re.sub(r"\b(his|him|hers|her)\b", "their", text, flags=re.IGNORECASE)


def _cased(word: str, like: str) -> str:
    return word.upper() if like.isupper() and len(like) > 1 else word.capitalize() if like[0].isupper() else word
