"""Python programs written from a description: an answer is right where it passes the tests that its row brings.

An answer is the program alone: of what a model says, the first fenced block, else all of it. Tests are Python that runs
behind it (`assert add(1, 2) == 3`), in a sandbox (components/measure/sandbox.py). Rows hold whole programs: a function's
body without its head (HumanEval's `canonical_solution`) is no Python by itself. Not covered: other languages, programs that
need packages, several files.
"""

import ast
import re
import warnings
from collections.abc import Mapping

from components.core import Frozen

from . import Kind, Tokens, Words

_FENCED = re.compile(r"```[ \t]*[A-Za-z0-9]*[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)


class Fields(Frozen):
    """It has no keys of its own."""


def read_answer(answer: object, own: Mapping[str, object]) -> str | None:
    """The program in `answer`, without what a model says around it; None where it is no Python, or does nothing."""
    if not isinstance(answer, str):
        return None
    fenced = _FENCED.search(answer)
    code = (fenced[1] if fenced else answer).strip()
    return code if code and not _wrong(code) else None


def _wrong(code: str) -> str:
    """Why `code` is no Python program; "" where it is one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an answer's own (`is` with a number); they belong on nobody's screen
            body = ast.parse(code).body
            compile(code, "answer", "exec", dont_inherit=True)  # a `return` outside of a function shows only here
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{getattr(error, 'msg', error)}, line {getattr(error, 'lineno', None) or 1}"
    return "" if body else "it holds comments alone"


def unreadable(answer: object, own: Mapping[str, object]) -> str:
    """What is said of an answer in a file."""
    reason = _wrong(answer.strip()) if isinstance(answer, str) else "it is not text"
    return f"is no Python program ({reason}); rows of kind 'code_generation' hold whole programs, as `def add(a, b): …`"


KIND = Kind(
    fields=Fields,
    words=Words(
        asked="Task",
        answered="Python code",
        format=lambda task: "Answer with Python code alone.",
        methods={
            "negative": {"do_not": "Do not explain. Do not print. Do not read input. Do not write tests."},
            "chaining": {"narrow": "List what the code must do in each case, in a few words each.", "found": "Cases"},
            "iterative": {"check": "Check the draft: does it do what is asked in each case? Give the corrected code only."},
        },
        tuned_input="Task: {{input}}",
    ),
    tokens=Tokens(basic=192, prompted=192, tuned=192),
    metrics=("pass@1", "valid_code"),
    rated_by="pass@1",
    slices=("length",),
    length=(15, 30),
    baseline="nearest_answer",
    columns=("task", "code"),
    pipeline_tag="text-generation",
    tested=True,
    writes=True,
    lines=True,
    read_answer=read_answer,
    unreadable=unreadable,
)
