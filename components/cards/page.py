"""The card as one self-contained HTML page: the Markdown rendered, plots beside the tables they show, the annexes folded.

Raw HTML in the Markdown is shown as text and never interpreted. No script, no font or image from elsewhere.
"""

import re
from collections.abc import Callable
from pathlib import Path

from . import colours, plots
from .record import Record

TEMPLATES = Path(__file__).parent / "templates"
ANNEXES = "# Annexes\n"
"""Ends the body of a card."""
Plot = Callable[[Record], str | None]
PLOTS: dict[str, tuple[tuple[Plot, str], ...]] = {
    "Key figures": (
        (plots.key_bars, "Each figure with its 95 % interval; colour and shape tell the systems apart."),
        (
            plots.bound_bars,
            "Worse than the base model, or than before optimization: the figure, and how far off the items allow it "
            "to be. A line that goes beyond its bar: not shown.",
        ),
    ),
    "Ladder": ((plots.ladder_bars, "Each rung with its 95 % interval, cheapest answers first; dashed: what is enough."),),
    "What was measured": ((plots.metric_bars, "Each figure with its 95 % interval."),),
    "Calibration of abstention": (
        (plots.reliability_curve, "What was said beside what was seen, with 95 % intervals; dashed: a perfect probability."),
    ),
    "Slices": ((plots.slice_bars, "The primary metric on each slice; dashed: the whole test split."),),
    "Data and provenance": ((plots.data_flow, "Where rows and passages went: read, dropped at each step, and the rest."),),
    "How it was trained": (
        (
            plots.trial_dots,
            "Each trial of the search, on its rows of validation: the larger, the longer it was trained; on the line at the "
            "bottom, what diverged or found no memory.",
        ),
    ),
    "Optimisation": (
        (plots.quality_and_speed, "Up and to the left is better; the area of a dot grows with its size on disk."),
    ),
}
"""Heading → its plots, each with its caption."""
PICTURED = ("Key figures", "Ladder")
"""Headings whose plots a reviewer sees first."""
INTERVAL = re.compile(r"([+-]?\d+\.\d{3}) (\[[+-]?\d+\.\d{3}, [+-]?\d+\.\d{3}\])")
HOLDS = {
    "holds": "holds", "broken": "fails", "not shown": "open", "not measured": "open",
    "not worse": "holds", "worse": "fails", "not enough evidence": "open",
}  # fmt: skip
"""Word of a verdict → how it is marked."""
MARKED = ("Decision", "Key figures")


def page(record: Record, body: str) -> str:
    """The page of `record`. body: its Markdown without front matter."""
    from jinja2 import Environment, FileSystemLoader

    head, parts, annexes = sections(body)
    verdict = {"adopt": "released", "keep": "refused"}.get(record.decision.verdict, "open")
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    text: str = environment.get_template("page.html.j2").render(
        title=record.use_case["name"],
        version=f"version {record.model['version']}" if record.model else "draft",
        head=head,
        sections=[_section(title, html, record) for title, html in parts],
        annexes=[_section(title, html, record) for title, html in annexes],
        colours=colours.style(),
        verdict=verdict,
    )
    return text


def sections(body: str) -> tuple[str, list[tuple[str, str]], list[tuple[str, str]]]:
    """A card's Markdown as HTML: (what stands before the first section, [(heading, what stands below it)], the annexes)."""
    head, *parts = re.split(r"^## ", body.partition(f"\n{ANNEXES}")[0], flags=re.MULTILINE)
    _, *annexes = re.split(r"^## ", body.partition(f"\n{ANNEXES}")[2], flags=re.MULTILINE)
    render = renderer()

    def rendered(several: list[str]) -> list[tuple[str, str]]:
        split = [part.partition("\n") for part in several]
        return [(title, render(rest)) for title, _, rest in split]

    return render(head.split("\n", 1)[1] if head.startswith("# ") else head), rendered(parts), rendered(annexes)


def drawn(title: str, record: Record) -> list[tuple[str, str]]:
    """The plots of a section that `record` has figures for, as SVG, each with its caption."""
    made = ((plot(record), caption) for plot, caption in PLOTS.get(title, ()))
    return [(svg, caption) for svg, caption in made if svg]


def pictures(record: Record) -> list[tuple[str, str]]:
    """The plots of the key figures and of the ladder in the colours of paper, each with its caption."""
    return [(colours.on_paper(svg), caption) for title in PICTURED for svg, caption in drawn(title, record)]


def _section(title: str, html: str, record: Record) -> dict[str, object]:
    html = html.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    for word, kind in HOLDS.items() if title in MARKED else ():
        html = html.replace(f"<td>{word}</td>", f'<td class="{kind}">{word}</td>')
    # a narrow column breaks between a value and its interval, and nowhere else
    html = INTERVAL.sub(lambda match: f"{match[1]} {match[2].replace(' ', '&nbsp;')}", html)
    anchor = re.sub(r"[^a-z]+", "-", title.lower()).strip("-")
    return {"title": title, "anchor": anchor, "html": html, "plots": drawn(title, record)}


def renderer() -> Callable[[str], str]:
    """From Markdown to HTML, with raw HTML shown as text."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").render
