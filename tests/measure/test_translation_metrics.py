"""chrF and BLEU are sacrebleu's: a text's own figure by `sentence_score`, all texts together by `corpus_score`."""

import random

import pytest
from sacrebleu.metrics import BLEU, CHRF

from components.core import Row
from components.measure import per_example
from components.measure.intervals import paired, statistic, table_metric
from tests.tasks.small import solved

TASK = solved("translation").task
WORDS = [
    *("der", "die", "Katze", "schläft", "unter", "dem", "alten", "Tisch"),
    *(",", "sie", "träumt", "3,5", "Stunden", "lang", "."),
]
CHINESE = ["我们", "明天", "去", "北京", "看", "一个", "老", "朋友", "。"]


def table(words: list[str], between: str, n: int, seed: int = 0) -> list[dict]:
    """Rows whose answers are references with some words gone, doubled or swapped; an empty and a right one among them."""
    rng, rows = random.Random(seed), []
    for number in range(n):
        reference = rng.choices(words, k=rng.randint(3, 14))
        answer = [word for word in reference for _ in range(rng.choice((0, 1, 1, 1, 2)))] if number else []
        if number % 3 == 0:
            rng.shuffle(answer)
        wanted = between.join(reference)
        rows.append({"id": str(number), "answer": wanted if number == 1 else between.join(answer), "reference": wanted})
    return rows


@pytest.mark.parametrize(("words", "between", "tokenizer"), [(WORDS, " ", "13a"), (CHINESE, "", "zh")])
def test_all_texts_together_have_the_figures_of_sacrebleu(words: list[str], between: str, tokenizer: str) -> None:
    rows = table(words, between, 60)
    answers, references = [row["answer"] for row in rows], [[row["reference"] for row in rows]]
    wanted = {
        "corpus_chrf": CHRF().corpus_score(answers, references).score,
        "corpus_bleu": BLEU(tokenize=tokenizer).corpus_score(answers, references).score,
    }
    for name, score in wanted.items():
        figure = statistic(rows, name)  # type: ignore[arg-type]
        assert float(figure.of(figure.columns.sum(0))) == pytest.approx(score / 100, abs=1e-12)
        metric = table_metric(rows, name)  # type: ignore[arg-type]
        assert metric
        assert metric.low is not None
        assert metric.low < metric.value < (metric.high or 0)


def test_a_text_has_the_figures_of_sacrebleu() -> None:
    for row in table(WORDS, " ", 30, seed=1):
        found = per_example(TASK, Row(id="a", text="the cat", answer=row["reference"]), row["answer"], None)
        answer, references = row["answer"], [row["reference"]]
        assert found["chrf"] == pytest.approx(CHRF().sentence_score(answer, references).score / 100)
        bleu = BLEU(effective_order=True).sentence_score(answer, references).score
        assert found["bleu"] == pytest.approx(bleu / 100)


def test_a_long_wrong_text_weighs_more_than_a_short_right_one() -> None:
    rows = [
        {"id": "0", "answer": "ja", "reference": "ja"},
        {"id": "1", "answer": "quux " * 20, "reference": "Der lange Satz handelt von einem alten Haus am Fluss."},
    ]
    figure = table_metric(rows, "corpus_chrf")  # type: ignore[arg-type]
    assert figure
    assert figure.value < 0.1
    assert CHRF().sentence_score("ja", ["ja"]).score / 200 == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["corpus_chrf", "corpus_bleu"])
def test_an_oracle_has_one_and_shuffled_answers_are_near_chance(name: str) -> None:
    rows = table(WORDS, " ", 60)
    right = [{**row, "answer": row["reference"]} for row in rows]
    other = [{**row, "answer": rows[(i + 7) % 60]["reference"]} for i, row in enumerate(rows)]
    silent = [{**row, "answer": ""} for row in rows]
    gain = paired(other, right, name)  # type: ignore[arg-type]
    assert gain.after == pytest.approx(1)
    assert gain.before < 0.4  # the texts share their few words
    assert gain.gain.low is not None
    assert gain.gain.low > 0.5
    assert table_metric(silent, name).value == 0  # type: ignore[arg-type, union-attr]
