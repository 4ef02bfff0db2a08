"""The rungs, by name, in climbing order: from what is expected to cost least for 1,000 answers, then by what training costs.

baseline        no language model: rules, counts, a linear model
zero_shot       the chosen model, asked with the contract's instruction alone
prompting       the best of the prompting methods; where `few_shot` is listed too, of those that show no solved case
few_shot        the best method that shows solved cases: a longer prompt, which costs more for each answer
retrieval       passages of the knowledge base in the prompt
tuning          training rows, by the technique that the use case names
tuning.<name>   the same, by a technique of `training/techniques`
preference      then preference pairs
"""

from collections.abc import Sequence

from components.training import TECHNIQUES

STAGE = {
    "baseline": "selection", "zero_shot": "selection", "prompting": "prompting", "few_shot": "prompting",
    "retrieval": "retrieval", "tuning": "tuning", "preference": "feedback",
}  # fmt: skip
"""Rung → the stage that tries it, in climbing order; of `tuning` there may be several."""


def known() -> tuple[str, ...]:
    """Every name that a ladder may list."""
    return tuple(sorted((*STAGE, *(f"tuning.{name}" for name in TECHNIQUES)), key=place))


def technique_of(rung: str) -> str | None:
    """The technique that a rung of tuning names; None where it is the use case's own."""
    return rung.partition(".")[2] or None


def stage_of(rung: str) -> str:
    """The stage that tries `rung`."""
    return STAGE[rung.partition(".")[0]]


def place(rung: str) -> int:
    """Where the rung's kind stands in climbing order."""
    return list(STAGE).index(rung.partition(".")[0])


def wrong(rungs: Sequence[str]) -> str:
    """What is wrong with a list of rungs, in a sentence; empty where nothing is."""
    if unknown := [rung for rung in rungs if rung not in known()]:
        return f"'{unknown[0]}' is no rung; allowed: {', '.join(known())}"
    if len(set(rungs)) < len(rungs):
        return "a rung is listed twice"
    if rungs[:1] != ("baseline",):
        return "a ladder begins with 'baseline': what a model must beat"
    if len(rungs) > 1 and rungs[1] != "zero_shot":
        return "'zero_shot' comes after 'baseline': every rung above starts from the model that it measures"
    if sorted(rungs, key=place) != list(rungs):
        return f"the order is {', '.join(sorted(rungs, key=place))}: cheaper answers first"
    return ""
