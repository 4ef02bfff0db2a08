"""Translation: two languages, both of which a model must know; the plain baseline copies the source."""

import re

import pytest

from components.application import answering
from components.core import BadInput, Task
from components.measure import per_example
from components.selection import baselines
from components.tasks import check_task, kind_of

from .small import solved, step_in

CASE = solved("translation")


def test_the_plain_baseline_copies_the_source(tmp_path) -> None:
    step = step_in(tmp_path)
    candidate = baselines.fit(CASE.task, CASE.metrics, CASE.dataset(step), None, step)
    with answering(candidate, step.store, step.machine) as answer:
        assert [said.text for said in answer(CASE.rows)] == [row.text for row in CASE.rows]


def test_shuffled_translations_score_below_those_of_their_own_text() -> None:
    """All are of one form here, so that chance is not 0: 0.8 is what names and numbers leave."""
    others = [*CASE.rows[5:], *CASE.rows[:5]]
    pairs = list(zip(CASE.rows, others, strict=True))
    means = [sum(per_example(CASE.task, row, said, None)["chrf"] or 0 for row, said in rows) / len(rows) for rows in (
        [(row, row.answer) for row in CASE.rows], [(row, other.answer) for row, other in pairs],
    )]  # fmt: skip
    assert means[0] == 1
    assert means[1] < 0.8


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"source_language": "en"}, "key 'task.target_language' is required; add it"),
        ({"source_language": "en", "target_language": "EN"}, "key 'task.target_language': it must be another language"),
        ({"source_language": "english!", "target_language": "de"}, "key 'task.source_language': "),
        ({"source_language": "fr", "target_language": "de"}, "key 'task.language': 'en' is not among fr, de; write one of"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_languages_is_named_by_its_key(keys: dict, said: str) -> None:
    with pytest.raises(BadInput, match=rf"^desk\.yaml: {re.escape(said)}"):
        check_task(Task(kind="translation", instruction="Translate.", **keys), "desk.yaml")
    check_task(
        Task(kind="translation", instruction="Translate.", source_language="fr", target_language="de", language="de"), ""
    )


def test_a_translation_has_two_languages_and_any_other_kind_one() -> None:
    task = CASE.task.model_dump(mode="json")
    assert kind_of("translation").languages(Task.model_validate(task)) == ("en", "de")
    assert kind_of("summarization").languages(Task(kind="summarization", instruction="Sum up.", language="fr")) == ("fr",)
