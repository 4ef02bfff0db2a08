"""`make safety`: measure the promises, write `docs/safety.json` and the table of `docs/safety.md` after each row.

    python -m bench.safety [row …] [--n N | --n small] [--seconds S]

row: a file of rows/; all where none is named. --n: tries of each figure, in place of what is promised. --seconds: time for
each figure; it is published with what it has by then. Killed or out of time, the same command goes on where it was (what it
counted lies in .ninefold/safety) while the code is the same. Exit 1 where a promise does not hold.
"""

import argparse
import fcntl
import sys
from collections.abc import Sequence
from functools import cache

from components.core import Workspace
from components.core.code import ROOT
from tests.conftest import Finished, finished_in

from . import ROWS, Figure, code_now, measure, page, publish

WORK = ROOT / ".ninefold" / "safety"


def main(given: Sequence[str]) -> int:
    """Measure, publish, say; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.safety", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="row", help=", ".join(ROWS))
    parser.add_argument("--n", help="tries of each figure, or 'small'")
    parser.add_argument("--seconds", type=float, help="time for each figure")
    asked = parser.parse_args(given)
    if unknown := [name for name in asked.rows if name not in ROWS]:
        parser.error(f"row '{unknown[0]}': allowed are {', '.join(ROWS)}")
    if asked.n not in (None, "small") and not asked.n.isdigit():
        parser.error(f"--n '{asked.n}': give a whole number, or 'small'")
    WORK.mkdir(parents=True, exist_ok=True)
    held = True
    with (WORK / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second measurement waits: both would empty the same folders
        for name in asked.rows or ROWS:
            figures = measure(name, WORK, finished, asked.n, asked.seconds)
            publish(name, figures)
            page.write()
            print(*(said(name, key, figure) for key, figure in figures.items()), sep="\n", flush=True)
            held &= all(figure.holds for figure in figures.values())
    return 0 if held else 1


@cache
def finished() -> Finished:
    """A finished smoke run of the code that is checked out; made once."""
    return finished_in(Workspace(WORK / "finished" / code_now()[:12]).root)


def said(name: str, key: str, figure: Figure) -> str:
    """One figure in a line, with the first failures below it."""
    line = f"{name}, {key}: {figure.failed} of {figure.n} ({figure.what}; {figure.seconds:.0f} s)"
    return "\n  ".join([line, *figure.faults])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
