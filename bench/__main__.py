"""`make bench`: run every pair in this folder, write `bench.json` and print a table.

    python -m bench [word …]     only the pairs whose file name contains one of the words

`bench.json` is {figure: {value, unit, against, ratio}}: ours, its unit, the peer's in the same run, ours divided by the
peer's; of work in linear layers also `share` and `processor_share` of the limit measured in the same run (`bench.share`).
`rates` holds that limit and the processor's name. A figure is what this machine did now; nothing is carried over from an
earlier run.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.core import publish_json

from . import Figure, Shares, machine, rates

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "bench.json"


def main(words: list[str]) -> None:
    """Measure, write, print."""
    console = Console()
    figures: dict[str, Figure] = json.loads(OUTPUT.read_text()) if words and OUTPUT.exists() else {}
    figures.pop("rates", None)
    console.print(f"{rates().processor}, {machine().threads} threads; {rates().choice('smollm2-135m')[1]}", highlight=False)
    for path in sorted(HERE.glob("[a-z]*.py")):
        if words and not any(word in path.stem for word in words):
            continue
        console.print(f"measuring {path.stem} …", highlight=False)
        with tempfile.TemporaryDirectory() as home:
            figures |= importlib.import_module(f"bench.{path.stem}").run(Path(home))
        publish_json(OUTPUT, {"rates": rates().model_dump(), **figures})
    console.print(table(figures))


def table(figures: dict[str, Figure]) -> Table:
    """The figures for people."""
    rows = Table(title="bench", title_justify="left", header_style="bold")
    for name in ("figure", "ours", "peer", "unit", "ratio", "of the limit"):
        rows.add_column(name, justify="left" if name in ("figure", "unit") else "right")
    for name, figure in figures.items():
        values = [f"{number:.4g}" for number in (figure["value"], figure["against"])]
        rows.add_row(name, *values, figure["unit"], f"{figure['ratio']:.2f}", _share(figure))
    return rows


def _share(figure: Shares) -> str:
    """The part of the limit by the clock, and in brackets of the processor seconds that were used."""
    return f"{figure['share']:.0%} ({figure['processor_share']:.0%})" if "share" in figure else ""


if __name__ == "__main__":
    main(sys.argv[1:])
