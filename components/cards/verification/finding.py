"""One line of a verification's report."""

from components.core import Frozen


class Finding(Frozen):
    """One thing that does not hold, or that could not be looked at."""

    where: str
    what: str
    missing: bool = False
    """It could not be verified, since what it stands on is not here."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
