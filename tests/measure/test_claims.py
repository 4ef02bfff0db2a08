"""Claims: a planted effect is shown, its reverse is the opposite, and none is rarely called an effect."""

import numpy as np
import pytest
from pydantic import ValidationError

from components.measure.claims import Claim, Contrast, Findings, _spread, _tail, findings, verdicts

ROWS, SEEDS = 60, (0, 1, 2)
MARGIN = 0.1


def claim(direction: str, margin: float = MARGIN, **more) -> Claim:
    contrast = Contrast(name="more", weights={"new": 1, "old": -1}, direction=direction, margin=margin)
    given = {"contrasts": (contrast,), "arms": ("old", "new"), "rows": ROWS} | more
    return Claim(claim="new is better", metric="accuracy", seeds=SEEDS, data="made", **given)


def drawn(effect: float, number: int, between_seeds: float = 0.01) -> dict[str, np.ndarray]:
    """Two arms on the same rows: rows differ, trainings differ, and `new` is higher by `effect`."""
    draw = np.random.default_rng(number)
    rows = draw.normal(0.5, 0.2, ROWS)

    def arm(more: float) -> np.ndarray:
        return rows + more + draw.normal(0, between_seeds, (3, 1)) + draw.normal(0, 0.1, (3, ROWS))

    return {"old": arm(0), "new": arm(effect)}


def verdict(direction: str, effect: float, number: int = 0, **more) -> str:
    return verdicts({"one": findings(claim(direction), drawn(effect, number, **more))})["one"]


def test_a_planted_effect_is_shown_its_reverse_is_the_opposite_and_none_is_not_shown() -> None:
    assert [verdict("above", effect) for effect in (0.25, -0.25, 0.0)] == ["shown", "the opposite here", "not shown"]
    assert [verdict("not below", effect) for effect in (0.0, -0.25)] == ["shown", "the opposite here"]
    assert [verdict("equal", effect) for effect in (0.0, -0.25, 0.25)] == ["shown", *["the opposite here"] * 2]
    assert verdict("equal", -MARGIN) == "not shown"


@pytest.mark.parametrize("between_seeds", [0.0, 0.03, 0.3])
@pytest.mark.parametrize(("direction", "null"), [("above", MARGIN), ("not below", -MARGIN), ("equal", -MARGIN)])
def test_of_a_hundred_studies_without_effect_at_most_five_are_shown(
    direction: str, null: float, between_seeds: float
) -> None:
    """At the worst effect that is none: the margin itself. Whether seeds differ not at all, somewhat or most."""
    found = [verdict(direction, null, number, between_seeds=between_seeds) for number in range(100)]
    assert found.count("shown") <= 5


def test_five_in_a_hundred_holds_where_rows_and_seeds_matter_alike() -> None:
    """By Satterthwaite's degrees of freedom alone it would be 5.8 %."""
    draw = np.random.default_rng(1)
    tables = draw.normal(0, 0.14, (4000, 3, ROWS)) + draw.normal(0, 0.07, (4000, 3, 1))
    tails = [_tail(*_spread(table)) for table in tables]
    assert np.mean(np.array(tails) <= 0.05) < 0.053


def test_seeds_that_differ_show_less_than_rows_would() -> None:
    """Three trainings by luck: every row is better in two of them, worse in one."""
    lucky = {"old": np.zeros((3, ROWS)), "new": np.array([[0.3], [0.3], [-0.1]]) * np.ones(ROWS)}
    found = findings(claim("above", 0.0), lucky)
    assert found.contrasts[0].estimate.value == pytest.approx(1 / 6, abs=1e-5)
    assert found.p_shown > 0.05


def test_right_or_wrong_answers_without_effect_are_rarely_called_one() -> None:
    draw = np.random.default_rng(5)
    tables = [{arm: (draw.random((3, ROWS)) < 0.1).astype(float) for arm in ("old", "new")} for _ in range(100)]
    shown = [verdicts({"one": findings(claim("above", 0.0), table)})["one"] for table in tables]
    assert shown.count("shown") <= 5


def test_the_detectable_effect_is_shown_four_times_in_five() -> None:
    sizes = [findings(claim("above", 0.0), drawn(0.0, number)).contrasts[0].detectable for number in range(20)]
    effect = float(np.mean(sizes))
    found = [findings(claim("above", 0.0), drawn(effect, number)).p_shown <= 0.05 for number in range(100)]
    assert 70 <= sum(found) <= 92


def test_holm_corrects_over_all_studies_that_were_measured() -> None:
    alone = Findings(arms={}, p_shown=0.03, p_opposite=0.97)
    assert verdicts({"a": alone}) == {"a": "shown"}
    assert verdicts({"a": alone, "b": alone}) == {"a": "not shown", "b": "not shown"}
    strong = Findings(arms={}, p_shown=0.001, p_opposite=1)
    assert verdicts({"a": alone, "b": strong}) == {"a": "shown", "b": "shown"}


def test_a_study_that_could_not_tell_shows_neither_the_claim_nor_its_opposite() -> None:
    """Two trainings are alike where neither learned anything: that is no evidence that one is as good as the other."""
    contrasts = (
        Contrast(name="old learned", weights={"old": 1, "untrained": -1}, direction="above", margin=0, sensitive=True),
        Contrast(name="new as good", weights={"new": 1, "old": -1}, direction="equal", margin=MARGIN),
    )
    both = claim("above", contrasts=contrasts, arms=("untrained", "old", "new"))
    for effect in (0.0, -0.25):
        arms = drawn(effect, 1)
        nothing = findings(both, arms | {"untrained": arms["old"]})
        assert verdicts({"one": nothing}) == {"one": "not shown"}
        learned = findings(both, arms | {"untrained": arms["old"] - 0.3})
        assert verdicts({"one": learned}) == {"one": "shown" if effect == 0 else "the opposite here"}


@pytest.mark.parametrize(
    ("shares", "expected"),
    [((0.011, 0.02), "shown"), ((0.001, 0.015), "not shown"), ((0.001, 0.3), "the opposite here")],
)
def test_what_is_counted_is_compared_with_the_range(shares: tuple[float, float], expected: str) -> None:
    counted = claim("above", contrasts=(), counted=(0.01, 0.02), rows=1)
    values = dict(zip(counted.arms, ([[share]] * 3 for share in shares), strict=True))
    assert verdicts({"one": findings(counted, values)}) == {"one": expected}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"arms": ("old",)}, "'new' is no arm"),
        ({"contrasts": ()}, "give either contrasts or the range"),
        ({"fixed": ("base",)}, "'base' is no arm"),
    ],
)
def test_a_claim_that_is_not_whole_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        claim("above", **given)


def test_two_seeds_are_too_few_and_a_missing_row_is_noticed() -> None:
    with pytest.raises(ValidationError, match="at least 3"):
        Claim.model_validate(claim("above").model_dump() | {"seeds": (0, 1)})
    with pytest.raises(AssertionError, match="arm 'new'"):
        findings(claim("above"), drawn(0, 0) | {"new": np.zeros((3, ROWS - 1))})
