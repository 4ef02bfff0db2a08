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
