"""What documents taught: likelihoods before and after in the card, the terminal and the summary's schema."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from components.cards import write_card
from components.core import Metric
from components.core.code import ROOT
from components.training import Pretrained, Texts, pretrained_rows
from flows.view import pretraining

from .record import record

TOLD = Pretrained(
    objective="causal",
    technique="lora",
    documents=412,
    texts=(
        Texts(
            where="in the domain", source="manuals", documents=46, tokens=9_000, before=3.5, after=3.0,
            change=Metric(value=-0.5, low=-0.6, high=-0.4, n=46),
        ),
        Texts(
            where="outside", source="asset:news", documents=40, tokens=20_000, before=3.0, after=3.1,
            change=Metric(value=0.1, low=0.05, high=0.15, n=40),
        ),
    ),
)  # fmt: skip


@pytest.fixture
def read() -> Any:
    sealed = record()
    tuning = {**sealed.results["tuning"], "pretraining": TOLD.model_dump(mode="json")}
    measured = {**sealed.measured["tuning"], "pretraining": {"tokens_per_second": 301.5}}
    return sealed.model_copy(
        update={"results": {**sealed.results, "tuning": tuning}, "measured": {**sealed.measured, "tuning": measured}}
    )


def test_the_card_shows_the_domain_and_what_was_forgotten(read: Any, tmp_path: Path) -> None:
    text = write_card(read, tmp_path).read_text().replace("\\", "")
    inside = "| in the domain: manuals | 46 | 9,000 | 3.500 → 3.000 | -0.500 [-0.600, -0.400] | 33.1 → 20.1 | 301.5 |"
    assert f"| tuning | causal, lora | 412 documents {inside}" in text
    assert "| outside: asset:news | 40 | 20,000 | 3.000 → 3.100 | +0.100 [+0.050, +0.150] | 20.1 → 22.2 | 301.5 |" in text


def test_a_card_without_documents_says_nothing_of_them(tmp_path: Path) -> None:
    assert "What documents taught it" not in write_card(record(), tmp_path).read_text()


def test_the_terminal_and_the_schema_know_them(read: Any) -> None:
    rows = pretrained_rows(read.results, read.measured)
    console = Console(record=True, width=120)
    console.print(pretraining(rows))
    shown = console.export_text()
    assert all(
        said in shown for said in ("in the domain: manuals", "3.000 → 3.100", "+0.100 [+0.050, +0.150]", "33.1 → 20.1")
    )
    schema = json.loads((ROOT / "flows/summary.schema.json").read_text())
    jsonschema.validate(rows, {"$defs": schema["$defs"], **schema["properties"]["pretraining"]})
