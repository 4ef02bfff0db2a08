"""The label model on simulated votes: what was planted is found again, and what cannot be known is not made up."""

import numpy as np
import pytest

from components.data.label_model import ABSTAIN, ASSUMED, fit, majority, top

SINGLE = ((1, 0.95), (1, 0.85), (1, 0.6), (0, 0.9), (0, 0.75), (0, 0.6))
"""(the only label of a function, how often it is right)"""


def voters(seed: int, rows: int = 2000, accuracies=(0.9, 0.85, 0.6, 0.6, 0.55), classes: int = 2):
    """Simulated: truth and votes of functions that know every label and speak on 60 % of the rows."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(classes, size=rows)
    votes = np.full((rows, len(accuracies)), ABSTAIN)
    for function, accuracy in enumerate(accuracies):
        wrong = (truth + draw.integers(1, classes, size=rows)) % classes
        said = np.where(draw.random(rows) < accuracy, truth, wrong)
        speaks = draw.random(rows) < 0.6
        votes[speaks, function] = said[speaks]
    return truth, votes


def word_lists(seed: int, positive: float, rows: int = 2000, coverage: float = 0.35):
    """Simulated: truth and votes of functions that know one label each, as functions of a contract do."""
    draw = np.random.default_rng(seed)
    truth = (draw.random(rows) < positive).astype(int)
    votes = np.full((rows, len(SINGLE)), ABSTAIN)
    for function, (label, right) in enumerate(SINGLE):
        share = (truth == label).mean()
        mistaken = min(1.0, coverage * share * (1 - right) / right / (1 - share))
        speaks = draw.random(rows) < np.where(truth == label, coverage, mistaken)
        votes[speaks, function] = label
    return truth, votes


def measured(truth, votes):
    return np.array([(column == truth)[column != ABSTAIN].mean() for column in votes.T])


def right(shares, truth, votes):
    spoken = (votes != ABSTAIN).any(1)
    return shares[np.arange(len(truth)), truth][spoken].mean()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["voters", "three classes", "word lists", "word lists, one in five"])
def test_planted_accuracies_are_found_again(kind, seed):
    simulated = {
        "voters": lambda: voters(seed),
        "three classes": lambda: voters(seed, classes=3),
        "word lists": lambda: word_lists(seed, 0.5),
        "word lists, one in five": lambda: word_lists(seed, 0.2),
    }
    truth, votes = simulated[kind]()
    classes = int(truth.max()) + 1
    model = fit(votes, classes, np.bincount(truth) / len(truth))
    assert model.converged
    assert np.abs(model.accuracies() - measured(truth, votes)).mean() < 0.05
    assert np.abs(model.accuracies() - measured(truth, votes)).max() < 0.15


def test_it_beats_majority_vote_where_functions_differ_in_accuracy():
    gains = []
    for seed in range(10):
        for truth, votes in (voters(seed), word_lists(seed, 0.5), word_lists(seed, 0.2)):
            model = fit(votes, 2, np.bincount(truth) / len(truth))
            ours = right(top(model.probabilities(votes)), truth, votes)
            gains.append(ours - right(majority(votes, 2), truth, votes))
    gains = np.reshape(gains, (10, 3))
    assert (gains > 0).all()
    assert (gains.mean(0) > (0.05, 0.03, 0.08)).all()


def test_its_probabilities_mean_what_they_say():
    truth, votes = voters(0, rows=6000)
    found = fit(votes, 2, [0.5, 0.5]).probabilities(votes)
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        there = (found.max(1) >= low) & (found.max(1) < high)
        assert (found.argmax(1) == truth)[there].mean() == pytest.approx(found.max(1)[there].mean(), abs=0.04)


def test_no_round_of_em_lowers_the_likelihood():
    _, votes = word_lists(0, 0.3, coverage=0.15)
    steps = np.diff(fit(votes, 2, [0.7, 0.3]).likelihoods)
    assert len(steps) > 10
    assert (steps > -1e-6).all()


def test_the_same_votes_in_another_order_give_the_same_model():
    _, votes = voters(3)
    first, second = fit(votes, 2, [0.5, 0.5]), fit(votes[::-1], 2, [0.5, 0.5])
    assert np.array_equal(first.confusion, second.confusion)


def test_a_single_function_is_only_assumed_to_be_right():
    _, votes = voters(0, rows=300, accuracies=(0.95,))
    model = fit(votes, 2, [0.5, 0.5])
    assert (model.fitted, model.converged) == ((False,), True)
    assert model.probabilities(votes)[votes[:, 0] == 1, 1] == pytest.approx(ASSUMED)
    assert model.probabilities(votes)[votes[:, 0] == ABSTAIN, 1] == pytest.approx(0.5)


def test_functions_that_never_meet_are_only_assumed_to_be_right():
    votes = np.full((300, 4), ABSTAIN)
    for row in range(300):
        votes[row, row % 4] = row % 2
    model = fit(votes, 2, [0.5, 0.5])
    assert not any(model.fitted)
    assert model.accuracies() == pytest.approx(ASSUMED)
    assert model.probabilities(votes).max() == pytest.approx(ASSUMED)


def test_when_all_abstain_only_the_balance_is_known():
    votes = np.full((50, 3), ABSTAIN)
    found = fit(votes, 2, [0.8, 0.2]).probabilities(votes)
    assert found[:, 0] == pytest.approx(0.8)
    assert majority(votes, 2) == pytest.approx(0.5)
