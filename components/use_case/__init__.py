"""Takes the contract, the Dataset and what this machine has; says whether the use case is feasible, and why."""

from .contract import check_contract, texts
from .stage import Config, Feasibility, check

__all__ = ["Config", "Feasibility", "check", "check_contract", "texts"]
