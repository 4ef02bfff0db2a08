"""Prompting: a Candidate and training rows in, the Candidate with the best of eight methods out, measured on validation."""

from .elements import Elements, Example
from .methods import METHODS
from .principles import PRINCIPLES
from .searching import Searched
from .stage import Config, Prompted, prompt

__all__ = ["METHODS", "PRINCIPLES", "Config", "Elements", "Example", "Prompted", "Searched", "prompt"]
