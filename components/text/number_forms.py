"""One form for a number, however it is written: "1,997", "nineteen ninety-seven" and "1997" become the word "1997".

English only. Not covered: fractions, Roman numerals, negative numbers.
"""

import re
from collections.abc import Iterable, Iterator

_NAMES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"""
_SMALL, _TENS = _NAMES.split()[:20], _NAMES.split()[20:]
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
    **{f"{name}th": number for number, name in enumerate(_SMALL) if number not in (1, 2, 3, 5, 8, 9, 12)},
    **{f"{name[:-1]}ieth": 10 * number for number, name in enumerate(_TENS, 2)},
}  # fmt: skip
_VALUES = {name: number for number, name in enumerate(_SMALL)} | {name: 10 * number for number, name in enumerate(_TENS, 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ORDINAL_DIGITS = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")


def digits(text: str) -> str:
    """Lower-case `text` with thousands ungrouped, "20th" as "20" and "%" as "percent"."""
    return _ORDINAL_DIGITS.sub(r"\1", _GROUPED.sub("", text)).replace("%", " percent ")


def spelled(words: Iterable[str]) -> Iterator[str]:
    """`words` with each run of number words as one word of digits. A pair such as "nineteen ninety" is read as a year."""
    run: list[str] = []
    for word in words:
        joins = word == "and" and run and run[-1] in _SCALES
        if joins or word in _VALUES or word in _ORDINALS or word in _SCALES or (word.isdecimal() and len(word) < 16):
            if not joins:
                if word.isdecimal() and run:  # two numbers side by side stay two
                    yield from _read(run)
                    run = []
                run.append(word)
            continue
        if run:
            yield from _read(run)
            run = []
        yield word
    if run:
        yield from _read(run)


def _read(run: list[str]) -> Iterator[str]:
    """A run of number words as digits; more than one number where the run does not read as one."""
    if run[0] in _SCALES:  # "millions of", "hundred" by themselves are words
        yield run[0]
        if run[1:]:
            yield from _read(run[1:])
        return
    total, part = 0, None
    for word in run:
        value = int(word) if word.isdecimal() else _VALUES.get(word, _ORDINALS.get(word))
        if value is None:
            part = (part or 1) * _SCALES[word]
            if _SCALES[word] > 100:
                total, part = total + part, None
        elif part is None or (part % 100 == 0 and value < 100) or (part % 100 >= 20 and part % 10 == 0 and value < 10):
            part = (part or 0) + value
        elif 10 <= part < 100 and 10 <= value < 100 and not total:
            part = part * 100 + value
        else:
            yield str(total + part)
            total, part = 0, value
    yield str(total + (part or 0))
