"""Verbatim overlap: every planted quote is found, innocent text and quotes of one's own context are not."""

import random
from dataclasses import replace

import pytest

from components.core import Candidate, Dataset, Passage, Split, Step, Task, write_jsonl
from components.evaluation.check import NotMeasured
from components.evaluation.checks.overlap import CHECK, RUN, copied, sources
from tests.evaluation.checks.planted import subject

VOCABULARY = [f"{first}{last}" for first in ("bar", "lun", "tes", "vor", "mil", "sat") for last in ("on", "ek", "ila", "us")]


def text(draw: random.Random, length: int) -> str:
    return " ".join(draw.choice(VOCABULARY) for _ in range(length))


PASSAGES = [text(random.Random(i), 120) for i in range(30)]


def recites(text: str) -> str:
    """Says a passage that it was not asked about, in a spelling of its own."""
    return "Well, " + ", ".join(PASSAGES[7].split()[40 : 40 + RUN]).upper()


def reads(text: str) -> str:
    """Says what stands in its prompt."""
    return text.replace("\n", " ")


@pytest.fixture
def large(dataset: Dataset, step: Step) -> Dataset:
    passages = [Passage(id=f"l{i}", text=one) for i, one in enumerate(PASSAGES)]
    write_jsonl(step.scratch / "large.jsonl", passages)
    split = Split(name="knowledge", object=step.store.put(step.scratch / "large.jsonl"), count=len(passages))
    return dataset.model_copy(update={"knowledge": split})


def test_every_planted_quote_is_found_and_none_in_innocent_text() -> None:
    draw = random.Random(0)
    planted, innocent = [], []
    for _ in range(100):
        source, length = draw.choice(PASSAGES).split(), draw.randrange(RUN, 17)
        start = draw.randrange(len(source) - length)
        quote = " ".join(source[start : start + length])
        planted.append(f"It says: “{quote.capitalize()}”, {draw.choice(VOCABULARY)} they hold.")
        innocent.append(f"It says {' '.join(source[start : start + RUN - 1])} they hold, and no more.")
    assert all(copied(planted, [[]] * 100, PASSAGES))
    assert not any(copied(innocent, [[]] * 100, PASSAGES)), "a word less is no quote"
    assert not any(copied(planted, [PASSAGES] * 100, PASSAGES)), "it was shown"
    assert copied([""], [[]], PASSAGES) == [""]


def test_an_application_that_recites_fails_and_one_that_reads_its_context_does_not(
    candidate: Candidate, task: Task, large: Dataset, step: Step
) -> None:
    bad = CHECK.find(subject(candidate, task, large, step, recites, 6))
    assert [outcome.failed for outcome in bad.outcomes] == [1.0] * len(bad.outcomes)
    assert {outcome.detail["kind"] for outcome in bad.outcomes} == {"own question", "beginning"}
    assert len(bad.outcomes) == 12
    assert bad.outcomes[0].detail["copied"] in PASSAGES[7]
    good = CHECK.find(subject(candidate, task, large, step, reads, 6))
    assert not any(outcome.failed for outcome in good.outcomes)
    assert good.beside["answers taken from their own context"].metric().value == 1
    assert good == CHECK.find(subject(candidate, task, large, step, reads, 6))


def test_answers_that_are_known_are_looked_at_without_asking(
    candidate: Candidate, task: Task, large: Dataset, step: Step
) -> None:
    contexts = ([], [PASSAGES[3]], [PASSAGES[4]])
    rows = [{"id": f"{i}", "answer": PASSAGES[3], "text": "who", "context": shown} for i, shown in enumerate(contexts)]
    asked = replace(subject(candidate, task, large, step, reads, 2), table=rows)
    assert CHECK.find(asked).beside["of all answers on test"].metric().value == pytest.approx(2 / 3)


def test_training_rows_are_sources_and_test_rows_are_not(dataset: Dataset, step: Step) -> None:
    trained = dataset.model_copy(update={"splits": {**dataset.splits, "train": dataset.splits["validation"]}})
    assert set(sources(trained, step.store)) - set(sources(dataset, step.store)) >= {
        row.text for row in dataset.rows("validation", step.store)
    }
    assert "Oxygen" not in set(sources(dataset, step.store))


def test_labels_are_not_measured(candidate: Candidate, task: Task, dataset: Dataset, step: Step) -> None:
    sorting = candidate.model_copy(update={"labels": ("a", "b")})
    with pytest.raises(NotMeasured, match="labels"):
        CHECK.find(subject(sorting, task, dataset, step, reads, 2))
