"""A real bundle without a language model: best sentence over five passages, abstaining below a score."""

import json
from pathlib import Path

from components.core import Baseline, Candidate, Retriever, Runtime, Store, publish_json, write_jsonl

PASSAGES = {
    "moon": "The Moon is the only natural satellite of the Earth. It was first visited by people in 1969.",
    "tea": "Green tea comes from the leaves of Camellia sinensis. It has been drunk in China for centuries.",
    "rail": "The first public steam railway opened in England in 1825. It joined Stockton and Darlington.",
    "bees": "Honey bees live in colonies. A colony has one queen and many thousands of workers.",
    "ice": "Glaciers hold about 69 percent of the fresh water of the world. Most of it lies in Antarctica.",
}
QUESTIONS = [
    "When was the first public steam railway opened?",
    "Where does green tea come from?",
    "How many queens has a colony?",
]


def candidate(store: Store, folder: Path, abstain_below: float | None = None) -> Candidate:
    """A plain question-answering Candidate whose knowledge base is in `store`; `folder` is for building."""
    path = folder / "passages.jsonl"
    write_jsonl(path, [{"id": id, "text": text} for id, text in PASSAGES.items()])
    return Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="baseline"),
        baseline=Baseline(kind="best_sentence", abstain_below=abstain_below),
        retriever=Retriever(scoring="bm25", knowledge=store.put(path)),
    )


def bundle(folder: Path, abstain_below: float | None = None) -> Path:
    """Such a Candidate as a bundle in `folder`."""
    folder.mkdir(parents=True)
    store = Store(folder / "store")
    made = candidate(store, folder, abstain_below)
    publish_json(folder / "candidate.json", made)
    (folder / "reference.json").write_text(json.dumps([]))
    return folder
