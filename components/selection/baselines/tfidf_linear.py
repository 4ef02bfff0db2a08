"""Classification, and questions of few answers, without a language model: TF-IDF of words and word pairs, logistic
regression, saved by skops (no pickle).

The regularisation is chosen by stratified cross-validation on the training rows only. skops names every part by its address
in memory and stamps files with the time; `reproducible` renames and orders them, so that equal fits have equal digests.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from components.application import as_terms, load_retriever
from components.core import BadInput, Baseline, Candidate, Dataset, Metrics, Retriever, Row, Runtime, Step, Task
from components.measure import normalise
from components.measure.answer_kinds import most_frequent
from components.tasks import kept
from components.text import apart

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import Pipeline

STRENGTHS = (1.0, 10.0, 100.0)
"""Inverse regularisation strengths that cross-validation chooses from."""


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """tfidf_linear fitted on the first `rows` training rows. Raises BadInput when they hold fewer than two labels."""
    train = dataset.rows("train", step.store)[:rows]
    if len({row.answer for row in train}) < 2:
        raise BadInput(
            f"data.splits.train: its {len(train)} rows hold fewer than two of the labels {', '.join(task.labels)}; "
            "give more training rows"
        )
    return _candidate(task, [as_terms(row.text) for row in train], [row.answer for row in train], None, step)


def fit_closed(task: Task, dataset: Dataset, train: list[Row], step: Step) -> Candidate:
    """tfidf_linear over question and best passage, or the text that comes with it: the answers are a closed set of few."""
    texts, retriever = [row.text for row in train], None
    passages: list[list[str]] = [[] for _ in texts]
    if task.given:
        passages = [[apart(text)[0]] for text in texts]
        texts = [apart(text)[1] for text in texts]
    elif dataset.knowledge:
        retriever = Retriever(scoring="bm25", knowledge=dataset.knowledge.object, top_k=1)
        ranked = load_retriever(retriever, step.store, step.machine).search(texts, top_k=1)
        passages = [[hit.text for hit in hits] for hits in ranked]
    spelled: dict[str, list[str]] = {}
    for row in train:
        spelled.setdefault(normalise(row.answer), []).append(row.answer)
    texts = list(map(as_terms, texts, passages))
    return _candidate(task, texts, [most_frequent(spelled[normalise(row.answer)]) for row in train], retriever, step)


def _candidate(task: Task, texts: list[str], answers: list[str], retriever: Retriever | None, step: Step) -> Candidate:
    return Candidate(
        task=task.kind,
        labels=task.labels,
        abstain=task.abstain,
        own=kept(task),
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="tfidf_linear", object=saved(_fitted(texts, answers), step)),
        retriever=retriever,
    )


def saved(model: "Pipeline", step: Step) -> str:
    """The object with `model`, without code and the same for the same fit."""
    import skops.io

    raw, path = step.scratch / "raw.skops", step.scratch / "tfidf_linear.skops"
    skops.io.dump(model, raw)
    reproducible(raw, path)
    raw.unlink()
    return step.store.put(path)


def terms() -> "TfidfVectorizer":
    """TF-IDF of words and word pairs, over texts whose words spaces keep apart (`as_terms`)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, lowercase=False, token_pattern=r"\S+")


def reproducible(source: Path, target: Path) -> None:
    """Copy a skops file with its parts numbered in the order of the schema, and no time of day."""
    with zipfile.ZipFile(source) as archive:
        schema = json.loads(archive.read("schema.json"))
        parts = {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}
    numbers: dict[str, str] = {}
    content = json.dumps(_renumbered(schema, numbers), sort_keys=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), content)
        for name in sorted(parts, key=lambda name: numbers[Path(name).stem].zfill(9)):
            archive.writestr(zipfile.ZipInfo(_renamed(name, numbers)), parts[name])


def _renumbered(value: object, numbers: dict[str, str]) -> object:
    if isinstance(value, list):
        return [_renumbered(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    known: dict[str, object] = {}
    for key, item in value.items():
        if key == "__id__":
            known[key] = int(_number(str(item), numbers))
        elif key == "file" and isinstance(item, str) and re.fullmatch(r"\d+\.np[yz]", item):
            _number(Path(item).stem, numbers)
            known[key] = _renamed(item, numbers)
        else:
            known[key] = _renumbered(item, numbers)
    return known


def _number(identity: str, numbers: dict[str, str]) -> str:
    return numbers.setdefault(identity, str(len(numbers) + 1))


def _renamed(name: str, numbers: dict[str, str]) -> str:
    return numbers[Path(name).stem] + Path(name).suffix


def _fitted(texts: list[str], labels: list[str]) -> "Pipeline":
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline

    model = Pipeline(
        [
            ("tfidf", terms()),
            ("linear", LogisticRegression(C=STRENGTHS[1], max_iter=1000, class_weight="balanced", random_state=0)),
        ]
    )
    folds = min(5, min(labels.count(label) for label in set(labels)))
    if folds < 2:
        return model.fit(texts, labels)
    split = StratifiedKFold(folds, shuffle=True, random_state=0)
    search = GridSearchCV(model, {"linear__C": STRENGTHS}, cv=split, scoring="f1_macro", n_jobs=1)
    return search.fit(texts, labels).best_estimator_
