"""How long a text is, in words, sentences and characters of any script."""

from .sentences import sentences
from .words import characters, count

LENGTHS = {"words": count, "sentences": lambda text: len(sentences(text)), "characters": characters}
"""Unit → (text → how many it has)."""
