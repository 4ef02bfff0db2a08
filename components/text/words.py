"""The words of a text in any script, case folded, in the order in which they stand.

A word is a run of letters, marks and digits (Unicode's general categories, by `regex`). Scripts written without spaces are
cut by ICU's dictionaries (`icu4py`), to which Unicode's Annex 29 leaves them. Signs that carry meaning stay: a number keeps
its sign, comparison and decimals (`-1`, `<50`, `3.5`), a letter its plus signs (`c++`, `f#`, `b-`); other symbols, `#` and
`%` are words of their own; punctuation is none. Compatibility forms are one (NFKC: `１` is `1`), but for raised and lowered
digits and fractions, since `10²` is not `102`. 13,000 English passages of 120 words take 1.3 s, as long as bm25s takes
for its own cut.

Not covered: which dictionary form a word has (searched.py stems), vowel points (searched.py drops them).
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex


def _pattern(within: str, letter: str, sign: str) -> str:
    """Words as a regular expression, over the characters of a word, the letters that begin one, and signs."""
    inside, number = f"[{within}]", r"\d+(?:[.,:]\d+)*"
    return (
        rf"{letter}{inside}*"
        rf"(?:(?=[+#-])(?:\+\++|(?:\+|#+)(?!{inside}|\+)|(?<=(?<!{inside}){letter})-(?![{within}-])))?"  # C++, F#, B-
        rf"|(?:(?<![{within})\]])-|(?<![{within}+])[+±<>≤≥≈]=?-?)?"  # -1, <=50; not the dash of a range
        rf"(?:(?<!\d)\.)?{number}(?!{inside})"
        rf"|\d{inside}*|_+(?=[^\W_]){inside}*|={{2,}}|~{{2,}}|{sign}"
    )


_ASCII = re.compile(_pattern("a-z0-9_", "[a-z]", r"[+<>=~$^#%]"))
_ANY = regex.compile(
    _pattern(r"\p{L}\p{M}\p{N}_", r"\p{L}", r"[\p{Sm}\p{Sc}\p{So}\^#%‰\U0001F3FB-\U0001F3FF--[|]]"), regex.VERSION1
)
_APART = re.compile(r"(?<=\d) (\.) (?=\d)|(?<=\d) (,) (?=\d{3}(?!\d))|(?<=[<>=≤≥≈±]) (?=[-.]?\d)")
"""Numbers as spaced text has them: "3 . 5", "5 , 000", "< 50"."""
_HINTS = (" . ", " , ", "< ", "> ", "= ", "≤ ", "≥ ", "≈ ", "± ")
_TYPESET = str.maketrans("’‘“”–—…−﹣－⁻‐‑", "''\"\"   ------") | {0x200B: " "}
"""Quotes and dashes are punctuation, minus signs one, the zero-width space parts words of scripts without spaces."""
_RAISED = regex.compile(r"[⁰¹²³⁴-⁹]+|[₀-₉]+|[¼-¾⅐-⅞]")
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}ـ]+")
"""Zero-width joiners, soft hyphens, variation selectors; and the line that stretches Arabic words."""
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー々〆]"
_UNSPACED = regex.compile(UNSPACED)
LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--{UNSPACED}--[\p{{Hangul}}]]"
"""A letter beside which no word may end or begin (`regex.VERSION1`): of a script that does not write words together."""
_RUN = regex.compile(rf"(?:{UNSPACED}[\p{{M}}]*)+|.+?(?=(?:{UNSPACED})|$)", regex.VERSION1 | regex.DOTALL)
_CHARACTER = regex.compile(rf"{UNSPACED}\p{{M}}*|\p{{Hangul}}\p{{M}}*|.+?(?=(?:{UNSPACED}|\p{{Hangul}})|$)", regex.DOTALL)
_LETTERS = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
_SPLITS = regex.compile(rf"{UNSPACED}|\p{{Hangul}}")


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, articles included; texts with equal words read the same."""
    whole = uncut(text)
    if not unspaced(text):
        return tuple(whole)
    return tuple(part for word in whole for part in by_dictionary(word))


def units(text: str) -> tuple[str, ...]:
    """`words`, but scripts in which words run together (Chinese, Japanese, Thai; Korean, with its particles) character by
    character: what stands in a text stands there however a dictionary cuts it."""
    whole = uncut(text)
    if text.isascii() or not _SPLITS.search(text):
        return tuple(whole)
    return tuple(part for word in whole for part in (_CHARACTER.findall(word) if _SPLITS.search(word) else (word,)))


def uncut(text: str) -> list[str]:
    """The words of `text` where only space and punctuation part them."""
    folded = fold(text)
    parts: list[str] = (_ASCII if folded.isascii() else _ANY).findall(folded)
    return parts


def stands(part: Sequence[str], whole: Sequence[str]) -> int:
    """How often the run `part` stands in `whole`."""
    one, all_ = tuple(part), tuple(whole)
    return sum(all_[start : start + len(one)] == one for start in range(len(all_) - len(one) + 1)) if one else 0


def unspaced(text: str) -> bool:
    """Whether a part of `text` is in a script that writes words without spaces between them."""
    return not text.isascii() and bool(_UNSPACED.search(text))


def count(text: str) -> int:
    """How many words `text` has as people count them: between spaces, and by dictionary where a script has none."""
    return len(as_written(text))


def characters(text: str) -> int:
    """How many characters `text` has as people count them (grapheme clusters: Unicode's Annex 29), outer space apart."""
    return len(regex.findall(r"\X", text.strip()))


def as_written(text: str) -> list[str]:
    """The words of `text` as `count` counts them, with their punctuation where spaces part them."""
    if not unspaced(text):
        return text.split()
    written: list[str] = []
    for part in text.split():
        written += ([part[start:end] for start, end in spans(part)] if unspaced(part) else []) or [part]
    return written


def first_words(text: str, most: int) -> str:
    """`text` up to its word number `most`, by `count`; all of it where it has no more."""
    if not unspaced(text):
        parts = text.split(" ", most)
        return text if len(parts) <= most else " ".join(parts[:most])
    ends = [end for _, end in spans(text)]
    return text if len(ends) <= most else text[: ends[most - 1]] if most else ""


def spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of each run of letters, marks and digits of `text` as it stands, cut by dictionary."""
    places = []
    for run in _LETTERS.finditer(text):
        start = run.start()
        for part in by_dictionary(run[0]):
            places.append((start, start + len(part)))
            start += len(part)
    return places


def fold(text: str) -> str:
    """One form of letters: compatibility forms and cases are one, what is not seen is gone."""
    if not text.isascii():
        text = text.translate(_TYPESET)
    if text.isascii():
        text = text.lower()
    else:
        text = _RAISED.sub(_in_line, _INVISIBLE.sub("", text))
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = text.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")  # NFKC cuts Thai's and Lao's `am`
    return _APART.sub(r"\1\2", text) if any(hint in text for hint in _HINTS) else text


def _in_line(match: "regex.Match[str]") -> str:
    """`²` as `^2`, `₂` as `_2`, `½` apart from the number before it."""
    sign = match[0]
    if sign[0] in "¼½¾" or "⅐" <= sign[0] <= "⅞":
        return f" {sign} "
    return ("_" if "₀" <= sign[0] <= "₉" else "^") + unicodedata.normalize("NFKC", sign)


@lru_cache(maxsize=100_000)
def by_dictionary(word: str) -> tuple[str, ...]:
    """The words that are written together in `word`; itself where its script has spaces."""
    if not _UNSPACED.search(word):
        return (word,)
    return tuple(part for run in _RUN.findall(word) for part in (_segments(run) if _UNSPACED.search(run) else (run,)))


def _segments(run: str) -> list[str]:
    from icu4py.breakers import WordBreaker

    breaker = WordBreaker(run, "en")  # the dictionaries are the same in every locale
    return list(breaker)
