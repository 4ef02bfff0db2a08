"""Monitoring: a version's reference window and logged traffic go in; an Evidently report and drift, yes or no, come out."""

from .monitor import Config, Drift, monitor
from .window import descriptors

__all__ = ["Config", "Drift", "descriptors", "monitor", "reference"]
