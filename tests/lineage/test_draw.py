import re

from components.lineage import as_html, as_mermaid
from components.lineage.graph import Edge, Graph, Node

NAME = 'faq"] --> x["<img src=x onerror=alert(1)>#\nclick'


def graph() -> Graph:
    facts = {"sha256": "0" * 64, "licence": "<b>mit</b>"}
    nodes = (Node(id="a", kind="source", name=NAME, facts=facts), Node(id="b", kind="job", name="data.prepare"))
    return Graph(nodes=nodes, edges=(Edge(source="a", target="b", how="reads"),))


def test_a_name_brings_no_markup_of_its_own_into_a_picture():
    lines = as_mermaid(graph()).splitlines()
    assert lines[1:] == [
        '    n0[/"faq#quot;] --#gt; x[#quot;#lt;img src=x onerror=alert(1)#gt;#35; click"/]',
        '    n1[["data.prepare"]]',
        "    n0 -->|reads| n1",
    ]
    page = as_html(graph(), "<i>Lineage</i>")
    assert not any(markup in page for markup in ("<img", "<b>", "<i>"))


def test_the_page_fits_a_narrow_screen():
    page = as_html(graph(), "Lineage")
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "overflow-wrap:anywhere" in page, "a digest is longer than a telephone is wide"


def test_a_fact_reads_as_a_sentence_would_have_it():
    facts = {"dropped": {"exact": 3, "near": 1}, "objects": ("a", "b")}
    page = as_html(Graph(nodes=(Node(id="a", kind="job", name="data", facts=facts),), edges=()), "Lineage")
    assert "dropped: exact: 3, near: 1<br>objects: a, b<" in page


def test_a_picture_of_many_boxes_fits_the_page():
    wide = tuple(Node(id=f"s{number}", kind="source", name=f"source {number}") for number in range(12))
    chain = tuple(Node(id=f"j{number}", kind="job", name=f"step {number}") for number in range(15))
    edges = [Edge(source=one.id, target="j0", how="reads") for one in wide]
    edges += [Edge(source=f"j{number}", target=f"j{number + 1}", how="reads") for number in range(14)]
    page = as_html(Graph(nodes=(*wide, *chain), edges=tuple(edges)), "Lineage")
    width = int(re.search(r'<svg[^>]* width="(\d+)"', page)[1])
    assert width <= 1100
    assert "max-width:100%" in page
    assert len(set(re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"', page))) == 27, "no box lies on another"


def test_a_long_fact_is_folded():
    page = as_html(Graph(nodes=(Node(id="a", kind="job", name="data", facts={"bias": "x" * 400}),), edges=()), "Lineage")
    assert f"<details><summary>bias</summary>{'x' * 400}</details>" in page
