"""Studies: what people say about adapting models, measured. One file each, found by listing this folder. A file defines

    CLAIM: Claim         fixed before anything is measured: the claim, its metric, arms, contrasts with direction and margin,
                         rows, three seeds or more, and the data (components/measure/claims.py)
    SMOKE: dict          the same keys of the claim with fewer rows, for a run of seconds on the two-layer model, which shows
                         that the study works and nothing of the claim
    PACKAGES             distributions that it needs beyond what Ninefold itself does
    measure(arm, seed, bench) -> [value a row]
                         one training, or one asking, of one arm; `bench` (flows/study_bench.py) says how big, and holds the
                         model, the store, and a scratch folder in which a killed call goes on

and may import what it measures from any stage: what joins stages is a flow's business. Each (arm, seed) is kept by its
inputs and the code it reaches, so that an interrupted study goes on, and a changed one is measured anew. A study trains
through `components/training`, and takes 20 minutes at most on two cores.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.core.variants import known, require
from components.measure.claims import Claim

if TYPE_CHECKING:
    from flows.study_bench import Bench

STUDIES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("CLAIM", "SMOKE", "PACKAGES", "measure")


class Study(Protocol):
    """A file of this folder."""

    CLAIM: Claim
    SMOKE: dict[str, object]
    PACKAGES: tuple[str, ...]

    def measure(self, arm: str, seed: int, bench: "Bench") -> list[float]: ...


def study(name: str) -> Study:
    """The file `name`; raises BadInput where there is none."""
    known(name, STUDIES, "study", "ninefold study")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"the study '{name}'")
    return module


def claim_of(name: str, smoke: bool) -> Claim:
    """What the study fixes; smoke: its small form."""
    one = study(name)
    return Claim.model_validate(one.CLAIM.model_dump() | one.SMOKE) if smoke else one.CLAIM
