"""Figures of label sets against scikit-learn's, on random answers."""

import random

import pytest
import sklearn.metrics
from sklearn.preprocessing import MultiLabelBinarizer

from components.core import Row, Task
from components.measure import per_example
from components.measure.intervals import paired, table_metric

LABELS = ["anger", "fear", "joy", "surprise"]
TASK = Task(kind="multilabel_classification", instruction="Name the emotions.", label_set=LABELS, none_allowed=True)


def written(labels: list[str]) -> str:
    return ", ".join(labels) or "none"


def table(seed: int, rows: int = 60) -> list[dict]:
    """Answers that share some labels with their references; a few have none."""
    draw = random.Random(seed)
    made = []
    for number in range(rows):
        wanted = [label for label in LABELS if draw.random() < 0.4]
        said = [label for label in LABELS if draw.random() < (0.8 if label in wanted else 0.2)]
        row = Row(id=str(number), text="t", answer=written(wanted))
        figures = per_example(TASK, row, written(said), None)
        made.append({"id": row.id, "text": "t", "answer": written(said), "reference": row.answer, **figures})
    return made


def value(rows: list[dict], name: str) -> float:
    figure = table_metric(rows, name)
    assert figure
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= figure.value <= figure.high
    return figure.value


@pytest.mark.parametrize("seed", range(5))
def test_each_figure_is_scikit_learns(seed: int) -> None:
    rows = table(seed)
    binary = MultiLabelBinarizer(classes=LABELS)
    wanted, said = (
        binary.fit_transform([set(row[side].split(", ")) & set(LABELS) for row in rows]) for side in ("reference", "answer")
    )
    theirs = {
        "micro_f1": sklearn.metrics.f1_score(wanted, said, average="micro"),
        "label_macro_f1": sklearn.metrics.f1_score(wanted, said, average="macro"),
        "text_label_f1": sklearn.metrics.f1_score(wanted, said, average="samples", zero_division=1.0),
        "subset_accuracy": sklearn.metrics.accuracy_score(wanted, said),
        "hamming_score": 1 - sklearn.metrics.hamming_loss(wanted, said),
    }
    assert {name: value(rows, name) for name in theirs} == pytest.approx(theirs, abs=1e-6)
    assert value(rows, "valid_labels") == 1


def test_the_right_labels_have_one_and_shuffled_ones_what_chance_gives() -> None:
    rows = table(0, rows=400)
    references = [row["reference"] for row in rows]
    right = [{**row, "answer": row["reference"]} for row in rows]
    others = [{**row, "answer": other} for row, other in zip(rows, references[1:] + references[:1], strict=True)]
    assert value(right, "micro_f1") == value(right, "label_macro_f1") == 1
    assert value(others, "micro_f1") == pytest.approx(0.4, abs=0.05)  # each label is there in 40 of 100 texts


def test_an_answer_that_is_no_set_of_labels_is_right_nowhere_and_counted() -> None:
    for reference in ("none", "anger"):
        found = per_example(TASK, Row(id="a", text="t", answer=reference), "", None)
        assert set(found.values()) == {0.0}
    assert per_example(TASK, Row(id="a", text="t", answer="none"), "none", None)["text_label_f1"] == 1


def test_a_gain_has_an_interval_around_it() -> None:
    before = [{"id": str(i), "answer": "joy" if i % 2 else "fear", "reference": "joy"} for i in range(40)]
    found = paired(before, [{**row, "answer": "joy"} for row in before], "micro_f1")
    assert (found.before, found.after, found.gain.n) == (0.5, 1.0, 40)
    assert found.gain.low is not None
    assert found.gain.low > 0.3
