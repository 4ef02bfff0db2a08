"""CoNLL F1 against the example of Pradhan et al. 2014 and against scorch, by itself and over all texts together."""

import json
from pathlib import Path

import pytest

from components.core import Row
from components.measure import per_example
from components.measure.intervals import table_metric
from components.measure.metrics.coreference import clusters
from components.text import Mark, marked
from tests.tasks.small import solved

TASK = solved("coreference").task
SCORCH = json.loads((Path(__file__).parent / "conll_scores.json").read_text())
NAMES = ("muc_f1", "b_cubed_f1", "ceaf_e_f1", "conll_f1")
WORDS = [f"w{number:02}" for number in range(14)]
Numbers = list[list[int]]


def text(groups: Numbers) -> str:
    """Words of three letters in a row, those of one group marked with one number."""
    marks = [Mark(4 * word, 4 * word + 3, str(number)) for number, group in enumerate(groups) for word in group]
    return marked(" ".join(WORDS), marks)


def figures(*pairs: tuple[Numbers, Numbers]) -> list[float]:
    """Each figure of NAMES over a table of (wanted, answered)."""
    table = [
        {"id": str(i), "text": " ".join(WORDS), "answer": text(answered), "reference": text(wanted)}
        for i, (wanted, answered) in enumerate(pairs)
    ]
    return [table_metric(table, name).value for name in NAMES]  # type: ignore[arg-type, union-attr]


def test_the_example_of_the_reference_scorer() -> None:
    """Key {a, b, c}, {d, e, f, g}; response {a, b}, {c, d}, {f, g, h, i} (section 3 of the paper)."""
    wanted, answered = [[0, 1, 2], [3, 4, 5, 6]], [[0, 1], [2, 3], [5, 6, 7, 8]]
    recall, precision = (4 / 3 + 1 / 3 + 1 / 4 + 4 / 4) / 7, (4 / 2 + 1 / 2 + 1 / 2 + 4 / 4) / 8
    b_cubed = 2 * recall * precision / (recall + precision)
    alike = 2 * 2 / 5 + 2 * 2 / 8
    ceaf = 2 * (alike / 2) * (alike / 3) / (alike / 2 + alike / 3)
    expected = [2 / 5, b_cubed, ceaf, (2 / 5 + b_cubed + ceaf) / 3]
    assert figures((wanted, answered)) == pytest.approx(expected, abs=1e-6)
    assert [round(value, 2) for value in expected[:3]] == [0.40, 0.45, 0.52]


@pytest.mark.parametrize("number", range(0, len(SCORCH["cases"]), 10))
def test_figures_are_those_of_scorch(number: int) -> None:
    for wanted, answered, expected in SCORCH["cases"][number : number + 10]:
        assert figures((wanted, answered)) == pytest.approx(expected, abs=1e-6)
        row = Row(id="a", text=" ".join(WORDS), answer=text(wanted))
        assert per_example(TASK, row, text(answered), None)["text_conll_f1"] == pytest.approx(expected[-1])


def test_over_a_table_texts_are_scored_together() -> None:
    pairs = [(wanted, answered) for wanted, answered, _ in SCORCH["cases"]]
    assert figures(*pairs) == pytest.approx(SCORCH["together"], abs=1e-6)


def test_nothing_to_find_and_nothing_found_is_right() -> None:
    assert figures(([], [])) == figures(([[0], [1]], [[0], [1]])) == [1, 1, 1, 1]
    assert figures(([[0, 1]], [])) == figures(([], [[0, 1]])) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("[Ann](1) lost [[her](1) bag](2) .", [{(0, 3), (7, 10)}, {(7, 13)}]),
        ("[Ann](7) lost [[her](7) bag](3).", [{(0, 3), (7, 10)}, {(7, 13)}]),  # numbers and spaces say nothing
        ("[Ann](1) lost [his](1) bag .", [{(0, 3)}]),  # what follows another word is not counted
        ("[Ann](1) lost [her](1", [{(0, 3)}]),  # cut
        ("[[Ann](1)](2) lost [her](1)", [{(0, 3), (7, 10)}]),  # a span is in one cluster
        ("[](1) [Ann](x) lost", []),
        ("Sure: [Ann](1) lost [her](1) bag .", []),
        ("", []),
    ],
)
def test_marks_are_read_as_far_as_the_text_is_copied(said: str, found: list[set[tuple[int, int]]]) -> None:
    assert sorted(map(sorted, clusters("Ann lost her bag .", said))) == sorted(map(sorted, found))
