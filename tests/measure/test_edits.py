"""Edit-based F0.5 against values by hand, and against the edits that ERRANT finds."""

import json
from pathlib import Path

import pytest

from components.core import Row
from components.measure import per_example
from components.measure.intervals import paired, table_metric
from components.measure.metrics.edits import counts, edits
from tests.tasks.small import solved

TASK = solved("rewriting").task
ERRANT = json.loads((Path(__file__).parent / "errant_edits.json").read_text())


@pytest.mark.parametrize("case", ERRANT["cases"], ids=lambda case: case["source"][:12])
def test_edits_are_those_of_errant(case: dict) -> None:
    """Made with errant 3.0.2's `Alignment(…, lev=True)`, every operation an edit (`-lev -merge all-split`)."""
    assert sorted(edits(case["source"], case["text"]).elements()) == sorted(map(tuple, case["edits"]))


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        # the source is: She go to school every days
        ("She goes to school every day", "She goes to school every day", (2, 2, 2)),
        ("She goes to school every days", "She goes to school every day", (1, 1, 2)),
        ("She goes to the school every day", "She goes to school every day", (2, 3, 2)),
        ("She went to school every days", "She goes to school every day", (0, 1, 2)),
        ("She go to school every days", "She goes to school every day", (0, 0, 2)),
        ("She go to school", "She go to school every days", (0, 2, 0)),
        ("she go to school every days", "She go to school every days.", (0, 1, 1)),
    ],
)
def test_right_made_and_wanted_edits_by_hand(answer: str, reference: str, expected: tuple[int, int, int]) -> None:
    assert counts("She go to school every days", answer, reference) == expected


def test_a_text_has_the_f05_of_its_edits() -> None:
    def of(answer: str, reference: str) -> float | None:
        row = Row(id="a", text="She go to school every days", answer=reference)
        return per_example(TASK, row, answer, None)["text_edit_f05"]

    right = "She goes to school every day"
    assert of(right, right) == 1
    assert of("She goes to school every days", right) == pytest.approx(1.25 * 1 * 0.5 / (0.25 * 1 + 0.5))  # P 1, R 1/2
    assert of("She goes to the school every day", right) == pytest.approx(1.25 * (2 / 3) * 1 / (0.25 * 2 / 3 + 1))
    assert of("She go to school every days", right) == 0
    assert of("", right) == 0
    assert of("She go to school every days", "She go to school every days") == 1
    assert of(right, "She go to school every days") == 0


def test_over_a_table_all_edits_count_alike() -> None:
    rows = [
        {"text": "a b c", "answer": "a x c", "reference": "a x y"},  # 1 right of 1 made, 2 wanted
        {"text": "d e", "answer": "z z", "reference": "d e"},  # 0 of 2, 0
        {"text": "f", "answer": "f g", "reference": "f g"},  # 1 of 1, 1
    ]
    table = [{"id": str(i), **row} for i, row in enumerate(rows)]
    precision, recall = 2 / 4, 2 / 3
    wanted = {
        "edit_precision": precision,
        "edit_recall": recall,
        "edit_f05": 1.25 * precision * recall / (0.25 * precision + recall),
    }
    for name, value in wanted.items():
        assert table_metric(table, name).value == pytest.approx(value, abs=1e-6)  # type: ignore[arg-type, union-attr]


def test_scripts_without_spaces_are_compared_sign_by_sign() -> None:
    assert list(edits("我门去学校。", "我们去学校。").elements()) == [(1, 2, "们")]
    assert list(edits("Il a 3,5 ans, l'été.", "Il a 3,6 ans l’été .").elements()) == [
        (2, 3, "3,6"),
        (4, 5, ""),
        (5, 6, "l’été"),
    ]


def test_a_long_text_takes_no_longer_than_its_first_words() -> None:
    text = " ".join(f"w{i}" for i in range(1010))
    assert not edits(" ".join(text.split()[:1000]), text)


def test_an_oracle_beats_the_copied_input_and_shuffled_answers_have_nothing() -> None:
    rows = solved("rewriting").rows

    def table(answers: list[str]) -> list[dict]:
        return [
            {"id": row.id, "text": row.text, "answer": said, "reference": row.answer}
            for row, said in zip(rows, answers, strict=True)
        ]

    right = [row.answer for row in rows]
    copied, shuffled = table([row.text for row in rows]), table([*right[5:], *right[:5]])
    for before in (copied, shuffled):
        gain = paired(before, table(right), "edit_f05")  # type: ignore[arg-type]
        assert (gain.before < 0.1, gain.after) == (True, 1)
        assert gain.gain.low is not None
        assert gain.gain.low > 0.8
