"""Measuring: an answering function and a split in, Evidence with 95 % intervals out; two Evidences in, a Decision out."""

from components.core import LEVEL

from .abstention import abstain_below, calibration
from .bounds import Bound
from .compare import compare, compare_tables, compared, examples, missed_floors, rank, significant
from .deciding import deciding_rows
from .intervals import bootstrap, interval, of_two_means
from .left_out import LeftOut, left_out
from .looks import settled, sizes_of_looks
from .measure import measure, pooled
from .metrics import METRICS, per_example
from .normalise import abstains, normalise
from .shown import note_of_cut, shown_in_part
from .significance import p_value, shown_p
from .slices import SliceGain, compare_slices, compared_on

__all__ = [
    "LEVEL",
    "METRICS",
    "Bound",
    "LeftOut",
    "SliceGain",
    "abstain_below",
    "abstains",
    "bootstrap",
    "calibration",
    "compare",
    "compare_slices",
    "compare_tables",
    "compared",
    "compared_on",
    "deciding_rows",
    "examples",
    "interval",
    "left_out",
    "measure",
    "missed_floors",
    "normalise",
    "note_of_cut",
    "of_two_means",
    "p_value",
    "per_example",
    "pooled",
    "rank",
    "settled",
    "shown_in_part",
    "shown_p",
    "significant",
    "sizes_of_looks",
]
