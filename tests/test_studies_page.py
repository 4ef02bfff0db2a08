"""The page of the studies: what its script makes of committed results; what was not run says so."""

import runpy

import pytest

from components.core.code import ROOT
from components.measure.claims import findings
from flows.studies import STUDIES, claim_of
from flows.study import Result, read_results
from tests.pages import page

MADE = runpy.run_path(str(ROOT / "docs/studies.py"))


def measured(name: str, effect: float) -> Result:
    """A result of study `name` in which each arm is higher than the one before it by `effect`."""
    claim = claim_of(name, smoke=False)
    values = {
        arm: [[effect * place + 0.01 * (row % 3) for row in range(claim.rows)] for _ in claim.seeds]
        for place, arm in enumerate(claim.arms)
    }
    given = {"model": "m", "dtype": "float32", "processor": "some processor", "date": "2026-11-30", "seconds": 600}
    return Result(claim=claim, findings=findings(claim, values), **given)


def test_the_page_is_what_the_results_say() -> None:
    results = read_results(ROOT / "docs/studies")
    assert MADE["page"](results) == page("studies").read_text(), "docs/studies.md is stale: run `python docs/studies.py`"
    for name, svg in MADE["pictures"](results).items():
        assert (ROOT / f"docs/studies/{name}.svg").is_file(), name
        assert "<svg" in svg


def test_what_was_not_run_says_so() -> None:
    text = MADE["page"]({})
    for name in STUDIES:
        assert f"| [{name}](#{name}) | {claim_of(name, smoke=False).claim} | *not run* |" in text
    assert "![" not in text


@pytest.mark.parametrize(("effect", "verdict"), [(0.5, "shown"), (-0.5, "the opposite here")])
def test_a_result_becomes_table_picture_and_one_verdict(effect: float, verdict: str) -> None:
    results = {"forgetting": measured("forgetting", effect), "peft_share": measured("peft_share", 0.0)}
    text = MADE["page"](results)
    assert f"Forgetting grows with the learning rate: *{verdict}*." in text
    assert f"| 6e-4 − 2e-4 | {effect:+.3f} [" in text
    assert "10 minutes on some processor, 2026-11-30" in text
    svgs = MADE["pictures"](results)
    assert set(svgs) == set(results)
    assert all(f"]({'studies'}/{name}.svg)" in text for name in svgs)
    assert "rate 2e-3" in svgs["forgetting"]
    assert "var(--" not in svgs["forgetting"], "an image file knows no variables of a page"
