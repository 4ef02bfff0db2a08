"""What another training of the stage gave, on more rows than the first one."""

from typing import TYPE_CHECKING, NamedTuple

from components.core import Candidate, Evidence

if TYPE_CHECKING:
    from components.training import Joined

    from .pseudo import Labelled
    from .supervised import Supervised


class Again(NamedTuple):
    """What a training with pseudo-labels, or together with other use cases, gave. trained: None where it is not proposed,
    and the candidate before it is. told: what came of it, where it was tried."""

    note: str
    objects: tuple[str, ...]
    proposed: Candidate
    after: Evidence
    trained: "Supervised | None" = None
    told: "Labelled | Joined | None" = None
