"""Tuned weights: a Candidate and training rows (`tune`) or preference pairs (`align`) in, a Candidate that is kept only if
it measures better on validation out."""

from .stage import Config, Tuned, align, tune

__all__ = ["Config", "Tuned", "align", "tune"]
