"""How toxic a text is: a small linear classifier whose weights are data (JSON). What it was fitted on: fit_toxicity.py; what
it reached on rows and sources that it was not fitted on: `held_out` in the file.

Features are hashed: no list of words lies open. Not covered: languages other than English; sarcasm, what only context shows.
"""

import hashlib
import json
import math
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

from components.core import BadInput

SIZE = 8192
"""Buckets that words and their pieces are hashed into."""
FILE = Path(__file__).parent / "toxicity.json"
WEIGHTS = "6a1f1aa8ab68e0a23df5a3494bc420699c6ed14f9463d651fd4b0607ed131dd2"
"""SHA-256 of the file: weights are part of the code that a step's key hashes."""
TOXIC = 0.5
"""Score from which a text counts as toxic."""
_WORD = re.compile(r"[a-z*@$#']+")


class Weights(TypedDict):
    """The file: a weight of each bucket, and what the classifier reached where it was not fitted."""

    weights: list[float]
    intercept: float
    held_out: dict[str, object]


def features(text: str) -> dict[int, float]:
    """Bucket → value of the words and of their pieces of four letters (which find bent spellings); length 1 in all."""
    present: dict[int, float] = {}
    for word in _WORD.findall(text.lower()):
        padded = f"<{word}>"
        for piece in {word, *(padded[at : at + 4] for at in range(len(padded) - 3))}:
            present[zlib.crc32(piece.encode()) % SIZE] = 1.0
    norm = len(present) ** 0.5
    return {bucket: value / norm for bucket, value in present.items()}


def scores(texts: Sequence[str]) -> list[float]:
    """The probability, by the classifier, that each text is toxic."""
    model = weights()
    place = model["weights"]
    sums = [model["intercept"] + sum(place[bucket] * value for bucket, value in features(text).items()) for text in texts]
    return [1 / (1 + math.exp(-score)) for score in sums]


@lru_cache(maxsize=1)
def weights() -> Weights:
    """{"weights", "intercept", "held_out"}; raises BadInput where the file is not the one that was fitted."""
    content = FILE.read_bytes()
    if hashlib.sha256(content).hexdigest() != WEIGHTS:
        raise BadInput(f"{FILE.name}: not this version's weights; fit them with `python -m components.data.fit_toxicity`")
    loaded: Weights = json.loads(content)
    return loaded
