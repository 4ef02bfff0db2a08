"""Tuned weights: a Candidate and training rows (`tune`) or preference pairs (`align`) in, a Candidate that is kept only if
it measures better on validation out."""

from .alignment import align
from .deciding import Tuned
from .stage import Config, tune

__all__ = ["Config", "Tuned", "align", "tune"]
