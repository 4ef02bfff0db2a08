"""Engines: one file each, one class `Engine(candidate, store, machine)` each; `load` picks it by `runtime.engine`.

A chat engine has
    generate(prompts: list[list[dict]], max_new_tokens: int, first_line: bool = False, quotes=None) -> list[str]
        Greedy answers in order. prompts: chat messages. first_line: stop at the first line break after some text.
        quotes: for each prompt, what its answer is held to (quotes.py); only engines that decode here take it.
        The same prompts in one call give the same texts, whatever was asked before.
    stream(messages: list[dict], max_new_tokens: int, first_line: bool = False, quotes=None) -> Iterator[str]
        The same for one prompt, in pieces.
    score(prompts: list[list[dict]], texts: Sequence[str]) -> list[list[float]]        (optional)
        Log-likelihood of each of `texts` as the whole answer's beginning; without it labels are generated and matched.
    end: str        (with `score`)
        The token that ends an answer, as text.
    close() -> None
        Free memory.
The baseline engine has `reply(texts, hits) -> list[str]` and `close()`.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from components.core import BadInput

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))


def engine(name: str) -> Any:
    """The class `Engine` of the file `name`; raises BadInput where there is none."""
    if name not in NAMES:
        raise BadInput(f"candidate: runtime.engine '{name}' is not known; allowed: {', '.join(NAMES)}")
    return import_module(f".{name}", __package__).Engine
