"""Stage 8, optimization: a Candidate in, the same one on a faster runtime out where that keeps its quality on validation."""

from .stage import Config, Optimized, optimize

__all__ = ["Config", "Optimized", "optimize"]
