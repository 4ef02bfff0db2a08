"""Engines: one file each, one class `Engine(candidate, store, machine)` each; `load` picks it by `runtime.engine`.

`PACKAGES`, a tuple, names the distributions that a file needs. They are imported late; a missing one is answered with its
install line. `ARCHITECTURES` are the kinds of models, in the catalogue's words, that selection runs on it; `QUOTES` says
whether its answers can be held to words of the context, `CONTEXT` whether it takes `runtime.context`. A chat engine has
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
    cut: set[int]                                                                     (where it can happen)
        Positions of the prompts of the last call that are longer than its window, and lost a part.
What some have beside these: `prefix` or `follow`, by which the likelihood of any text after another is told (benchmarks,
evaluation/likelihoods.py); `billed`, tokens that a server counted.
An engine whose applications have no prompt (baseline, classifier) has `reply(texts, hits) -> list[str]` in place of these.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from components.core import Candidate, Machine, Store
from components.core.variants import known, require

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("ARCHITECTURES", "PACKAGES", "QUOTES", "CONTEXT", "Engine.close")


class EngineModule(Protocol):
    """A file of this folder. What its class can do differs, as described above."""

    ARCHITECTURES: tuple[str, ...]
    PACKAGES: tuple[str, ...]
    QUOTES: bool
    CONTEXT: bool
    Engine: Callable[[Candidate, Store, Machine], Any]


def engine(name: str) -> EngineModule:
    """The module of the engine `name`. Raises BadInput where there is none, MissingPackage where it cannot run here."""
    known(name, NAMES, "runtime.engine")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"engine '{name}'")
    return cast(EngineModule, module)


def engine_of(architecture: str) -> str | None:
    """The engine that runs models of that kind (decoder, encoder, encoder_decoder); None where none does."""
    modules = {name: import_module(f".{name}", __package__) for name in NAMES}
    return next((name for name, module in modules.items() if architecture in module.ARCHITECTURES), None)
