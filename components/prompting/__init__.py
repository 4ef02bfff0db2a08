"""Prompting: a Candidate and training rows in, the Candidate with the best of eight methods out, measured on validation."""

from .elements import Elements, Example
from .methods import METHODS
from .stage import Config, Prompted, prompt

__all__ = ["METHODS", "Config", "Elements", "Example", "Prompted", "prompt"]
