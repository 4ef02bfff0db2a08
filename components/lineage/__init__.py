"""A workspace's store, records and logs in; where a release came from, why an answer was given and what holds a subject out.
`erase` deletes what was found."""

from .draw import as_html, as_json, as_mermaid, label
from .erase import REASON, erase
from .graph import Edge, Graph, Node, graph
from .search import PENDING, Item, object_roles, search, touched, with_rows
from .subject import Subject
from .trace import find_row, trace
from .why import why

__all__ = [
    "PENDING",
    "REASON",
    "Edge",
    "Graph",
    "Item",
    "Node",
    "Subject",
    "as_html",
    "as_json",
    "as_mermaid",
    "erase",
    "find_row",
    "graph",
    "label",
    "object_roles",
    "search",
    "touched",
    "trace",
    "why",
    "with_rows",
]
