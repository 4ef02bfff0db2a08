"""PEFT is a little below full tuning: LoRA on every layer and full tuning, on the same rows, each at its usual rate.

Equivalence: the two lie nearer to each other than the margin. Two trainings that learned nothing are alike too, so full
tuning must first be better than chance. The margin is a fifth of what lies between chance (0.75) and always right (1).
"""

from components.measure.claims import Claim, Contrast
from components.training import Recipe
from flows.study_bench import CHANCE, POLICY, POLICY_DATA, Bench, policy_candidate, policy_rows, quadratic_scores, trained

CLAIM = Claim(
    claim="PEFT is at most a little below full tuning",
    metric="quadratic score of the right label of two: 0.75 is chance, 1 is right and sure",
    arms=("chance", "full", "lora"),
    contrasts=(
        Contrast(name="full − chance", weights={"full": 1, "chance": -1}, direction="above", margin=0, sensitive=True),
        Contrast(name="lora − full", weights={"lora": 1, "full": -1}, direction="equal", margin=0.05),
    ),
    rows=200,
    seeds=(0, 1, 2),
    fixed=("chance",),
    data=POLICY_DATA,
)
SMOKE: dict[str, object] = {"rows": 6}
PACKAGES = ()
EVERY_LAYER = 1000


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """Scores after a training by technique `arm`; both arms of a seed train on the same rows."""
    if arm == "chance":
        return [CHANCE] * bench.rows
    train, rows = policy_rows(bench, bench.sized(96, 4), seed)
    recipe = Recipe(technique=arm, epochs=bench.sized(2, 1), layers=EVERY_LAYER, seed=seed, dtype=bench.dtype)
    return quadratic_scores(bench, trained(bench, policy_candidate(bench), train, recipe), rows, POLICY.labels)
