"""Selection: contract and Dataset in, the best plain baseline and the best runnable open model out, both measured."""

from .catalogue import CATALOGUE, Model
from .stage import Config, Selection, first, select

__all__ = ["CATALOGUE", "Config", "Model", "Selection", "first", "select"]
