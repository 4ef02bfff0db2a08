"""Metrics per example, for the three kinds of task. `None` where a metric does not apply to an example.

question_answering  f1, exact_match (SQuAD's, after its normalisation), f1_answerable, rouge_l, bleu, abstention_precision,
                    abstention_recall, abstention_rate, hit@1, hit@5, mrr; support, relevance, cohesion, unrepeated
classification      accuracy; macro_f1 has no value per example and is computed over the table (intervals.py)
summarization       rouge_1, rouge_2, rouge_l (F-measures), bleu; support, relevance (salience.py), cohesion, unrepeated

All lie in [0, 1] and more is better, but for abstention_rate, which is only a description. Not covered: judges, semantic
similarity, latency.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from components.core import Row, Task

from .cohesion import cohesion
from .relevance import relevance
from .repetition import unrepeated
from .salience import salience
from .support import support

METRICS: dict[str, tuple[str, ...]] = {
    "question_answering": (
        "f1", "f1_answerable", "exact_match", "rouge_l", "bleu", "abstention_precision", "abstention_recall",
        "abstention_rate", "hit@1", "hit@5", "mrr", "support", "relevance", "cohesion",
        "unrepeated",
    ),
    "classification": ("accuracy", "macro_f1"),
    "summarization": ("rouge_1", "rouge_2", "rouge_l", "bleu", "support", "relevance", "cohesion", "unrepeated"),
}  # fmt: skip
"""Names of the metrics of each task kind."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation + "–—’‘“”", " "))


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces (SQuAD: Rajpurkar et al. 2016).

    Punctuation becomes a space rather than nothing, since Disfl-QA's text is spaced ("Earth ' s" equals "Earth's").
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def f1(answer: str, reference: str) -> float:
    """Token F1 of two texts after `normalise` (SQuAD); two empty texts agree."""
    said, wanted = normalise(answer).split(), normalise(reference).split()
    if not said or not wanted:
        return float(said == wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted))


def rouge(answer: str, reference: str, kind: str) -> float:
    """ROUGE F-measure of `kind` (rouge1, rouge2, rougeL; Lin 2004) by rouge-score, without stemming."""
    return _rouge(kind).score(reference, answer)[kind].fmeasure


def bleu(answer: str, reference: str) -> float:
    """Sentence BLEU in [0, 1] by sacrebleu, effective order (short answers have no four-grams), exponential smoothing."""
    return _bleu().sentence_score(answer, [reference]).score / 100


def reciprocal_rank(passages: Sequence[str], wanted: str) -> float:
    """1 / rank of `wanted` among `passages`; 0 where it is missing."""
    return 1 / (list(passages).index(wanted) + 1) if wanted in passages else 0.0


def per_example(
    task: Task, row: Row, text: str, passages: Sequence[str] | None, context: Sequence[str] = ()
) -> dict[str, float | None]:
    """Every metric of `task.kind` that has a value per example, for the answer `text`.

    passages: ids of what was retrieved, best first; empty where nothing was found, None where nothing was searched
    context:  the texts that were put into the prompt; without them, support and relevance have no value
    """
    if task.kind == "classification":
        return {"accuracy": float(normalise(text) == normalise(row.answer))}
    if task.kind == "summarization":
        kinds = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
        return {
            "bleu": bleu(text, row.answer),
            **{name: rouge(text, row.answer, kind) for name, kind in kinds.items()},
            "support": support(text, [row.text]),
            "relevance": salience(text, row.text),
            "cohesion": cohesion(text),
            "unrepeated": unrepeated(text),
        }
    return _question_answering(task, row, text, passages, context)


def _question_answering(
    task: Task, row: Row, text: str, passages: Sequence[str] | None, context: Sequence[str]
) -> dict[str, float | None]:
    abstained = task.abstain is not None and normalise(text) == normalise(task.abstain)
    unanswerable = task.abstain is not None and normalise(row.answer) == normalise(task.abstain)
    score = f1(text, row.answer)
    rank = reciprocal_rank(passages, row.passage) if row.passage and passages is not None else None
    return {
        "f1": score,
        "f1_answerable": None if unanswerable else score,
        "exact_match": float(normalise(text) == normalise(row.answer)),
        "rouge_l": rouge(text, row.answer, "rougeL"),
        "bleu": bleu(text, row.answer),
        "abstention_precision": float(unanswerable) if abstained else None,
        "abstention_recall": float(abstained) if unanswerable else None,
        "abstention_rate": float(abstained) if task.abstain is not None else None,
        "hit@1": None if rank is None else float(rank == 1),
        "hit@5": None if rank is None else float(rank >= 1 / 5),
        "mrr": rank,
        "support": None if abstained else support(text, context),  # an abstention claims nothing
        "relevance": None if abstained else relevance(row.text, text, context),
        "cohesion": None if abstained else cohesion(text),
        "unrepeated": None if abstained else unrepeated(text),
    }


@cache
def _rouge(kind: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind], use_stemmer=False)


@cache
def _bleu() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(effective_order=True)
