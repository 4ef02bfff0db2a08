"""What counts as the same text, word, label or name: decided here, by Unicode's rules, for every script.

Three strengths. *Same* (`same`): rows, labels and names. *Scored* (`scored`): the words that metrics compare. *Searched*
(`searched`): the words that retrieval looks up. `words` are the scored ones with English articles, by which duplicates and
leaks are found; `holds` says whether a text stands in another. Benchmarks of the hub keep lm-eval's own rules.
"""

from .fenced import fenced
from .given import apart, together
from .labels import label_of, matching_label
from .language import english_only, is_english
from .lengths import LENGTHS
from .marks import Mark, marked, places, unmarked
from .searched import language_of, searched
from .sentences import sentences
from .strengths import begins, holds, same, scored
from .words import as_written, characters, count, first_words, spans, stands, units, unspaced, words

__all__ = [
    "LENGTHS",
    "Mark",
    "apart",
    "as_written",
    "begins",
    "characters",
    "count",
    "english_only",
    "fenced",
    "first_words",
    "holds",
    "is_english",
    "label_of",
    "language_of",
    "marked",
    "matching_label",
    "places",
    "same",
    "scored",
    "searched",
    "sentences",
    "spans",
    "stands",
    "together",
    "units",
    "unmarked",
    "unspaced",
    "words",
]
