"""What lies beside a card: annexes, the bill of materials, the PDF; and what two cards differ in."""

import io
import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from pypdf import PageObject, PdfReader

from components.cards import diff, markdown
from components.cards.annexes import ANNEXES, score
from components.cards.bom import bom
from components.cards.energy import spent
from components.cards.pdf import pdf
from components.cards.render import beside
from components.cards.statement import statement
from components.core import Derivation
from components.core.code import ROOT

from .record import candidate, metric, name, record

FOOTER = 60
"""Points from below within which the footer stands."""


def test_the_bill_of_materials_is_valid_and_names_every_part() -> None:
    model = candidate().model
    assert model
    files = {model.object: {"model.safetensors": name("weights"), "config.json": name("config")}}
    text = bom(record(files=files, libraries={"torch": "2.13.0", "pydantic": "2.12.0"}))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    parts = {one["name"]: one for one in found["components"]}
    assert {"base model", "adapter", "embedder", "disfl_qa", "torch"} <= set(parts)
    assert {one["name"]: one["hashes"][0]["content"] for one in parts["base model"]["components"]} == files[model.object]
    assert parts["base model"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert parts["disfl_qa"]["hashes"][0]["content"] == name("source")
    assert parts["disfl_qa"]["licenses"] == [{"expression": "CC-BY-4.0 AND CC-BY-SA-4.0"}]
    assert parts["torch"]["purl"] == "pkg:pypi/torch@2.13.0"
    card = found["metadata"]["component"]["modelCard"]
    figures = {one["type"]: one for one in card["quantitativeAnalysis"]["performanceMetrics"]}
    assert figures["f1_answerable"]["confidenceInterval"] == {"lowerBound": "0.26", "upperBound": "0.36"}
    assert text == bom(record(files=files, libraries={"pydantic": "2.12.0", "torch": "2.13.0"}))


def test_a_tuned_embedder_is_named_with_its_base_and_what_it_gained() -> None:
    one = candidate()
    assert one.retriever
    base = one.retriever.embedder
    assert base
    step = Derivation(technique="full", checkpoint=base, settings={"rows": 400}, trained=True)
    tuned = base.model_copy(update={"name": "minilm-tuned", "object": name("tuned embedder"), "derived_from": step})
    one = one.model_copy(update={"retriever": one.retriever.model_copy(update={"embedder": tuned})})
    said = "embedder tuned on training questions, 400 of disfl_qa (CC-BY-4.0): nDCG@10 by vector 0.88 → 0.90"
    results = record().results
    results = results | {"retrieval": {**results["retrieval"], "embedder_gain": {"said": said}}}
    shown = record(candidate=one, results=results)
    parts = {found["name"]: found for found in json.loads(bom(shown))["components"]}
    assert parts["embedder"]["description"] == "minilm-tuned, by full tuning on 400 training questions"
    assert parts["base embedder"]["type"] == "machine-learning-model"
    assert parts["base embedder"]["version"] == base.object[:12]
    assert "**Noted by retrieval**: embedder tuned on training questions, 400 of disfl" in markdown(shown)
    assert "Noted by retrieval" not in markdown(record())


def test_a_licence_that_is_no_spdx_identifier_goes_by_its_name() -> None:
    other = candidate()
    assert other.model
    named = other.model_copy(update={"model": other.model.model_copy(update={"licence": "Our own, see contract"})})
    found = json.loads(bom(record(candidate=named)))
    assert {"license": {"name": "Our own, see contract"}} in next(
        one["licenses"] for one in found["components"] if one["name"] == "base model"
    )


def test_annexes_count_what_is_there_and_claim_no_conformity() -> None:
    texts = beside(record())
    for ending, (_, rows_of) in ANNEXES.items():
        text, rows = texts[f"v1.{ending}.md"], rows_of(record())
        filled, total = score(rows)
        assert text.count("| not provided |") == total - filled
        assert f"{filled} of {total} rows say something" in text
        assert "claims no conformity" in text
    bare = record(results={}, measured={}, evaluated={}, provenance={}, environment={}, model=None)
    assert all(score(rows_of(bare)) < score(rows_of(record())) for _, rows_of in ANNEXES.values())


def test_energy_is_a_range_that_is_called_an_estimate_or_not_measured() -> None:
    measured = {"tuning": {"seconds": 1800.0, "processor_seconds": 3600.0}, "evaluation": {"seconds": 1800.0}}
    used = spent(record(measured=measured))
    assert (used["low_wh"], used["high_wh"], used["cost"]) == (3.5, 12.0, 0.1)  # an hour at 0.1
    assert used["without"] == ["evaluation"]
    text = markdown(record(measured=measured))
    assert "**An estimate, not a measurement**: 3.5 to 12 Wh" in text
    assert "Energy: not measured" in markdown(record())


def test_the_data_statement_says_what_is_known_and_guesses_nothing() -> None:
    rows = dict(statement(record()))
    assert [heading[0] for heading in rows] == list("ABCDEFGHI")
    assert rows["C. Speaker demographic"] is None
    said = {**record().use_case, "data_statement": {"speakers": "callers of a help desk in Lima"}}
    assert dict(statement(record(use_case=said)))["C. Speaker demographic"] == "callers of a help desk in Lima"
    assert "| C. Speaker demographic | not provided |" in markdown(record())


def test_two_cards_differ_in_words_and_rows() -> None:
    same = diff(record(), record())
    assert same["words"][-1] == "Nothing else differs."
    assert not any(same[part] for part in same if part != "words")
    later = record(model={"name": "voice_helpdesk", "version": 2, "alias": None})
    evaluated = json.loads(json.dumps(later.evaluated))
    evaluated["evidence"]["metrics"]["f1_answerable"] = metric(0.61)
    provenance = json.loads(json.dumps(later.provenance))
    provenance["splits"]["test"] |= {"count": 300, "object": name("other test")}
    provenance["sources"][0]["licence"] = "MIT"
    found = diff(record(), later.model_copy(update={"evaluated": evaluated, "provenance": provenance}))
    (row,) = found["figures"]
    assert (row["what"], row["change"]) == ("f1_answerable", "+0.300, intervals apart")
    assert {"split test", "source disfl_qa, licence"} <= {row["what"] for row in found["data"]}
    assert "The test split changed: figures of the two are not of the same rows." in found["words"]
    assert "A licence changed: read the rows on model and data." in found["words"]


@pytest.fixture(scope="module")
def pages() -> list[str]:
    # a value that names a file or an address must not be read while printing
    hostile = {**record().use_case, "problem": '<img src="/etc/hostname"> ![x](http://127.0.0.1:9/x.png) Kočiský → ≥ 0.5'}
    made = record(use_case=hostile)
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf(made, markdown(made)))).pages]


def test_the_pdf_holds_the_card(pages: list[str]) -> None:
    text = " ".join(" ".join(pages).split())
    assert "Kočiský → ≥ 0.5" in text
    assert "■" not in text
    assert "0.310 [0.260, 0.360]" in text.replace("\u00a0", " ")
    for heading in ("Decision", "Slices", "Data statement", "Energy and cost", "Environment"):
        assert heading in text
    assert f"page 1 of {len(pages)}" in text


def test_no_file_of_the_machine_is_printed(pages: list[str]) -> None:
    assert Path("/etc/hostname").read_text().strip() not in "".join(pages)


@pytest.mark.parametrize("path", sorted((ROOT / "model_cards").glob("*/v*.pdf")), ids=lambda path: path.parent.name)
def test_a_committed_card_has_at_most_eight_pages_before_its_annexes_and_none_is_half_empty(path: Path) -> None:
    pages = PdfReader(path).pages
    first = next(at for at, page in enumerate(pages) if "\nAnnexes\n" in page.extract_text())
    assert first < 8
    opening = " ".join(page.extract_text() for page in pages[:2])
    assert all(heading in opening for heading in ("Decision", "Limits and risks", "What was not measured", "Key figures"))
    for number, page in enumerate(pages[:-1], 1):
        assert lowest(page) < float(page.mediabox.height) / 2, f"page {number}"


def lowest(page: PageObject) -> float:
    """Where the last line above the footer stands, from below."""
    heights: list[float] = []
    page.extract_text(visitor_text=lambda text, outer, at, *_: heights.append(outer[5] + at[5]) if text.strip() else None)
    return min(height for height in heights if height > FOOTER)
