"""Renders cards: one Markdown text is the card, made from its record alone; annexes and a bill of materials lie beside it.

Equal records give equal bytes.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from components.ladder import STEP
from components.measure import shown_p
from components.measure.left_out import left_out_rows
from components.measure.metrics import meaning

from . import figures
from .annexes import ANNEXES, score
from .bom import bom
from .energy import of_1000, spent
from .gates import VERDICTS, gates, open_bounds
from .limits import risks
from .record import TEMPLATES, Record
from .safety import safety
from .statement import statement
from .template import filled, sandbox
from .text import Markdown, clipped, escaped, evidence, figure, moved, plain, sentence, signed

if TYPE_CHECKING:
    from jinja2 import Environment

NOTED = ("data", "feedback")
"""Steps whose notes are bookkeeping on rows."""
BESIDE = {
    ".html": "this card as one page, with plots",
    ".record.json": "what it was made from; `ninefold card verify` computes every figure again",
    ".cdx.json": "bill of materials (CycloneDX 1.6)",
    **{f".{ending}.md": title for ending, (title, _) in ANNEXES.items()},
}
"""Ending of a file that lies beside the card → what it is."""
SKIPPED = {"decision": {"reason": "This stage was skipped"}}


def beside(record: Record) -> dict[str, str]:
    """File name → content of the annexes and of the bill of materials of `record`."""
    name, template = card_name(record), environment().get_template("annex.md.j2")
    files = {f"{name}.cdx.json": bom(record)}
    for ending, (title, rows_of) in ANNEXES.items():
        rows = rows_of(record)
        filled, total = score(rows)
        shown = {"title": title, "rows": rows, "filled": filled, "all": total, "name": f"{record.use_case['name']} {name}"}
        files[f"{name}.{ending}.md"] = template.render(shown).rstrip() + "\n"
    return files


def card_name(record: Record) -> str:
    """`v1`, or `draft` where no version is registered."""
    return f"v{record.model['version']}" if record.model else "draft"


def markdown(record: Record, template: Path = TEMPLATES / "card.md.j2") -> str:
    """The card's text without its front matter. Raises BadInput where `template` names a field that there is not."""
    contract = record.use_case
    measured = record.evaluated.get("evidence") or {}
    retrieval = record.results.get("retrieval", {})
    hits = retrieval.get("hits", {})
    overlaps = record.provenance.get("overlaps_removed")
    names: dict[str, object] = {
        "record": record,
        "contract": contract,
        "title": f"{contract['name']} {'version ' + str(record.model['version']) if record.model else '(draft)'}",
        "label": record.candidate.label,
        "verdict": _verdict(record),
        "gates": gates(record),
        "open_bounds": open_bounds(record),
        "metrics": figures.test_metrics(record),
        "key_metrics": figures.key_metrics(record),
        "slices_with_margin": figures.slices_with_margin(record),
        "table": measured.get("table"),
        "no_answer": record.evaluated.get("no_answer"),
        "split_rows": max((metric.get("n", 0) for metric in figures.test_metrics(record).values()), default=None),
        "gain": _gain(record),
        "slices_over": record.evaluated.get("slices_over") or (_gain(record) or {}).get("over"),
        "hits": hits,
        "hit_names": list(dict.fromkeys(name for metrics in hits.values() for name in metrics)),
        "retrieval": retrieval,
        "before_after": figures.before_after(record),
        "safety": (checks := safety(record)),
        "built_later": any(row["tuned"] for row in checks.values()),
        "parts": figures.parts(record),
        "docs": _docs(record),
        "overlaps": None if overlaps is None else sum(overlaps.values()),
        "representation": figures.representation(record),
        "trainings": figures.trainings(record),
        "trials": figures.trials(record),
        "left_out": left_out_rows(record.results),
        "searches": [(name, row) for name, found in record.results.items() for row in found.get("searched") or ()],
        "pretrainings": figures.pretrainings(record),
        "considered": record.results.get("selection", {}).get("considered", ()),
        "variants": figures.variants(record),
        "risks": risks(record),
        "notes": record.evaluated.get("notes") or [],
        "bookkeeping": _bookkeeping(record),
        "few": lambda count: f"{count:,} (too few to say)" if count < figures.ENOUGH else count,
        "meanings": [(name, said) for name in figures.test_metrics(record) if (said := meaning(name))],
        "example_input": Markdown(json.dumps(_question(record), ensure_ascii=False)),
        "slice_metrics": lambda values: figures.slice_metrics(record, values),
        "decider": figures.decider(record),
        "ladder": figures.ladder(record),
        "made_rows": figures.made_rows(record),
        "pseudo": figures.pseudo(record),
        "together": figures.together(record),
        "stages": {name: result for name, result in record.results.items() if not name.startswith(STEP)},
        "climbed": figures.climbed(record),
        "wh_of_1000": of_1000,
        "seconds": record.measured.get(figures.decider(record), {}).get("seconds_an_item", {}),
        "seconds_asked": record.measured.get(figures.decider(record), {}).get("requests", {}).get("mean"),
        "step": lambda name: Markdown(f"step {evidence(record.keys.get(name))}"),
        "test_count": ((record.provenance.get("splits") or {}).get("test") or {}).get("count"),
        "statement": statement(record),
        "energy": spent(record),
        "signature": _signature(record),
        "beside": [(Markdown(card_name(record) + ending), Markdown(what)) for ending, what in BESIDE.items()],
        "stage_reason": lambda name: record.results.get(name, SKIPPED)["decision"]["reason"],
    }  # fmt: skip
    text = filled(environment(), template, names)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def _bookkeeping(record: Record) -> list[tuple[str, list[str]]]:
    """(Step, its notes on the rows that it read): those of `NOTED`, and on which an embedder was tuned, for what gain."""
    noted = [(name, notes) for name in NOTED if (notes := record.results.get(name, {}).get("notes"))]
    gain = record.results.get("retrieval", {}).get("embedder_gain")
    return [*noted, *([("retrieval", [gain["said"]])] if gain else [])]


def environment() -> "Environment":
    """Jinja2 with every printed value escaped for Markdown, and missing ones shown as "not measured"."""
    from jinja2 import FileSystemLoader

    # The output is Markdown, so `finalize` escapes for Markdown; the page renders it without raw HTML.
    jinja = sandbox(loader=FileSystemLoader(TEMPLATES), finalize=escaped, keep_trailing_newline=True)
    jinja.globals.update(
        figure=figure, signed=signed, moved=moved, p_value=shown_p, evidence=evidence, clipped=clipped, plain=plain
    )
    jinja.filters.update(code=_code, sentence=sentence)
    return jinja


def _gain(record: Record) -> dict[str, object] | None:
    gain = record.evaluated.get("gain")
    if not gain:
        return None
    return {**gain, "before_metric": {"value": gain["before"]}, "after_metric": {"value": gain["after"]}}


def _signature(record: Record) -> str:
    released = record.results.get("deployment", {}).get("release")
    if not released:
        return ""
    signer = released.get("signer")
    return f"The served folder is signed by key {signer}." if signer else "The served folder is not signed."


def _docs(record: Record) -> Markdown:
    """Great Expectations' Data Docs: a link where they lie beside the card, else the digest of their object."""
    digest = str(record.results.get("data", {}).get("docs") or "")
    shown = evidence(digest)
    if not record.store or shown.startswith("not"):
        return shown
    return Markdown(f"[{shown}]({record.store}/objects/{digest}/index.html)")


def _question(record: Record) -> str:
    rows = record.examples.get("best") or []
    return str(clipped(" ".join(str(rows[0]["text"]).split()), 120)) if rows else "…"


def _code(value: object) -> Markdown:
    """A name inside a code span or block, where escapes would show: only the characters that names are made of."""
    return Markdown(re.sub(r"[^\w.\-/ ]", "", str(value)))


def _verdict(record: Record) -> Markdown:
    return Markdown(VERDICTS.get(record.decision.verdict, "Not enough evidence"))
