"""PEFT trains 1–2 % of the weights: counted over every layer, each technique with its own default settings.

The share depends on the model: what an adapter adds grows with the width of a layer, the layer with its square, so that of a
small model any rank is a larger part. `qlora` trains what `lora` does.
"""

from components.measure.claims import Claim
from flows.study_bench import Bench

CLAIM = Claim(
    claim="PEFT trains 1–2 % of the weights",
    metric="share of all weights that is trained",
    arms=("bottleneck", "dora", "ia3", "lora", "p_tuning", "pissa", "prefix", "prompt", "rslora"),
    counted=(0.01, 0.02),
    rows=1,
    seeds=(0, 1, 2),
    fixed=("bottleneck", "dora", "ia3", "lora", "p_tuning", "pissa", "prefix", "prompt", "rslora"),
    data="none: SmolLM2-135M-Instruct's own shape (apache-2.0)",
)
SMOKE: dict[str, object] = {}
PACKAGES = ()
EVERY_LAYER = 1000


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """The share that technique `arm` trains."""
    from components.training import Recipe
    from components.training.loop import prepare, trained_share

    recipe = Recipe(technique=arm, layers=EVERY_LAYER, seed=seed, dtype=bench.dtype)
    base = bench.step.store.path(bench.model.object)
    return [trained_share(recipe, prepare(recipe, base, None, bench.step.machine))]
