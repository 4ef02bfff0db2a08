"""What counts as the same text, word, label or name: decided here, by Unicode's rules, for every script.

Three strengths. *Same* (`same`): rows, labels and names. *Scored* (`scored`): the words that metrics compare. *Searched*
(`searched`): the words that retrieval looks up. `words` are the scored ones with English articles, which look for duplicates
and leaks counts; `holds` says whether a text stands in another. Benchmarks of the hub keep lm-eval's own rules.
"""

from .labels import label_of, named_first
from .searched import language_of, searched
from .strengths import same, scored
from .words import holds, stands, units, words

__all__ = ["holds", "label_of", "language_of", "named_first", "same", "scored", "searched", "stands", "units", "words"]
