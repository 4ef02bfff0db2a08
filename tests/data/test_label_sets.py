"""Files whose rows have several labels: lists, texts, numbers; what is no label is set aside with the reason."""

import pytest

from components.core import GateRefused, Task

from .conftest import Bench, write

TASK = Task(kind="multilabel_classification", instruction="Name.", label_set=["anger", "joy", "surprise"], none_allowed=True)
SURE = TASK.model_copy(update={"none_allowed": False})


def rows_of(count: int = 30) -> list[dict]:
    labels = (["joy"], "anger, joy", [], "surprise")
    return [{"text": f"message {i} of day {i * 7}", "labels": labels[i % 4]} for i in range(count)]


def test_a_label_outside_the_contract_is_named_with_file_line_and_what_is_allowed(bench: Bench) -> None:
    rows = rows_of()
    rows[6]["labels"] = ["joy", "awe"]
    write(bench.folder / "mail.jsonl", rows)
    source = {"name": "mail", "path": "mail.jsonl"}
    with pytest.raises(GateRefused) as refused:
        bench.prepare(TASK, bench.data(source, quarantine_at_most=0))
    said = "line 7; answer holds 'awe', which is none of task.label_set; allowed: anger, joy, surprise, none"
    assert "source 'mail' (mail.jsonl)" in str(refused.value)
    assert said in str(refused.value)
    found = bench.prepare(TASK, bench.data(source, quarantine_at_most=0.1))
    kept = [row.answer for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)]
    assert set(kept) == {"joy", "anger, joy", "none", "surprise"}


def test_a_text_without_labels_is_refused_where_the_contract_does_not_allow_it(bench: Bench) -> None:
    write(bench.folder / "mail.jsonl", rows_of())
    with pytest.raises(GateRefused, match=r"line 3; answer has no label, and task\.none_allowed does not say that it may"):
        bench.prepare(SURE, bench.data({"name": "mail", "path": "mail.jsonl"}))


def test_numbers_of_labels_become_labels_one_by_one(bench: Bench) -> None:
    """As GoEmotions has them: `0,1`."""
    numbers = {"joy": "1", "anger": "0", "surprise": "2", "none": "27"}
    lines = ["text,labels", *(f'message {i} of day {i * 7},"{("1", "1,0", "27", "2")[i % 4]}"' for i in range(30))]
    write(bench.folder / "mail.csv", lines)
    values = {number: label for label, number in numbers.items()}
    found = bench.prepare(TASK, bench.data({"name": "mail", "path": "mail.csv", "values": values}))
    kept = {row.answer for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)}
    assert kept == {"joy", "anger, joy", "none", "surprise"}
