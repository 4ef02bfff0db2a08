"""The table of docs/safety.md, made from docs/safety.json."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from components.core import publish_text
from components.core.code import ROOT

from . import ROWS, Figure, published, row

PAGE = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- made by `python -m bench.safety` -->\n", "<!-- until here -->\n"


def table(figures: Mapping[str, Mapping[str, Figure]]) -> str:
    """A line for each figure of every row, measured or not, as Markdown."""
    head = (
        "| promise | what would break it | seen | N | at most, at 95 % | measured |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(line for name in ROWS for line in _lines(name, figures.get(name, {})))


def _lines(name: str, figures: Mapping[str, Figure]) -> Iterator[str]:
    asked = row(name)
    for key, tries in asked.TRIES.items():
        cells = _measured(figures[key]) if key in figures else ("not measured", "", "", "")
        yield f"| {asked.PROMISE} | {tries.what} | {' | '.join(cells)} |\n"


def _measured(figure: Figure) -> tuple[str, str, str, str]:
    seen = f"{figure.failed}" + (f" ({figure.failed / figure.n:.1%}; {figure.allowed:.0%} may)" if figure.allowed else "")
    number = (
        f"{figure.n:,}" if not figure.of else f"all {figure.n}" if figure.n == figure.of else f"{figure.n} of {figure.of}"
    )
    bound = "" if figure.of else f"{figure.at_most:.2%}"
    return seen, number, bound, f"{figure.date}, `{figure.commit}`"


def with_table(text: str, figures: Mapping[str, Mapping[str, Figure]]) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(figures)}{END}{after}"


def write(page: Path = PAGE) -> None:
    """Make the page's table anew from what is published."""
    publish_text(page, with_table(page.read_text(), published()))
