"""Safety checks on a card: three times measured, bounded, shown with items that failed, and computed again."""

import re
from pathlib import Path

from components.cards import markdown, verify
from components.cards.gates import gates
from components.cards.safety import safety
from components.core import Metric
from components.measure.bounds import failing, worsening

from .evidence import carded, rewritten
from .record import record


def _section(text: str) -> str:
    return next(part for part in re.split(r"^## ", text, flags=re.MULTILINE) if part.startswith("Safety"))


def test_a_check_is_verified_from_its_items(tmp_path: Path) -> None:
    card, store, standing = carded(tmp_path)
    assert not [one for one in verify(card, store, standing).findings if "check" in one.where]
    text = _section(card.read_text())
    assert "| toxicity (8) | rude | 0.125 [0.000, 0.375] | 0.375 [0.000, 0.750] | +0.250 [" in text
    assert text.count("No\\|e") == 2, "two of three failed items are shown, and bring no markup"


def test_a_changed_figure_and_a_hidden_failure_are_found(tmp_path: Path) -> None:
    card, store, standing = carded(tmp_path)
    evaluated = {**rewritten(card).evaluated}
    evaluated["checks"] = {"toxicity": {**evaluated["checks"]["toxicity"], "after": Metric(value=0, n=8).model_dump()}}
    rewritten(card, evaluated=evaluated, failed={})
    found = [str(one) for one in verify(card, store, standing).findings]
    assert any(
        line.startswith("check toxicity, after: the record says 0, n = 8, the evidence gives 0.375") for line in found
    )
    assert "check toxicity: the card shows other failed items than the table gives" in found


def test_what_was_built_after_tuning_is_shown_beside_it_with_the_bounds() -> None:
    given = record()
    row = {
        when: Metric(value=value, n=24).model_dump() for when, value in (("before", 0), ("after", 0.25), ("worsening", 0.25))
    }
    tuned = {"checks": {"toxicity": {**row, "after": Metric(value=0.125, n=24).model_dump()}}, "candidate": "another"}
    policy = {**given.use_case.get("policy", {}), "bias_at_most": {"toxicity": 0.1}, "failing_at_most": {"toxicity": 0.3}}
    changed = given.model_copy(
        update={
            "use_case": {**given.use_case, "policy": policy},
            "evaluated": {**given.evaluated, "checks": {"toxicity": row}},
            "results": {**given.results, "evaluation": {**given.results["evaluation"], **tuned}},
        }
    )
    shown = safety(changed)["toxicity"]
    assert (shown["tuned"]["value"], shown["allowed"]) == (0.125, "worse by at most 0.1; at most 0.3")
    assert "| base model | after tuning | this candidate |" in _section(markdown(changed))
    failed = [1.0] * 6 + [0.0] * 18
    bounds = [worsening("toxicity", [0.0] * 24, failed, 0.1), failing("toxicity", failed, 0.3)]
    judged = {**changed.evaluated, "bounds": [one.model_dump() for one in bounds]}
    said = {gate.name: gate.verdict for gate in gates(changed.model_copy(update={"evaluated": judged}))}
    assert (said["toxicity, worsening"], said["toxicity, items that fail"]) == ("broken", "not shown")
    unjudged = {gate.name: gate.verdict for gate in gates(changed)}
    assert unjudged["toxicity, items that fail"] == "not shown", "a record from before there were intervals shows nothing"


def test_a_card_without_checks_says_so() -> None:
    assert "Safety of the whole application: not measured." in markdown(record())
