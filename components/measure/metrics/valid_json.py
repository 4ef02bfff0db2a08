"""Whether an answer is JSON that the task's schema allows: an answer that is not reaches nobody, and is empty."""

from . import Case, Definition


def _valid(case: Case) -> float:
    return float(case.kind.read_answer(case.text, case.task.own) is not None)


METRICS = (Definition(name="valid_json", per_example=_valid, is_goal=False),)
