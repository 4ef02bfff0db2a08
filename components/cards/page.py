"""The card as one self-contained HTML page: the Markdown rendered, with plots beside the tables they show.

Raw HTML in the Markdown is shown as text and never interpreted. No script, no font or image from elsewhere.
"""

import re
from collections.abc import Callable
from pathlib import Path

from . import plots
from .record import Record

TEMPLATES = Path(__file__).parent / "templates"
PLOTS = {
    "What was measured": (plots.metric_bars, "Each figure with its 95 % interval."),
    "Slices": (plots.slice_bars, "The primary metric on each slice; dashed: the whole test split."),
    "Data and provenance": (
        plots.data_flow,
        "Where rows and passages went: read, dropped at each step, and the rest.",
    ),
    "Optimisation": (
        plots.quality_and_speed,
        "Up and to the left is better; the area of a dot grows with its size on disk.",
    ),
}
"""Heading → (plot, caption)."""
INTERVAL = re.compile(r"([+-]?\d+\.\d{3}) (\[[+-]?\d+\.\d{3}, [+-]?\d+\.\d{3}\])")
HOLDS = {"holds": "holds", "broken": "fails", "not shown": "open", "not measured": "open"}


def page(record: Record, body: str) -> str:
    """The page of `record`. body: its Markdown without front matter."""
    from jinja2 import Environment, FileSystemLoader

    head, parts = sections(body)
    shown = [_section(title, html, record) for title, html in parts]
    verdict = {"adopt": "released", "keep": "refused"}.get(record.decision.verdict, "open")
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    text: str = environment.get_template("page.html.j2").render(
        title=record.use_case["name"],
        version=f"version {record.model['version']}" if record.model else "draft",
        head=head,
        sections=shown,
        verdict=verdict,
    )
    return text


def sections(body: str) -> tuple[str, list[tuple[str, str]]]:
    """A card's Markdown as HTML: (what stands before the first section, [(heading, what stands below it)])."""
    head, *parts = re.split(r"^## ", body, flags=re.MULTILINE)
    render = _renderer()
    split = [part.partition("\n") for part in parts]
    return render(head.split("\n", 1)[1] if head.startswith("# ") else head), [(one, render(rest)) for one, _, rest in split]


def _section(title: str, html: str, record: Record) -> dict[str, str | None]:
    plot, caption = PLOTS.get(title, (None, ""))
    html = html.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    for word, kind in HOLDS.items() if title == "Decision" else ():
        html = html.replace(f"<td>{word}</td>", f'<td class="{kind}">{word}</td>')
    # a narrow column breaks between a value and its interval, and nowhere else
    html = INTERVAL.sub(lambda match: f"{match[1]} {match[2].replace(' ', '&nbsp;')}", html)
    anchor = re.sub(r"[^a-z]+", "-", title.lower()).strip("-")
    return {"title": title, "anchor": anchor, "html": html, "plot": plot(record) if plot else None, "caption": caption}


def _renderer() -> Callable[[str], str]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").render
