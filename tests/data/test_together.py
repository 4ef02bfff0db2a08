"""No row of one use case's evaluation is in another's training, where they are tuned together."""

from pathlib import Path

from components.core import Contract, Dataset, Passage, Row, Split, Step, Task, publish_json, read_jsonl, read_passages
from components.data import keep_apart
from components.data.stage import Config
from tests.tuning.small import new_step, put

SORT = Task(kind="classification", instruction="Sort.", labels=("good", "bad"))
ASK = Task(kind="question_answering", instruction="Answer.", abstain="unknown")
TOWNS = ("Paris", "Lima", "Oslo", "Cairo")


def text(number: int, word: str = "film") -> str:
    return f"the {word} of number{number} was loved by all{number} who saw it in town{number} that{number} year"


def sorted_rows(word: str, *numbers: int) -> list[Row]:
    return [Row(id=f"{word}{i}", text=text(i, word), answer="good", source=word) for i in numbers]


def asked(name: str, *towns: str) -> list[Row]:
    return [
        Row(id=f"{name}-{one}", text=f"who opened the fair of {one} ?", answer=f"Mayor {one}son", passage=one, source="town")
        for one in towns
    ]


def about(*towns: str) -> list[Passage]:
    return [
        Passage(
            id=one, text=f"The fair of {one} was opened by Mayor {one}son , who spoke of {one} at length .", source="town"
        )
        for one in towns
    ]


def contract(step: Step, name: str, task: Task, rows: dict[str, list[Row]], **more: Split) -> Contract:
    path = step.scratch / "provenance.json"
    names = ("film", "book", "town")
    publish_json(path, {"of": name, "sources": [{"name": one, "licence": "mit", "origin": "rule"} for one in names]})
    splits = {split: put(step, split, given) for split, given in rows.items()}
    dataset = Dataset(splits=splits, provenance=step.store.put(path), **more)
    return Contract(use_case=name, task=task, dataset=dataset)


def test_rows_of_anothers_evaluation_are_removed_and_counted(tmp_path: Path) -> None:
    step = new_step(tmp_path)
    films = contract(
        step, "films", SORT,
        {"train": sorted_rows("film", 1, 2, 3), "validation": sorted_rows("film", 4), "test": sorted_rows("film", 5)},
    )  # fmt: skip
    taken = [Row(id=f"b{i}", text=text(i, "film"), answer="bad", source="book") for i in (4, 5, 6)]
    books = contract(
        step, "books", SORT,
        {"train": [*sorted_rows("book", 7), *taken], "validation": sorted_rows("book", 8), "test": sorted_rows("film", 2)},
    )  # fmt: skip
    apart = keep_apart(Config(), contracts=(films, books), step=step)
    ours, theirs = {one.use_case: one for one in apart.shares}["films"], {one.use_case: one for one in apart.shares}["books"]
    assert [row.id for row in ours.dataset.rows("train", step.store)] == ["film1", "film3"]
    assert [row.id for row in theirs.dataset.rows("train", step.store)] == ["book7", "b6"]
    assert ours.removed == {"example row and test of books: equal": 1}
    assert sum(theirs.removed.values()) == 2
    assert [(one.source, one.rows) for one in theirs.sources] == [("book", 2)]
    assert set(ours.dataset.splits) == {"train"}, "nothing that measures is handed on"
    lines = read_jsonl(step.store.file(apart.table))
    assert sorted((line["use_case"], line["id"]) for line in lines) == [("books", "b4"), ("books", "b5"), ("films", "film2")]
    assert "left out because they give another's evaluation away: books 2, films 1" in apart.decision.reason
    again = keep_apart(Config(), contracts=(books, films), step=step)
    assert again.digest == apart.digest, "the same whichever of them is tuned"


def test_passages_that_anothers_evaluation_is_about_are_removed(tmp_path: Path) -> None:
    step = new_step(tmp_path)
    base = put(step, "knowledge", about(*TOWNS))
    fairs = contract(
        step, "fairs", ASK, {"train": asked("t", "Paris"), "validation": asked("v", "Lima"), "test": asked("x", "Oslo")},
        knowledge=base, training_knowledge=put(step, "training_knowledge", about("Paris", "Cairo")),
    )  # fmt: skip
    towns = contract(
        step, "towns", ASK, {"train": asked("u", "Cairo"), "validation": asked("w", "Paris")},
        knowledge=base, training_knowledge=put(step, "training_knowledge", about("Lima", "Oslo", "Cairo")),
    )  # fmt: skip
    shares = {one.use_case: one for one in keep_apart(Config(), contracts=(fairs, towns), step=step).shares}
    left = {
        name: [one.id for one in read_passages(share.dataset.training_knowledge, step.store)]
        for name, share in shares.items()
    }
    assert left == {"fairs": ["Cairo"], "towns": ["Cairo"]}
    assert not shares["fairs"].dataset.rows("train", step.store), "its only question is the validation of towns"
    assert len(shares["towns"].dataset.rows("train", step.store)) == 1
