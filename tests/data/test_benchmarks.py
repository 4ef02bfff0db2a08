"""What evaluation asks is held against training as it is asked, the hub's benchmarks too."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.core import MachineFault, file_digest, read_jsonl
from components.core.hub_task import HubTask, folder_of
from components.data.benchmarks import benchmark_items

from .conftest import REVIEWS, TOPICS, Bench, write

TOLD = [f"{one} in {two} made a {one} evening of the {two} story" for one in TOPICS for two in TOPICS if one < two]


def pinned(bench: Bench, name: str, **splits: list[dict]) -> HubTask:
    """Parquet files in the workspace's assets, as `ninefold fetch` leaves them."""
    folder = folder_of("nyu-mll/glue", name, bench.workspace)
    folder.mkdir(parents=True)
    files = {}
    for split, rows in splits.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")
        files[split] = file_digest(folder / f"{split}.parquet")
    about = {"revision": "a1", "licence": "cc-by-4.0", "files": files}
    return HubTask(name=name, dataset="nyu-mll/glue", config=name, asked="validation", **about)


def test_training_rows_that_a_benchmark_of_the_hub_asks_are_removed(bench: Bench) -> None:
    write(bench.folder / "films.jsonl", [{"text": text, "label": ("good", "bad")[at % 2]} for at, text in enumerate(TOLD)])
    data = bench.data({"name": "films", "path": "films.jsonl"}, splits={"train": 90, "validation": 10, "test": 10})
    plain = bench.prepare(REVIEWS, data)
    train = [row.text for row in plain.dataset.rows("train", bench.store)]
    task = pinned(
        bench,
        "sst2",
        train=[{"sentence": train[0], "label": 1}],
        validation=[{"sentence": text, "label": 0} for text in train[1:9]],
    )
    held = bench.prepare(REVIEWS, data, hub=(task,))
    left = {row.text for row in held.dataset.rows("train", bench.store)}
    assert train[0] in left, "what only its training split holds may be trained on"
    assert not left & set(train[1:9])
    assert held.figures["overlaps_removed"] == {"example row and benchmark sst2: equal": 8}
    assert held.dataset.benchmark_items
    kept = read_jsonl(bench.store.file(held.dataset.benchmark_items.object))
    assert [item["question"] for item in kept] == train[1:9], "what later stages hold their rows against"


def test_questions_passages_and_answers_of_the_four_families_are_read(bench: Bench) -> None:
    rows = {
        "mrpc": {"sentence1": "One came.", "sentence2": "Two came.", "label": 1},
        "multirc": {"paragraph": "A long story.", "question": "Who came?", "answer": "nobody", "label": 0},
        "mmlu": {"question": "Which is first?", "choices": ["A one", "the other"], "answer": 1, "subject": "order"},
        "bigbench": {"inputs": "Q: is it so? A:", "targets": ["it is"], "multiple_choice_targets": ["it is", "no"]},
    }
    tasks = [pinned(bench, name, validation=[row]) for name, row in rows.items()]
    questions, passages = benchmark_items((), tasks, bench.workspace)
    assert [(item.where.split()[1], item.question, item.answer) for item in questions] == [
        ("mrpc", "One came.", ""),
        ("mrpc", "Two came.", ""),
        ("multirc", "Who came?", ""),
        ("mmlu", "Which is first?", "the other"),
        ("bigbench", "Q: is it so? A:", "it is"),
    ]
    assert [text for _, text in passages] == ["A long story."]


def test_a_file_that_is_not_the_pinned_one_is_not_read(bench: Bench) -> None:
    task = pinned(bench, "sst2", validation=[{"sentence": TOLD[0]}])
    path: Path = folder_of("nyu-mll/glue", "sst2", bench.workspace) / "validation.parquet"
    pq.write_table(pa.Table.from_pylist([{"sentence": TOLD[1]}]), path)
    with pytest.raises(MachineFault, match="not the file that was fetched"):
        benchmark_items((), [task], bench.workspace)
