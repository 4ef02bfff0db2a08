"""Fewer examples suffice: a learning curve of LoRA over 20, 40, 80 and 160 training rows, two passes over each.

Half of the rows must lose less than the margin against all of them, and all of them must be better than chance: a curve that
never rises shows nothing. Each seed draws one order of rows, of which an arm takes the first so many.
"""

from components.measure.claims import Claim, Contrast
from components.training import Recipe
from flows.study_bench import CHANCE, POLICY, POLICY_DATA, Bench, policy_candidate, policy_rows, quadratic_scores, trained

CLAIM = Claim(
    claim="Fewer examples suffice: half of the training rows do as well",
    metric="quadratic score of the right label of two: 0.75 is chance, 1 is right and sure",
    arms=("chance", "20 rows", "40 rows", "80 rows", "160 rows"),
    contrasts=(
        Contrast(
            name="160 rows − chance", weights={"160 rows": 1, "chance": -1}, direction="above", margin=0, sensitive=True
        ),
        Contrast(name="80 − 160 rows", weights={"80 rows": 1, "160 rows": -1}, direction="not below", margin=0.03),
    ),
    rows=150,
    seeds=(0, 1, 2),
    fixed=("chance",),
    data=POLICY_DATA,
)
SMOKE: dict[str, object] = {"rows": 6}
PACKAGES = ()
SMALLER = 20
"""A smoke run trains on so many times fewer rows."""


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """Scores after a training on as many rows as `arm` says."""
    if arm == "chance":
        return [CHANCE] * bench.rows
    count = int(arm.split()[0])
    train, rows = policy_rows(bench, bench.sized(count, -(-count // SMALLER)), seed)
    recipe = Recipe(epochs=bench.sized(2, 1), seed=seed, dtype=bench.dtype)
    return quadratic_scores(bench, trained(bench, policy_candidate(bench), train, recipe), rows, POLICY.labels)
