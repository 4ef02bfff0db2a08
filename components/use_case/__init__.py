"""Takes the contract, the Dataset and what this machine has; says whether the use case is feasible, and why."""

from .checks import rows_needed
from .contract import check_contract, texts
from .stage import Config, Feasibility, check, foresee

__all__ = ["Config", "Feasibility", "check", "check_contract", "foresee", "rows_needed", "texts"]
