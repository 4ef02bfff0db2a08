"""A card that contradicts itself, or was not filled, is found by its text alone."""

import re
from pathlib import Path

import pytest

from components.cards import lint, read_record
from components.cards.record import record_path
from components.core.code import ROOT

from ..evidence import carded

COMMITTED = sorted((ROOT / "model_cards").glob("*/v*.md"))
COMMITTED = [path for path in COMMITTED if path.stem[1:].isdigit()]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return carded(tmp_path_factory.mktemp("carded"))[0]


def test_a_card_that_a_run_writes_has_nothing_to_object_to(card: Path) -> None:
    assert lint(card) == []


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_a_committed_card_has_nothing_to_object_to(path: Path) -> None:
    known = [] if record_path(path).is_file() else ["a table has an empty cell"]  # written by an earlier template
    assert [one for one in lint(path) if one.what not in known] == []


def primary(card: Path) -> str:
    return f"{read_record(card).evaluated['evidence']['metrics']['f1_answerable']['value']:.3f}"


SPOILT = {
    "a figure stated twice": ("| f1_answerable | {primary} [", "| f1_answerable | 0.999 [", "f1_answerable is"),
    "a figure of the metadata": ("value: {rounded}", "value: 0.1111", "in the metadata"),
    "the decision's figure": ("f1_answerable {primary} on test", "f1_answerable 0.111 on test", "in the decision"),
    "an interval": ("[{low}, ", "[0.998, ", "does not hold its value"),
    "the test rows": ("the test split (24 rows", "the test split (25 rows", "25 test rows here, 24 in line"),
    "more examples than rows": ("## Best and", "| 99 | 99 |\n\n## Best and", "99 examples, and the test split has"),
    "no version": ("Registered as **", "To be **", "names no registered version"),
    "a draft": ("Registered as **", "This is a draft. Registered as **", "calls itself a draft"),
    "another version": ("version 1\n", "version 2\n", "the title names another version"),
    "TODO": ("## Slices", "## Slices\n\nTODO: explain\n", "unfilled text: TODO"),
    "a template's field": ("Owner: ", "Owner: {{ contract.owner }} ", "unfilled text: {{"),
    "an empty section": ("## Slices\n", "## Calibration\n\n## Slices\n", "section 'Calibration' is empty"),
    "an empty cell": ("| yes | ", "| | ", "empty cell"),
    "a value that is none": ("| test | 24 |", "| test | None |", "value that is none"),
    "a dead link": ("## Slices", "See [the plot](plot.png).\n\n## Slices", "links to plot.png"),
    "a gate's n": ("| 20 | at least 0.1 | holds |", "| 19 | at least 0.1 | holds |", "is of 19 here and of 20 among"),
    "the gain's n": ("| 20 | interval above 0", "| 19 | interval above 0", "plain baseline is of 19 here"),
    "a gate that is missed": ("| at most 5 s | holds |", "| at most 1 s | holds |", "p95 is 1.42, at most 1 s was asked"),
    "a gate that is met": ("at least 0.1 | holds", "at least 0.1 | broken", "it says 'broken'"),
    "the verdict": ("at least 0.1 | holds", "at least 0.99 | broken", "meets the contract, and f1_answerable is broken"),
    "a bound that is not shown": (
        "at most 0.3 | not shown |", "at most 0.3 | holds |", "worse by at most 0.3 was asked, and it says 'holds'",
    ),
    "a bound that is left out above": ("**Not shown**", "**Shown**", "is not shown, and the first lines do not say so"),
    "an interval of a check": ("0.375 [0.", "0.975 [0.", "the interval of 0.975 [0.000, 0.750] does not hold its value"),
    "a metric of the metadata alone": ("type: exact_match", "type: exact", "exact is in the metadata and not among"),
    "a split": ("rows: test 24", "rows: test 23", "23 rows of test here, 24 in line"),
    "a split as the stage tells it": ("rows: test 24 |", "rows: test 23 |", "23 rows of test here, 24 in line"),
    "the rows of a test": ("These 20 rows", "These 30 rows", "another number of rows than the 20 of the paired gain"),
    "an approval to come": ("## Approval\n", "## Approval\n\nApproved by Ann on 2999-01-01: read.\n", "still to come"),
    "no metadata": ("license: apache-2.0", "license: Apache 2", "not what the hub reads"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_wrong_is_named_with_its_line(card: Path, tmp_path: Path, what: str) -> None:
    found = read_record(card).evaluated["evidence"]["metrics"]["f1_answerable"]
    values = {"primary": primary(card), "rounded": f"{round(found['value'], 4)}", "low": f"{found['low']:.3f}"}
    before, after, said = SPOILT[what]
    for name, value in values.items():
        before = before.replace("{" + name + "}", value)
    text = card.read_text()
    assert before in text
    for path in card.parent.glob("v1.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spoilt = tmp_path / card.name
    spoilt.write_text(text.replace(before, after, 1))
    lines = [str(one) for one in lint(spoilt)]
    assert any(said in line for line in lines), lines
    assert all(line.startswith("v1.md, line ") for line in lines)


def test_a_file_beside_the_card_that_is_gone_is_named(card: Path, tmp_path: Path) -> None:
    (tmp_path / card.name).write_bytes(card.read_bytes())
    assert sum("which is not there" in str(one) for one in lint(tmp_path / card.name)) == 6


def test_a_refusal_of_which_every_gate_holds_is_named(card: Path, tmp_path: Path) -> None:
    text = card.read_text().replace("**Meets the contract**", "**Not enough evidence**")
    head, heading, rest = text.partition("## Intended use")
    (tmp_path / card.name).write_text(re.sub(r"\| not (measured|shown) \|", "| holds |", head) + heading + rest)
    assert "it is refused, and every gate holds" in [one.what for one in lint(tmp_path / card.name)]
    (tmp_path / card.name).write_text(text)
    assert "it is refused, and every gate holds" not in [one.what for one in lint(tmp_path / card.name)]
