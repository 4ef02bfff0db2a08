"""pass@1: the share of answers that pass their row's tests (Chen et al. 2021, arXiv:2107.03374, with one greedy answer a
row), each run in a sandbox; and whether an answer is Python at all: one that is not reaches nobody."""

from ..sandbox import passes
from . import Case, Definition


def _passed(case: Case) -> float:
    return float(bool(case.text) and passes(case.text, case.row.tests or ""))


def _valid(case: Case) -> float:
    return float(case.kind.read_answer(case.text, case.task.own) is not None)


NAMES = ("pass@1", "valid_code")
METRICS = (
    Definition(name="pass@1", meaning="share of answers that pass the tests of their row", per_example=_passed),
    Definition(name="valid_code", meaning="share of answers that are Python", per_example=_valid, is_goal=False),
)
