"""What the review page shows of one version: what its run decided, what changed since the champion, its evidence, its card.

Everything comes from the store, the record and the card's own record; nothing is measured here. The card is rendered from
its record, so that what is read is no text that somebody changed. Raw HTML in it is shown as text.
"""

import re
from pathlib import Path
from typing import NamedTuple, TypedDict

from components import cards, governance
from components.core import BadInput, Candidate, Evidence, Frozen, Metric, Store, Workspace, short
from components.governance import Registered, approvals
from components.text.words import fold
from flows.approve import forged
from flows.review_evidence import linked, names, passages

TEMPLATES = Path(__file__).parent / "templates"
ROWS = 50
"""Evidence rows on a page; the filter finds the others."""
SHOWS = {"all": "all questions", "wrong": "answers without the expected words", "abstained": "answers that abstain"}
PARTS = ("model", "prompt", "retriever", "adapter", "baseline", "quoted", "runtime", "abstain")


class CardShown(TypedDict):
    """A version's card as HTML."""

    decision: str
    rest: str
    pictures: list[str]
    """Captions of the plots of its key figures."""
    primary: str
    wrong: list[str]


def render(template: str, **values: object) -> str:
    """A page of `templates/`, with every value escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(**values)


def version_page(
    workspace: Workspace,
    model: str,
    number: int,
    token: str,
    asked: dict[str, str],
    *,
    filled: dict[str, str] | None = None,
    error: str = "",
    done: str = "",
) -> str:
    """The page of one version.

    asked: the filter of the evidence; filled: what the form held when it was refused, with `error`; done: what was decided
    Raises BadInput when the version is not registered.
    """
    version = governance.registered(workspace, model, number)
    held = governance.Registry(workspace).holder(model, "champion")
    champion = governance.registered(workspace, model, held) if held and held != number else None
    evidence = governance.evidence_in(workspace.store, version.evidence)
    rival = governance.evidence_in(workspace.store, champion.evidence) if champion else None
    card = card_shown(workspace, version)
    seen = governance.covered(workspace, version).digest
    form = {**dict.fromkeys(("by", "role", "reason", "decision", "seen"), ""), **(filled or {})}
    stale = bool(filled) and form["seen"] != seen
    if stale:
        form["decision"] = ""  # what is shown now was not read yet: it is chosen anew
    return render(
        "review.html.j2",
        version=version,
        held=held,
        champion=champion,
        standing=governance.state(workspace, version, approvals.now()),
        lines=governance.Approvals(workspace).entries(model, number),
        tampered=governance.tampered(workspace, model),
        card=card,
        seen=seen,
        stale=stale,
        metrics=metrics_of(evidence, rival, card["primary"]),
        same_rows=bool(evidence and rival and evidence.split_object == rival.split_object),
        parts=parts_of(workspace, version, champion),
        evidence=_rows(workspace.store, evidence, asked, governance.candidate_in(workspace, version)),
        evidence_here=bool(evidence and workspace.store.has(evidence.table)),
        asked=asked,
        shows=SHOWS,
        token=token,
        said=form,
        error=error,
        done=done,
        short=short,
    )


def card_shown(workspace: Workspace, version: Registered) -> CardShown:
    """The card of a version as its record renders it: `decision` (verdict and gates) and `rest` as HTML, the `primary`
    metric, and what is `wrong` with the card that lies there; nothing but the latter where it has no record."""
    path = governance.card_file(workspace, version)
    shown: CardShown = {"decision": "", "rest": "", "pictures": [], "primary": "", "wrong": []}
    if path is None:
        return shown
    try:
        record, wrong = cards.read_record(path), forged(workspace, version, paper=False)
    except BadInput as error:
        return {**shown, "wrong": [str(error)]}
    body = cards.markdown(record).split("\n", 1)[1]  # the page has a title of its own
    parts = re.split(r"^## ", body, flags=re.MULTILINE)
    blocks = next((part for part in parts if part.startswith("Decision\n")), "").split("\n\n")
    decision = "\n\n".join(block for block in blocks if block.startswith(("**", "|")))
    known = names(workspace, version)
    return {
        "decision": linked(_marked(card_html(decision, "the decision")), version, known),
        "rest": linked(card_html(body, "the card"), version, known),
        "pictures": [caption for _, caption in cards.pictures(record)],
        "primary": record.use_case["metrics"]["primary"],
        "wrong": wrong,
    }


def _marked(html: str) -> str:
    """The gates' words that a reviewer must not overlook, marked by a class as well."""
    for word, kind in (("broken", "fails"), ("not shown", "open")):
        html = html.replace(f"<td>{word}</td>", f'<td class="{kind}">{word}</td>')
    return html


def card_html(text: str, name: str) -> str:
    """A card's Markdown as HTML that fits below a heading of level 2; name: of the whole, for those who hear its tables."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    tables = 0
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    html: str = parser.renderer.render(tokens, parser.options, {})
    while "<table>" in html:  # a wide table scrolls, which needs a name and the keyboard's focus
        tables += 1
        opened = f'<div class="wide" role="region" tabindex="0" aria-label="Table {tables} of {name}"><table class="card">'
        html = html.replace("<table>", opened, 1)
    return html.replace("</table>", "</table></div>")


class Compared(NamedTuple):
    """A metric of a version beside the champion's."""

    name: str
    primary: bool
    value: Metric
    rival: Metric | None
    change: float | None


def metrics_of(evidence: Evidence | None, rival: Evidence | None, primary: str = "") -> list[Compared]:
    """A row a metric, the primary one first."""
    if evidence is None:
        return []
    theirs = rival.metrics if rival else {}
    return [
        Compared(
            name, name == primary, metric, theirs.get(name), metric.value - theirs[name].value if name in theirs else None
        )
        for name, metric in sorted(evidence.metrics.items(), key=lambda item: item[0] != primary)
    ]


def parts_of(workspace: Workspace, version: Registered, champion: Registered | None) -> list[dict[str, str]]:
    """What the version is made of, beside the champion; `changed` marks a difference."""
    ours = governance.candidate_in(workspace, version)
    theirs = governance.candidate_in(workspace, champion) if champion else None
    rows = []
    for part in PARTS:
        now, before = getattr(ours, part), getattr(theirs, part) if theirs else None
        if now is None and before is None:
            continue
        changed = bool(theirs) and now != before
        rows.append({"name": part, "now": _in_words(now), "before": _in_words(before), "changed": "yes" if changed else ""})
    return rows


def _in_words(part: Frozen | str | None) -> str:
    """One part of a Candidate in a few words."""
    if part is None:
        return "none"
    if isinstance(part, str):
        return part
    plain = part.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    words = [
        f"{name} {value}" for name, value in plain.items() if isinstance(value, (str, int, float)) and len(str(value)) < 40
    ]
    return ", ".join(words) + f" [{short(part.digest)}]"


def _rows(store: Store, evidence: Evidence | None, asked: dict[str, str], candidate: Candidate) -> dict[str, object]:
    """The rows of the evidence that the filter lets through."""
    rows = governance.rows_of(store, evidence)
    words = fold(asked["words"]).split()
    passed = [row for row in rows if all(word in fold(f"{row['text']} {row['answer']}") for word in words)]
    if asked["show"] == "wrong":
        passed = [row for row in passed if fold(str(row.get("reference", ""))) not in fold(row["answer"])]
    elif asked["show"] == "abstained":
        passed = [row for row in passed if candidate.abstain and row["answer"].strip() == candidate.abstain]
    first = [row["passages"][0] for row in passed[:ROWS] if row.get("passages")]
    read = passages(store, candidate, first)
    return {"rows": passed[:ROWS], "of": len(rows), "found": len(passed), "passages": read}
