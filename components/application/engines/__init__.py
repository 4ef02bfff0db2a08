"""Engines: one file each, one class `Engine(candidate, store, machine)` each; `load` picks it by `runtime.engine`.

`PACKAGES`, a tuple, names the distributions that a file needs. They are imported late; a missing one is answered with its
install line. A chat engine has
    generate(prompts: list[list[dict]], max_new_tokens: int, first_line: bool = False, quotes=None) -> list[str]
        Greedy answers in order. prompts: chat messages. first_line: stop at the first line break after some text.
        quotes: for each prompt, what its answer is held to (quotes.py); only engines that decode here take it.
        The same prompts in one call give the same texts, whatever was asked before.
    stream(messages: list[dict], max_new_tokens: int, first_line: bool = False, quotes=None) -> Pieces
        The same for one prompt, in pieces; returns how it ended (ending.py).
    score(prompts: list[list[dict]], texts: Sequence[str]) -> list[list[float]]        (optional)
        Log-likelihood of each of `texts` as the whole answer's beginning; without it labels are generated and matched.
    end: str        (with `score`)
        The token that ends an answer, as text.
    close() -> None
        Free memory.
The baseline engine has `reply(texts, hits) -> list[str]` and `close()`.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from components.core import Candidate, Machine, Store
from components.core.variants import known, require

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("PACKAGES", "Engine.close")


class EngineModule(Protocol):
    """A file of this folder. What its class can do differs, as described above."""

    PACKAGES: tuple[str, ...]
    Engine: Callable[[Candidate, Store, Machine], Any]


def engine(name: str) -> EngineModule:
    """The module of the engine `name`. Raises BadInput where there is none, MissingPackage where it cannot run here."""
    known(name, NAMES, "runtime.engine")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"engine '{name}'")
    return cast(EngineModule, module)
