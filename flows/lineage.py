"""`ninefold lineage`: a release's graph, from source rows to the endpoint; or where one row went."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.tree import Tree

from components import lineage as graphs
from components import serving
from components.core import BadInput, Candidate, Workspace, publish_text
from components.data import Bias, sentences
from components.governance import ALIASES, Approvals, Registered, Registry, candidate_in
from components.lineage import Graph, Node, as_html, as_mermaid
from components.lineage import graph as draw
from flows.environment import json_text
from flows.serve import version_named

BACK = {"writes": "written by"}
"""How an edge is called when it is read from its end."""


def lineage(model: str, workspace: Workspace | None = None) -> Graph:
    """The graph of `model` (`name`, `name@alias` or `name@version`). Raises BadInput for what is not registered."""
    workspace = workspace or Workspace()
    return graph_of(workspace, version_named(workspace, model))


def graph_of(workspace: Workspace, version: Registered) -> Graph:
    """The graph that ends at a registered version."""
    registry = Registry(workspace)
    aliases = [alias for alias in ALIASES if registry.holder(version.model, alias) == version.version]
    withdrawn = version.version in registry.withdrawn(version.model)
    lines, _ = Approvals(workspace).verify()  # a broken record is drawn too: `ninefold approvals --verify` judges it
    entries = [line for line in lines if (line.model, line.version) == (version.model, version.version)]
    endpoint = serving.status(workspace, version.model)
    up = endpoint is not None and endpoint.version == str(version.version)
    return draw(
        workspace.store,
        version.model_dump(mode="json") | {"aliases": aliases, "withdrawn": withdrawn},
        candidate_of(workspace, version),
        [entry.model_dump(mode="json") for entry in entries],
        {"url": endpoint.url, "up": True} if endpoint and up else None,
    )


def candidate_of(workspace: Workspace, version: Registered) -> Candidate | None:
    """What the version serves; None where its bundle was forgotten."""
    there = (version.bundle(workspace) / "candidate.json").is_file()
    return candidate_in(workspace, version) if there else None


def trace(row: str, workspace: Workspace | None = None) -> dict[str, Any]:
    """Where the row or passage with this id, text or place (`<source>:<line>`) went. Raises BadInput where there is none."""
    return graphs.trace((workspace or Workspace()).store, row)


def written(graph: Graph, model: str, page: Path | None, *, mermaid: bool, as_json: bool) -> str | None:
    """The graph as text, in the form asked for: the path of the page that was written, Mermaid, or JSON; None: a tree."""
    if page is not None:
        if page.is_dir():
            raise BadInput(f"--html {page}: is a folder; give the path of a file to write")
        publish_text(page, as_html(graph, f"Lineage of {model}"))
        return str(page)
    if mermaid:
        return as_mermaid(graph)
    return json_text(graphs.as_json(graph)) if as_json else None


def show(graph: Graph) -> None:
    """Print the graph as a tree, from the version back to the sources; what was printed before is only named again."""
    nodes = {node.id: node for node in graph.nodes}
    version = next(node for node in graph.nodes if node.kind == "version")
    seen: set[str] = set()

    def grow(branch: Tree, node: str) -> None:
        for edge in graph.before(node):
            known = edge.source in seen
            text = f"{_name(nodes[edge.source])} [dim](above)[/dim]" if known else _line(nodes[edge.source])
            child = branch.add(f"[dim]{BACK.get(edge.how, edge.how)}[/dim] {text}")
            if not known:
                seen.add(edge.source)
                grow(child, edge.source)

    root = Tree(_line(version))
    grow(root, version.id)
    for edge in graph.edges:
        if edge.source == version.id:
            root.add(f"[dim]{edge.how}[/dim] {_line(nodes[edge.target])}")
    Console().print(root, highlight=False)


def show_row(report: dict[str, Any]) -> None:
    """Print where a row or passage went."""

    def line(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    console = Console()
    for one in report.get("left_out", ()):
        where, rights = _read_at(one)
        line(f"{where}: left out at step {one['step']}: {one['reason']} ({rights})")
    if "left_out" in report:
        return
    kind = "row" if "row" in report else "passage"
    one = report[kind]
    line(f"{kind} {one['id']} of source {one['source']}: {one['text']!r}")
    for place in report["read"]:
        line("  read from {} ({})".format(*_read_at(place)))
    line(f"  {report['split']}: {report['training']}; read by {', '.join(report['read_by']) or 'no stage'}")
    for place in report["places"]:
        steps = ", ".join(place["steps"]) or "no seal"
        line(f"  {place['what']} {place['digest'][:12]} ({place['file']}), made by {steps}")
    line(f"  released from this data: {', '.join(report['released']) or 'no version'}")


def _read_at(place: dict[str, Any]) -> tuple[str, str]:
    """Where something was read, and under which licence from whom."""
    file = f" ({place['file']})" if place.get("file") else ""
    return f"{place['source']}, line {place['line']}{file}", f"{place['licence']}, {place['origin']}"


def _line(node: Node) -> str:
    facts = node.facts
    detail = {
        "source": f"{facts.get('licence')}, sha256 {str(facts.get('sha256'))[:12]}, {facts.get('read', 0):,} rows read",
        "job": f"{facts.get('verdict', '')}: {facts.get('reason', '')}",
        "version": f"candidate {str(facts.get('candidate'))[:12]}" + (", withdrawn" if facts.get("withdrawn") else ""),
        "evidence": ", ".join(f"{k} {v:.3f}" for k, v in facts.items() if isinstance(v, float)),
        "approval": str(facts.get("reason", "")),
        "endpoint": "up",
    }.get(node.kind, facts.get("licence", ""))
    dropped = ", ".join(f"{count} {reason}" for reason, count in (facts.get("dropped") or {}).items())
    more = (f" ({detail})" if detail else "") + (f" dropped: {dropped}" if dropped else "")
    more += f" bias: {bias_said(facts['bias'])}" if facts.get("bias") else ""
    return _name(node) + more.replace("[", "\\[")


def bias_said(bias: Bias) -> str:
    """What a data step's figures of bias come to, in words."""
    named = "; ".join(sentences(bias)) or "no step dropped or relabelled a group more often than others beyond chance"
    rows = bias.get("sources", {}).get("rows", {})
    return named + (f"; {rows['share']:.0%} of the rows are from '{rows['largest']}'" if rows.get("largest") else "")


def _name(node: Node) -> str:
    return graphs.label(node).replace("[", "\\[")
