"""Small real data sets of the three task kinds, in a store of their own."""

from pathlib import Path

from components.core import (
    Dataset,
    Limits,
    Machine,
    Metrics,
    Passage,
    Policy,
    Row,
    Split,
    Step,
    Task,
    Workspace,
    write_jsonl,
)

CITIES = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "Tokyo", "Delhi", "Quito", "Sofia", "Riga", "Bern", "Doha"]
RIVERS = ["Seine", "Tiber", "Aker", "Rimac", "Nile", "Sumida", "Yamuna", "Machangara", "Iskar", "Daugava", "Aare", "Wadi"]
GOOD = [
    "a warm and clever film",
    "wonderful acting and a great story",
    "I loved this brilliant movie",
    "a great joy to watch",
]
BAD = ["a dull and boring film", "terrible acting and a poor story", "I hated this awful movie", "a boring waste of time"]
POLICY = Policy()
LIMITS = Limits(latency_p95_seconds=5, memory_gb=6, cost_per_1000_answers=5)


def step_in(folder: Path) -> Step:
    """A step in a workspace of its own."""
    workspace = Workspace(folder)
    return Step("0" * 64, workspace.store.scratch("0" * 64), workspace, Machine())


def split(name: str, rows: list, step: Step) -> Split:
    """`rows` as a split of the store."""
    path = step.scratch / f"{'passages' if isinstance(rows[0], Passage) else 'rows'}.jsonl"
    write_jsonl(path, rows)
    return Split(name=name, object=step.store.put(path), count=len(rows))


def questions(step: Step) -> tuple[Task, Metrics, Dataset]:
    """Twelve passages about cities; each has a question that it answers, every third one also one that it does not."""
    passages, rows = [], []
    for i, (city, river) in enumerate(zip(CITIES, RIVERS, strict=True)):
        passages.append(Passage(id=f"p{i}", text=f"{city} is an old city. The river of {city} is the {river}."))
        rows.append(Row(id=f"a{i}", text=f"what is the river of {city} please", answer=river, passage=f"p{i}"))
        if i % 3 == 0:
            rows.append(Row(id=f"u{i}", text="who painted those melting clocks", answer="unknown", passage=f"p{i}"))
    task = Task(kind="question_answering", instruction="Answer the question from the passage.", abstain="unknown")
    metrics = Metrics(
        primary="f1_answerable", at_least=0.1, enough=0.99, minimum_effect=0.02, floors={"abstention_recall": 0.3}
    )
    train, validation = rows[:8], rows[8:]
    dataset = Dataset(
        splits={"train": split("train", train, step), "validation": split("validation", validation, step)},
        knowledge=split("knowledge", passages, step),
        provenance="",
    )
    return task, metrics, dataset


def reviews(step: Step) -> tuple[Task, Metrics, Dataset]:
    """Sixteen film reviews that two lists of words tell apart."""
    rows = []
    for label, texts in (("positive", GOOD), ("negative", BAD)):
        rows += [
            Row(id=f"{label}{i}{n}", text=f"{text}, part {n}", answer=label) for i, text in enumerate(texts) for n in (1, 2)
        ]
    task = Task(kind="classification", instruction="Judge the film review.", labels=("negative", "positive"))
    metrics = Metrics(primary="accuracy", at_least=0.6, enough=0.75, minimum_effect=0.02)
    dataset = Dataset(
        splits={"train": split("train", rows[::2], step), "validation": split("validation", rows[1::2], step)},
        provenance="",
    )
    return task, metrics, dataset


def documents(step: Step) -> tuple[Task, Metrics, Dataset]:
    """Documents whose first two sentences are the reference summary."""
    lead = [f"{city} opened a bridge. It crosses the {river}." for city, river in zip(CITIES, RIVERS, strict=True)]
    rows = [
        Row(id=f"d{i}", text=f"{text} Many people came to see it. The weather was fine.", answer=text)
        for i, text in enumerate(lead)
    ]
    task = Task(kind="summarization", instruction="Summarise the document.")
    metrics = Metrics(primary="rouge_l", at_least=0.1, enough=1.0)
    dataset = Dataset(
        splits={"train": split("train", rows[:6], step), "validation": split("validation", rows[6:10], step)}, provenance=""
    )
    return task, metrics, dataset
