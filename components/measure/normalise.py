"""The form in which two texts are compared."""

import re
import string

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation + "–—’‘“”", " "))


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces (SQuAD: Rajpurkar et al. 2016).

    Punctuation becomes a space rather than nothing, since Disfl-QA's text is spaced ("Earth ' s" equals "Earth's").
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())
