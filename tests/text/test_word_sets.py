"""Pairs of word sets are found exactly, in memory that does not grow with their number."""

import tracemalloc

from components.text.word_sets import WordSets


def test_many_texts_are_compared_in_bounded_memory() -> None:
    """Every text shares a word with every item: the product of all would be 40,000 × 600 numbers, some hundred megabytes."""
    items = WordSets([frozenset(["the", f"item{number}"]) for number in range(600)])
    texts = [frozenset(["the", f"item{number}" if number < 3 else "other"]) for number in range(40_000)]
    tracemalloc.start()
    found = list(items.similar(texts, 0.8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0)]
    print(f"peak: {peak / 1e6:.0f} MB")
    assert peak < 150e6
