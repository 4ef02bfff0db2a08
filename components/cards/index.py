"""The index of a folder of cards: `README.md` to read in git, and `index.html` with the verdicts and a search.

Both are read out of the cards' own text, so that a card of an earlier template is listed too. The page needs nothing from
elsewhere: one inline script hides the cards that lack a word of the search; without it all are shown.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from components.core import publish_text

from . import colours
from .gates import VERDICTS
from .page import HOLDS, TEMPLATES, renderer
from .render import environment
from .text import Markdown

GATE = re.compile(r"^\|.*\| (holds|broken|not shown|not measured) \|[^|]*\|$")
KINDS = {VERDICTS["adopt"]: "holds", VERDICTS["keep"]: "fails"}


class Card(TypedDict):
    """What an index says of one card; texts are Markdown."""

    name: str
    card: str
    problem: str
    verdict: str
    reason: str
    decision: str
    """Verdict and reason, as the card has them."""
    registered: str
    gates: dict[str, int]
    """Verdict → gates that have it."""


def index(folder: Path) -> Path:
    """Write `folder/README.md` and `folder/index.html`: one row for each card below it, newest version of a use case first.
    Returns the path of the former."""
    found = [path for path in folder.glob("*/*.md") if path.stem == "draft" or re.fullmatch(r"v\d+", path.stem)]
    cards = [_card(path) for path in sorted(found, key=lambda path: (path.parent.name, -_version(path)))]
    rows = [{**one, "decision": Markdown(one["decision"].replace("|", "\\|"))} for one in cards]
    text = environment().get_template("index.md.j2").render(rows=rows)
    publish_text(folder / "index.html", _page(cards))
    publish_text(folder / "README.md", text.rstrip() + "\n")
    return folder / "README.md"


def _page(cards: list[Card]) -> str:
    from jinja2 import Environment, FileSystemLoader

    def inline(text: str) -> str:
        return render(text).strip().removeprefix("<p>").removesuffix("</p>")

    render: Callable[[str], str] = renderer()
    jinja = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    page: str = jinja.get_template("index.html.j2").render(
        cards=cards, colours=colours.style(), inline=inline, kinds=KINDS, words=HOLDS
    )
    return page.rstrip() + "\n"


def _card(path: Path) -> Card:
    lines = path.read_text(encoding="utf-8").splitlines()
    title = next((at for at, line in enumerate(lines) if line.startswith("# ")), len(lines))
    decision = next((line for line in lines if line.startswith("**")), "")
    verdict, _, reason = decision.removeprefix("**").partition("**: ")
    words = [match[1] for line in lines if (match := GATE.match(line))]
    return {
        "name": path.parent.name,
        "card": path.stem,
        "problem": next((line for line in lines[title + 1 :] if line), ""),
        "verdict": verdict,
        "reason": reason,
        "decision": decision,
        "registered": next((line for line in lines if line.startswith(("Registered as ", "Not registered: "))), ""),
        "gates": {word: words.count(word) for word in HOLDS if word in words},
    }


def _version(path: Path) -> int:
    return int(path.stem[1:]) if re.fullmatch(r"v\d+", path.stem) else 10**9
