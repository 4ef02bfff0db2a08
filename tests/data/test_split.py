"""Splits follow hashes, and hold each label where there is one for each."""

from collections import Counter
from pathlib import Path

import pytest

from components.core import Row, Splits, UseCase, read_yaml
from components.core.code import ROOT
from components.data.contamination import Rules, divide
from components.data.read import read_source
from components.data.split import first, take

from .conftest import REVIEWS, Bench, write

THIRTY = ROOT / "tests/cases/17-thirty-rare-labels/thirty.yaml"


def rows(labels: dict[str, int], passages: int = 0) -> list[Row]:
    named = [label for label, count in labels.items() for _ in range(count)]
    return [
        Row(id=f"{number:04}", text=f"text {number}", answer=label, passage=f"p{number % passages}" if passages else None)
        for number, label in enumerate(named)
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("by", ["row", "passage"])
def test_a_label_with_a_row_for_each_split_stands_in_each(seed: int, by: str) -> None:
    pool = rows({"common": 300, "rare": 4, "scarce": 5}, passages=309 if by == "passage" else 0)
    splits = Splits(train=150, feedback=10, validation=40, test=60, by=by, seed=seed)
    divided = divide(pool, splits, [], Rules(1.0, 30), classed=True).splits
    for name, items in divided.items():
        assert {row.answer for row in items} == {"common", "rare", "scarce"}, name
        assert len(items) == getattr(splits, name)


@pytest.mark.parametrize("seed", range(8))
def test_splits_that_hold_every_label_by_hash_alone_stay_as_they_are(seed: int) -> None:
    pool = rows({"a": 100, "b": 80, "c": 60})
    splits = Splits(train=80, feedback=30, validation=40, test=60, seed=seed)
    assert divide(pool, splits, [], Rules(1.0, 30), classed=True).splits == divide(pool, splits, [], Rules(1.0, 30)).splits


def test_a_label_with_fewer_rows_than_splits_is_in_test_first() -> None:
    splits = Splits(train=20, validation=10, test=10)
    divided = divide(rows({"common": 60, "once": 1}), splits, [], Rules(1.0, 30), classed=True).splits
    assert {name for name, items in divided.items() if any(row.answer == "once" for row in items)} == {"test"}


def test_what_a_profile_uses_of_a_split_holds_each_label_in_the_order_of_the_split() -> None:
    items, _ = take(rows({"common": 100, "rare": 2}), 102, Splits(train=1, validation=1, test=1), classed=True)
    used = first(items, 10, classed=True)
    assert Counter(row.answer for row in used)["rare"] >= 1
    assert len(used) == 10
    assert used == [row for row in items if row in used]
    assert first(items, None, classed=True) == items
    assert first(items, 10) == items[:10]


def test_thirty_labels_of_which_some_have_four_rows_stand_in_every_split_that_has_room() -> None:
    contract = read_yaml(THIRTY, UseCase)
    source = contract.data.sources[0]
    records = read_source(source, 0, THIRTY.parent / source.path, contract.task)
    pool = [Row(id=f"{one.line:04}", text=one.text or "", answer=one.answer or "") for one in records]
    splits = contract.data.splits.model_copy(update={"feedback": 30})
    divided = divide(pool, splits, [], Rules(1.0, 30), classed=True).splits
    assert {name: len({row.answer for row in items}) for name, items in divided.items()} == dict.fromkeys(divided, 30)


def test_the_stage_keeps_a_rare_label_in_each_split_and_lists_what_a_profile_leaves(bench: Bench, tmp_path: Path) -> None:
    write(
        bench.folder / "reviews.jsonl",
        [{"text": f"review number {number}", "label": "bad" if number < 4 else "good"} for number in range(40)],
    )
    done = bench.prepare(REVIEWS, bench.data({"name": "reviews", "path": "reviews.jsonl"}), test=2)
    for name, split in done.dataset.splits.items():
        assert {row.answer for row in done.dataset.rows(name, bench.store)} == {"bad", "good"}, name
        assert split.count >= 2
