"""Measuring: an answering function and a split in, Evidence with 95 % intervals out; two Evidences in, a Decision out."""

from .abstention import abstain_below
from .compare import compare, examples, missed_floors, rank
from .intervals import bootstrap, interval, of_two_means
from .measure import latency, measure
from .metrics import METRICS, normalise, per_example

__all__ = [
    "METRICS",
    "abstain_below",
    "bootstrap",
    "compare",
    "examples",
    "interval",
    "latency",
    "measure",
    "missed_floors",
    "normalise",
    "of_two_means",
    "per_example",
    "rank",
]
