"""A tiny model trained on a rule beats the plain baseline of its kind, on texts of the same words in another order."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from components.core import Row, Task
from components.measure import per_example
from components.selection import baselines
from components.tasks import kind_of
from components.text.turns import Turn, as_text

from .learned import said, taught
from .small import Solved, solved, step_in

Rule = Callable[[random.Random], tuple[str, ...]]
"""One text, its answer and, where the kind has them, its tests."""
FILL = ("red", "blue", "long", "short", "old", "new", "far", "near")


def labels_before_the_but(draw: random.Random) -> tuple[str, ...]:
    """Every text names all labels: those before "but not" count."""
    labels = draw.sample(["anger", "joy", "surprise"], 3)
    count = draw.choice([1, 2])
    named = [*labels[:count], "but not", *labels[count:]]
    return " ".join(f"{word} {draw.choice(FILL)}" for word in named), ", ".join(sorted(labels[:count]))


def claim_of_a_pair(draw: random.Random) -> tuple[str, ...]:
    """A premise and a claim made one input (data.sources.templates): every pair has one "not", and what counts is where."""
    words, denied = draw.choices(FILL, k=6), draw.choice([0, 1, 2, 3, 4, 5])
    words[denied] = f"not {words[denied]}"
    return f"Premise: {' '.join(words[:3])} Claim: {' '.join(words[3:])}", "no" if denied < 3 else "yes"


def sum_to_write(draw: random.Random) -> tuple[str, ...]:
    """A program for a number that is said first, among others."""
    first, second = draw.sample((2, 3, 4), 2)
    words = draw.choices(FILL, k=4)
    text = f"{words[0]} {words[1]} add {first} {words[2]} not {second} {words[3]}"
    return text, f"f = lambda x: x + {first}", f"assert f(1) == {1 + first}"


def what_was_answered_before(draw: random.Random) -> tuple[str, ...]:
    """Every conversation names all colours: the one that the assistant named is asked for again."""
    first, told, last = draw.sample(["red", "blue", "green"], 3)
    words = draw.choices(("old", "new", "far", "near"), k=3)
    turns = [
        Turn("user", f"{words[0]} {first}"),
        Turn("assistant", f"{told} {words[1]}"),
        Turn("user", f"{words[2]} {last}"),
    ]
    return as_text(turns), told


def point_to_write_out(draw: random.Random) -> tuple[str, ...]:
    """A short input; the text around it is always the same, and says it twice."""
    thing, place = draw.choice(FILL), draw.choice(("town", "hill", "lake", "road"))
    return f"- {thing} {place}", f"we saw a {place} today and that {place} was really {thing} as all say"


def the_former_or_the_latter(draw: random.Random) -> tuple[str, ...]:
    """Two are named, and a word says which of them is meant."""
    one, two = draw.sample(("Ann", "Ben", "Eve"), 2)
    former = draw.choice([True, False])
    who, left = ("former", f"[{one}](1) met {two}") if former else ("latter", f"{one} met [{two}](1)")
    return f"{one} met {two} and the {who} left", f"{left} and [the {who}](1) left"


def active_or_passive(draw: random.Random) -> tuple[str, ...]:
    """Who comes first did it, or had it done to them, as the words beside the predicate say."""
    one, two = draw.sample(("Ann", "Ben", "Eve", "Tom"), 2)
    did, acted = draw.choice(("helped", "found", "called")), draw.choice([True, False])
    if acted:
        return f"{one} {did} {two}", f"[{one}](1 A0) [{did}](1 V) [{two}](1 A1)"
    return f"{one} was {did} by {two}", f"[{one}](1 A1) was [{did}](1 V) by [{two}](1 A0)"


IN_CI = ("pairs", "coreference")
PAIRS = Task(kind="classification", instruction="Does the claim follow?", labels=["yes", "no"])
RULES: dict[str, tuple[Task, Rule]] = {
    "sets of labels": (solved("multilabel_classification").task, labels_before_the_but),
    "pairs": (PAIRS, claim_of_a_pair),
    "code": (solved("code_generation").task, sum_to_write),
    "points": (Task(kind="expansion", instruction="Write it out."), point_to_write_out),
    "coreference": (solved("coreference").task, the_former_or_the_latter),
    "roles": (solved("semantic_roles").task, active_or_passive),
    "conversations": (solved("conversation").task, what_was_answered_before),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [one if one in IN_CI else pytest.param(one, marks=pytest.mark.long) for one in RULES])
def test_a_tiny_model_learns_a_rule_that_the_plain_baseline_does_not(name: str, tmp_path: Path) -> None:
    draw, (task, rule), step = random.Random(0), RULES[name], step_in(tmp_path)
    kind = kind_of(task.kind)
    rows = [Row(id=str(i), **dict(zip(("text", "answer", "tests"), rule(draw), strict=False))) for i in range(220)]
    train, test = rows[:160], rows[160:]
    case = Solved(task, [row for row in train for _ in range(2)], [], [])  # its training part is every second row
    plain = baselines.fit(task, case.metrics, case.dataset(step), None, step)
    model = taught(task, train, step, epochs=10)

    def score(answers: list[str]) -> float:
        found = [per_example(task, row, text, None)[kind.rated_by] for row, text in zip(test, answers, strict=True)]
        return sum(value or 0 for value in found) / len(found)

    assert score(said(model, test, step)) > score(said(plain, test, step)) + 0.2
