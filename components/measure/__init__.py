"""Measuring: an answering function and a split in, Evidence with 95 % intervals out; two Evidences in, a Decision out."""

from .compare import compare, examples, missed_floors, rank
from .intervals import bootstrap, interval
from .measure import latency, measure
from .metrics import METRICS, normalise, per_example

__all__ = [
    "METRICS",
    "bootstrap",
    "compare",
    "examples",
    "interval",
    "latency",
    "measure",
    "missed_floors",
    "normalise",
    "per_example",
    "rank",
]
