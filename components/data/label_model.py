"""From votes of labelling functions to labels with probabilities: Dawid & Skene 1979, "Maximum likelihood estimation of
observer error-rates using the EM algorithm", with abstentions.

Each function has, for each true class, a probability of each label and of abstaining; given the class, functions are taken
to vote independently. Abstaining is an outcome like any other, and rows without a vote count: a function that knows a single
label tells the classes apart only by how often it speaks. Leaving abstentions out of the likelihood, or rows without a vote
out of the sum, was tried on simulated sets of such functions: accuracy 0.49 and 0.63 where majority vote had 0.79 and 0.76
and this had 0.83 and 0.78.
Not covered: functions that depend on each other (two that look for the same word count twice).
"""

from dataclasses import dataclass

import numpy as np

ABSTAIN = -1
ASSUMED = 0.7
"""Accuracy of a function about which the votes tell nothing; EM starts from it."""
WEIGHT = 5.0
"""Rows that this assumption counts for, in each class of each function."""
VIEWS = 3
"""Fewer functions that vote together cannot be told right from wrong (Allman, Matias & Rhodes 2009, "Identifiability of
parameters in latent structure models with many observed variables")."""
ROUNDS = 1000
CLOSE = 1e-5
"""Largest change of a probability at which EM has converged."""


@dataclass(frozen=True)
class LabelModel:
    """balance: (classes,). confusion: (functions, classes, classes + 1), the last column for abstaining. fitted: which
    functions were estimated; the others keep the assumed accuracy. likelihoods: penalised log-likelihood, one a round."""

    balance: np.ndarray
    confusion: np.ndarray
    fitted: tuple[bool, ...]
    likelihoods: tuple[float, ...]
    converged: bool

    def probabilities(self, votes: np.ndarray) -> np.ndarray:
        """(rows, classes): how probable each class is, given the votes of a row."""
        joint = self._joint(votes)
        joint = np.exp(joint - joint.max(1, keepdims=True))
        return joint / joint.sum(1, keepdims=True)

    def accuracies(self) -> np.ndarray:
        """(functions,): how probable it is that a function's vote is the true label; 0 for one that never votes."""
        spoken = np.einsum("k,jkl->j", self.balance, self.confusion[:, :, :-1])
        right = np.einsum("k,jkk->j", self.balance, self.confusion[:, :, :-1])
        return right / np.maximum(spoken, 1e-12)

    def _joint(self, votes: np.ndarray) -> np.ndarray:
        joint = np.tile(np.log(self.balance), (len(votes), 1))
        for function, column in enumerate(votes.T):
            joint += np.log(self.confusion[function])[:, column].T  # ABSTAIN is -1: the last column
        return joint


def fit(votes: np.ndarray, classes: int, balance: np.ndarray) -> LabelModel:
    """Estimate the functions' error rates from `votes` (rows, functions; ABSTAIN or a class's number) alone.

    balance: share of each class. It is given, not estimated: in 20 simulated sets of 1,000 rows where a row had 0.6 votes in
    the mean, the estimated accuracies were off by 0.13 with an estimated balance and by 0.07 with the given one.
    """
    patterns, counts = np.unique(votes, axis=0, return_counts=True)
    spoken = ((votes != ABSTAIN).sum(0) + 0.5) / (len(votes) + 1)
    assumed = np.full((classes, classes), (1 - ASSUMED) / (classes - 1))
    np.fill_diagonal(assumed, ASSUMED)
    start = np.concatenate(
        [spoken[:, None, None] * assumed, np.broadcast_to(1 - spoken[:, None, None], (len(spoken), classes, 1))], axis=2
    )
    together = (patterns != ABSTAIN) & ((patterns != ABSTAIN).sum(1, keepdims=True) > 1)
    fitted = together.any(0)
    fitted &= fitted.sum() >= VIEWS
    outcomes = np.eye(classes + 1)[patterns]  # (patterns, functions, outcomes); ABSTAIN is the last
    model = LabelModel(np.asarray(balance, float), start, tuple(map(bool, fitted)), (), not fitted.any())
    likelihoods: list[float] = []
    belief = model.probabilities(patterns)
    while not model.converged and len(likelihoods) < ROUNDS:
        expected = np.einsum("ik,ijl->jkl", belief * counts[:, None], outcomes) + WEIGHT * start
        confusion = np.where(fitted[:, None, None], expected / expected.sum(2, keepdims=True), start)
        trial = LabelModel(model.balance, confusion, model.fitted, (), False)
        fresh = trial.probabilities(patterns)
        likelihoods.append(_likelihood(trial, patterns, counts, start))
        converged = bool(np.abs(fresh - belief).max() < CLOSE)
        model, belief = LabelModel(model.balance, confusion, model.fitted, tuple(likelihoods), converged), fresh
    return model


def _likelihood(model: LabelModel, patterns: np.ndarray, counts: np.ndarray, start: np.ndarray) -> float:
    joint = model._joint(patterns)
    top = joint.max(1)
    rows = (counts * (top + np.log(np.exp(joint - top[:, None]).sum(1)))).sum()
    return float(rows + WEIGHT * (start * np.log(model.confusion)).sum())


def majority(votes: np.ndarray, classes: int) -> np.ndarray:
    """(rows, classes): 1 for the label with most votes; labels that tie share it, and so do all of a row without a vote."""
    counted = np.stack([(votes == label).sum(1) for label in range(classes)], axis=1)
    return top(counted)


def top(probabilities: np.ndarray) -> np.ndarray:
    """1 for the most probable class of each row; those that tie share it."""
    first = probabilities >= probabilities.max(1, keepdims=True) - 1e-9
    return first / first.sum(1, keepdims=True)
