"""The ladder: which ways to adapt a model are tried, what each one costs, and which is the first that meets the contract."""

from .rows import STEP, NotClimbed, RungRow, price, rows
from .rungs import STAGE, known, place, stage_of, technique_of
from .stage import Config, Rung, measure_rung

__all__ = [
    "STAGE",
    "STEP",
    "Config",
    "NotClimbed",
    "Rung",
    "RungRow",
    "known",
    "measure_rung",
    "place",
    "price",
    "rows",
    "stage_of",
    "technique_of",
]
