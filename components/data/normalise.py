"""Normal form of texts, by the switches of `data.normalise`."""

import re
import unicodedata
from collections.abc import Callable

import regex

from components.core import BadInput, Normalise
from components.text.searched import STOP_WORDS

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}\p{N}_]+)*")
_SPACES = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n\s*\n")


def normaliser(rules: Normalise, language: str) -> Callable[[str], str]:
    """text → its normal form. Raises BadInput where the language has no list of stop words."""
    stop = stop_words(language) if rules.stop_words == "drop" else frozenset()

    def normalised(text: str) -> str:
        if rules.unicode != "keep":
            text = unicodedata.normalize("NFC" if rules.unicode == "nfc" else "NFKC", text)
        if rules.case == "lower":
            text = text.lower()
        if stop:
            text = _SPACES.sub(" ", _WORD.sub(lambda word: "" if word[0].lower() in stop else word[0], text))
        if rules.whitespace == "collapse":
            lines = (_SPACES.sub(" ", line).strip() for line in _EMPTY_LINES.sub("\n\n", text).split("\n"))
            text = "\n".join(lines)
        return text.strip()

    return normalised


def stop_words(language: str) -> frozenset[str]:
    """The words that a language uses most, as bm25s lists them; raises BadInput where it has no list."""
    from bm25s import stopwords

    name = STOP_WORDS.get(language.split("-")[0].lower())
    if name is None:
        raise BadInput(
            f"key 'data.normalise.stop_words': no list for task.language '{language}'; allowed: {', '.join(STOP_WORDS)}"
        )
    return frozenset(getattr(stopwords, f"STOPWORDS_{name}"))
