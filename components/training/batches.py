"""Batches listed up front: rows of like length together, in an order that the seed alone gives.

With the whole order known before the first step, a resumed run skips what was done and meets the same batches.
"""

import random
from collections.abc import Sequence


def batches(lengths: Sequence[int], rows: int, epochs: float, seed: int, pool: int = 16) -> list[list[int]]:
    """Row numbers of every batch of the run, in order.

    lengths: tokens of each row
    rows:    rows in a batch
    epochs:  passes over all rows; the last one may be a part
    pool:    batches among which rows are sorted by length: padding stays under a tenth, and yet no epoch repeats a batch
    """
    listed: list[list[int]] = []
    wanted = max(1, round(epochs * len(lengths) / rows))
    epoch = 0
    while len(listed) < wanted:
        draw = random.Random(f"{seed}/{epoch}")
        order = list(range(len(lengths)))
        draw.shuffle(order)
        passed: list[list[int]] = []
        for start in range(0, len(order), rows * pool):
            near = sorted(order[start : start + rows * pool], key=lambda i: (lengths[i], i))
            passed += [near[i : i + rows] for i in range(0, len(near), rows)]
        draw.shuffle(passed)
        listed += passed
        epoch += 1
    return listed[:wanted]
