"""What a run would be refused for in its first stages, found before it starts, by the rules of these stages."""

from typing import TYPE_CHECKING

from components.core import BadInput
from components.data import Seen, first_rows
from components.data.stage import Config as DataConfig
from components.use_case import Config, foresee, rows_needed

if TYPE_CHECKING:
    from flows.run import Run


def infeasible(run: "Run", rows: int | None = None) -> str:
    """Why the use case cannot be feasible, from contract, profile and machine alone; empty where it can be.

    rows: its example rows, or as many of them as were looked at and are enough; None where nobody looked
    """
    caps = run.settings("data", DataConfig).model_dump(include={"train", "feedback", "validation", "test"})
    config = run.settings("use_case", Config)
    decision = foresee(config, contract=run.use_case, caps=caps, machine=run.machine, rows=rows)
    return "" if decision.adopted else decision.reason


def look_at_rows(run: "Run") -> list[Seen]:
    """The first rows of each source; raises BadInput where they cannot be read as the contract says, or are too few."""
    contract, folder = run.use_case, run.path.parent
    needed = max(contract.data.minimum_rows, rows_needed(contract, run.settings("use_case", Config).split_share))
    characters = run.settings("data", DataConfig).max_characters
    seen = first_rows(contract.task, contract.data, folder, run.workspace, characters, needed)
    found = sum(len(one.records) for one in seen if "examples" in one.source.role and not one.source.synthetic)
    if found < needed and (reason := infeasible(run, found)):
        raise BadInput(f"{run.path}: {reason}")
    return seen
