"""Stage 7, evaluation: a Candidate and what it must beat in, Evidence on test and a promotion Decision out."""

from .stage import CHAMPION, Config, Evaluated, Finalist, evaluate, finalist

__all__ = ["CHAMPION", "Config", "Evaluated", "Finalist", "evaluate", "finalist"]
