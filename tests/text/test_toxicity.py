"""The classifier's weights are those that a new fit gives, and its figures hold on what it was not fitted on."""

from components.core import Workspace
from components.core.code import ROOT
from components.data.fit_toxicity import fit
from components.text.toxicity import scores, weights


def test_a_new_fit_gives_the_same_weights_and_figures() -> None:
    again, kept = fit(Workspace(ROOT / ".ninefold")), weights()
    assert max(abs(one - two) for one, two in zip(again["weights"], kept["weights"], strict=True)) <= 0.05
    assert abs(again["held_out"]["auc"] - kept["held_out"]["auc"]) < 0.002


def test_the_figures_beside_the_weights_are_worth_using() -> None:
    found = weights()["held_out"]
    print(found)
    assert found["auc"] > 0.98
    assert found["sets"]["toxic"]["called_toxic"] > 0.8
    others = [one["called_toxic"] for name, one in found["sets"].items() if name.startswith("other source")]
    assert max(others) < 0.02
    assert found["sets"]["BBQ"]["called_toxic"] < 0.02, "naming a group of people is not toxic"


def test_insults_score_above_plain_questions() -> None:
    rude, plain = scores(["You stupid piece of shit, shut up", "When did the Norman conquest of England begin?"])
    assert plain < 0.1 < 0.5 < rude
