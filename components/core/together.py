"""Use cases that are tuned together: what each one brings to the training of one adapter."""

from .dataset import Dataset
from .digest import Frozen
from .use_case import Task

STAGE = "together"
"""Word of the steps that prepare what other use cases bring: they belong to none of the nine stages. `together.<name>` is
the data step of the use case `<name>`, by its own contract."""


class Contract(Frozen):
    """A use case with its data as its own data step prepared it."""

    use_case: str
    task: Task
    dataset: Dataset


class Learned(Frozen):
    """Training rows of one source."""

    source: str
    licence: str
    origin: str
    rows: int


class Share(Contract):
    """What a use case brings. `dataset` holds what training reads and nothing else, without what gives the validation or
    test of one of the others away."""

    sources: tuple[Learned, ...]
    """Of the rows of `train`."""
    removed: dict[str, int]
    """Why rows and passages were left out → how many."""


class Together(Frozen):
    """The use case that is tuned, and those whose training rows it learns from too."""

    own: Share
    others: tuple[Share, ...]

    @property
    def every(self) -> list[Share]:
        """All of them, in an order that is the same whichever of them is tuned."""
        return sorted((self.own, *self.others), key=lambda share: share.use_case)
