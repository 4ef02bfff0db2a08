"""Stage 6, feedback: a Candidate and what people said about its answers in; preference pairs for alignment out."""

from .stage import Collected, Config, collect

__all__ = ["Collected", "Config", "collect"]
