"""The graph as OpenLineage-like JSON, as a Mermaid picture for documents, and as one HTML page with the picture in it."""

from collections import defaultdict
from html import escape

from components.core import short

from .graph import Graph, Node

NAMESPACE = "ninefold"
SHAPES = {"job": ("[[", "]]"), "dataset": ("[(", ")]"), "source": ("[/", "/]"), "version": ("([", "])")}
COLOURS = {
    "source": "#e8f1fb", "job": "#fff4d6", "dataset": "#e9f6ec", "prompt": "#f4ebfb", "candidate": "#fde8e8",
    "evidence": "#e5f5f5", "version": "#ffe3c2", "approval": "#ddeedd", "endpoint": "#dddddd",
}  # fmt: skip
WIDE, HIGH, COLUMN, ROW = 190, 40, 210, 80
"""Pixels of a box and of its cell."""
ACROSS = 5
"""Boxes beside each other: as many as fit a page of 1,100 pixels; a layer of more goes on below."""
LONG = 300
"""Characters beyond which a fact is folded."""
MERMAID = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;"})
"""What in a text would end it, or be read as markup."""


def as_json(graph: Graph) -> dict[str, list[dict[str, object]]]:
    """Nodes and edges; a job's `inputs` and `outputs` are named as in OpenLineage: {"namespace", "name"}."""
    nodes = []
    for node in graph.nodes:
        inputs = [_named(edge.source) for edge in graph.edges if edge.target == node.id]
        outputs = [_named(edge.target) for edge in graph.edges if edge.source == node.id]
        ends = {"inputs": inputs, "outputs": outputs} if node.kind == "job" else {}
        nodes.append({**node.model_dump(mode="json"), "namespace": NAMESPACE, **ends})
    return {"nodes": nodes, "edges": [edge.model_dump(mode="json") for edge in graph.edges]}


def as_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart."""
    numbers = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        left, right = SHAPES.get(node.kind, ("[", "]"))
        text = " ".join(label(node).split()).translate(MERMAID)
        lines.append(f'    {numbers[node.id]}{left}"{text}"{right}')
    lines += [f"    {numbers[edge.source]} -->|{edge.how}| {numbers[edge.target]}" for edge in graph.edges]
    return "\n".join(lines) + "\n"


def as_html(graph: Graph, title: str) -> str:
    """One page that needs nothing else: the picture as SVG, then every node with its facts."""
    rows = "".join(
        f"<tr><td>{escape(node.kind)}</td><td>{escape(label(node))}</td><td>{_facts(node)}</td></tr>" for node in graph.nodes
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><style>'
        "body{font:14px/1.4 sans-serif;margin:1.5rem}.p svg{max-width:100%;min-width:44rem;height:auto}"
        "svg text{font:11px sans-serif}table{border-collapse:collapse}"
        "td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}"
        "td:last-child{overflow-wrap:anywhere}.p{overflow-x:auto}summary{cursor:pointer}"
        "@media(max-width:40rem){tr,td{display:block}th{display:none}td{border:0;padding:.1rem 0}"
        "tr{border-bottom:1px solid #ddd;padding:.5rem 0}}"
        "</style>"
        f"<h1>{escape(title)}</h1>"
        f'<div class="p" role="region" tabindex="0" aria-label="Picture">{_picture(graph, title)}</div>'
        f"<table><tr><th>kind</th><th>name</th><th>facts</th></tr>{rows}</table></html>\n"
    )


def label(node: Node) -> str:
    """What a node is called in a picture: its name, with the start of its digest and the rows it holds."""
    name = node.name
    if node.facts.get("count"):
        name += f" ({node.facts['count']:,})"
    if node.kind == "dataset":
        name += f" {short(node.facts['digest'])}"
    return name + (" · forgotten" if node.facts.get("forgotten") else "")


def _picture(graph: Graph, title: str) -> str:
    place = _places(graph)
    width = round((max(column for column, _ in place.values()) + 1) * COLUMN)
    height = (max(row for _, row in place.values()) + 1) * ROW + 20
    lines = []
    for edge in graph.edges:
        (x, y), (u, v) = (_corner(place[end]) for end in (edge.source, edge.target))
        start, end, bend = x + WIDE / 2, u + WIDE / 2, (y + HIGH + v) / 2
        path = f"M{start} {y + HIGH} C{start} {bend} {end} {bend} {end} {v}"
        lines.append(f'<path d="{path}" fill="none" stroke="#999"><title>{escape(edge.how)}</title></path>')
    for node in graph.nodes:
        x, y = _corner(place[node.id])
        text = label(node)
        cut = text if len(text) <= 27 else text[:26] + "…"
        lines.append(
            f'<g><title>{escape(text)}</title><rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="5" '
            f'fill="{COLOURS[node.kind]}" stroke="#777"/><text x="{x + 8}" y="{y + 16}" fill="#666">{escape(node.kind)}'
            f'</text><text x="{x + 8}" y="{y + 32}">{escape(cut)}</text></g>'
        )
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" {size}>{"".join(lines)}</svg>'


def _places(graph: Graph) -> dict[str, tuple[float, int]]:
    """Node → (column, row): below everything that it came from, each row in the middle."""
    before: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        before[edge.target].append(edge.source)
    depths: dict[str, int] = {}

    def depth(node: str) -> int:
        if node not in depths:
            depths[node] = 0  # an edge back, which no seal can make, would end here
            depths[node] = max((depth(other) + 1 for other in before[node]), default=0)
        return depths[node]

    layers: dict[int, list[str]] = defaultdict(list)
    for node in graph.nodes:
        layers[depth(node.id)].append(node.id)
    lines = [layers[at][start : start + ACROSS] for at in sorted(layers) for start in range(0, len(layers[at]), ACROSS)]
    widest = max(len(line) for line in lines)
    return {
        node: ((widest - len(line)) / 2 + column, row) for row, line in enumerate(lines) for column, node in enumerate(line)
    }


def _corner(place: tuple[float, int]) -> tuple[float, int]:
    return place[0] * COLUMN + 10, place[1] * ROW + 10


def _facts(node: Node) -> str:
    return "<br>".join(_fact(escape(name), escape(_said(value))) for name, value in node.facts.items())


def _fact(name: str, said: str) -> str:
    return f"{name}: {said}" if len(said) <= LONG else f"<details><summary>{name}</summary>{said}</details>"


def _said(value: object) -> str:
    """A fact as a person writes it: `exact: 3, near: 1`."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_said(one)}" for name, one in value.items())
    return ", ".join(map(_said, value)) if isinstance(value, (list, tuple)) else str(value)


def _named(id: str) -> dict[str, str]:
    return {"namespace": NAMESPACE, "name": id}
