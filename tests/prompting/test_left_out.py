"""Leave one element out: what each is worth, found again where it is planted, and nothing where it is not."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from components.cards import write_card
from components.measure import left_out
from components.measure.left_out import left_out_rows
from components.prompting import Config
from components.prompting.drafts import Draft
from components.prompting.elements import elements_of
from components.prompting.stage import MAY_BE_LEFT_OUT
from flows.view import left_out as shown
from tests.cards.record import name, record
from tests.prompting.test_methods import EXAMPLES, TASKS
from tests.prompting.test_stage import SMALL, run

ONE = SMALL.model_copy(
    update={"methods": ("few_shot",), "rows": (4,), "keep": (1,), "validation_rows": 4, "rows_at_most": 4}
)


def answers(right: np.ndarray) -> list:
    return [
        {"id": str(i), "accuracy": float(one), "reference": "a", "answer": "a" if one else "b"}
        for i, one in enumerate(right)
    ]


def test_a_planted_element_helps_a_harmful_one_harms_and_others_settle_nothing() -> None:
    chance = np.random.default_rng(0)
    whole = chance.random(120) < 0.6
    without = {"task": whole & (chance.random(120) < 0.7), "persona": whole | (chance.random(120) < 0.5), "tone": whole}
    found = left_out(answers(whole), {part: (part, answers(right)) for part, right in without.items()}, "accuracy")
    assert {one.element: one.verdict for one in found} == {"task": "helps", "persona": "harms", "tone": "not settled"}
    assert all(one.difference.n == 120 for one in found)
    assert found[0].difference.value == pytest.approx(whole.mean() - without["task"].mean(), abs=1e-5)


def test_of_elements_without_any_effect_at_most_5_percent_of_tables_settle_one() -> None:
    chance, settled = np.random.default_rng(1), 0
    for _ in range(100):
        whole = chance.random(40) < 0.5
        tables = {
            f"{i}": (f"{i}", answers(np.where(chance.random(40) < 0.3, chance.random(40) < 0.5, whole))) for i in range(6)
        }
        settled += any(one.verdict != "not settled" for one in left_out(answers(whole), tables, "accuracy"))
    assert settled <= 5


def test_the_stage_leaves_out_what_its_prompt_has_and_decides_as_without(tmp_path: Path) -> None:
    plain, _, _ = run(ONE, tmp_path / "plain")
    found, _, step = run(ONE.model_copy(update={"leave_one_out": True}), tmp_path / "left")
    assert not plain.left_out
    assert {one.element for one in found.left_out} == {"task", "context", "examples", "format"}, "no persona, no tone"
    assert (found.candidate, found.decision) == (plain.candidate, plain.decision)
    assert all(step.store.has(one.evidence) for one in found.left_out)
    assert {one.evidence for one in found.left_out} <= set(found.objects)
    assert all(one.difference.n <= 4 for one in found.left_out)


def test_a_draft_without_an_element_says_nothing_of_it() -> None:
    whole = Draft(
        method="few_shot", elements=elements_of(TASKS["question_answering"], True, 16, 48), examples=tuple(EXAMPLES)
    )
    less = {part: draft.prompt.turns[0] for part in MAY_BE_LEFT_OUT if (draft := whole.without(part))}
    assert set(less) == set(MAY_BE_LEFT_OUT)
    assert not less["examples"].examples
    assert "Passage" not in less["context"].user + less["context"].examples[0][0]
    assert (less["persona"].system, less["tone"].system) == (
        whole.prompt.turns[0].system.removeprefix("You help callers. "),
        whole.prompt.turns[0].system.replace("Be brief. ", ""),
    )
    bare = whole.model_copy(update={"method": "zero_shot"})
    assert bare.without("examples") is None


def test_it_is_in_summary_terminal_and_card(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    whole = chance.random(120) < 0.6
    found = left_out(
        answers(whole), {"task": (name("without task"), answers(whole & (chance.random(120) < 0.7)))}, "accuracy"
    )
    dump = {"winner": "few_shot", "left_out": [one.model_dump(mode="json") for one in found]}
    rows = left_out_rows({"data": {}, "prompting": dump})
    assert [(row["step"], row["prompt"], row["element"], row["verdict"]) for row in rows] == [
        ("prompting", "few_shot", "task", "helps")
    ]
    console = Console(record=True, width=80)
    console.print(shown(rows))
    text = console.export_text()
    assert "task" in text
    assert "helps" in text
    assert f"{found[0].without:.3f}" in text
    sealed = record()
    with_it = sealed.model_copy(update={"results": {**sealed.results, "prompting": {**sealed.results["prompting"], **dump}}})
    card = write_card(with_it, tmp_path).read_text()
    assert f"| prompting | few_shot | task | {found[0].without:.3f} | +{found[0].difference.value:.3f} [" in card
    assert "What the prompt's elements are worth" not in write_card(sealed, tmp_path / "plain").read_text()


def test_it_is_off_where_nobody_asks_for_it() -> None:
    assert not Config().leave_one_out
