"""Ways to read a text that is longer than one prompt: one file each. A Candidate's `reading` names one of them; without, a
text is read whole.

`read(asker, asked, how) -> list[Said]` answers each of `asked` in order; a text of at most `how.words` words is one part,
answered as without a reading. `refusal(candidate, scored) -> str` says why a candidate cannot be read so, empty where it
can; scored: whether its engine tells likelihoods.
Parts are of the texts beside a question, where there are some, else of the input itself. Not covered: search (retrieval).
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from components.core import Candidate, Reading
from components.core.variants import known, require

from ..asking import Asked, Asker, Said

WAYS = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("PACKAGES", "read", "refusal")


class Way(Protocol):
    """A file of this folder."""

    PACKAGES: tuple[str, ...]

    def read(self, asker: Asker, asked: Sequence[Asked], how: Reading) -> list[Said]: ...

    def refusal(self, candidate: Candidate, scored: bool) -> str: ...


def way(name: str) -> Way:
    """The file `name`; raises BadInput where there is none."""
    known(name, WAYS, "reading.way")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"reading '{name}'")
    return cast(Way, module)
