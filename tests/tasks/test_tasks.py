"""Every kind of task keeps what `components/tasks/__init__.py` asks of its file; a file that does not is named."""

import re
from pathlib import Path

import pytest

from components import tasks
from components.application import answering, baselines, render
from components.application.prompt import clean, first_line_only
from components.core import BadInput, Candidate, Row, Runtime, Task
from components.core.code import ROOT
from components.data.slices import SLICES
from components.measure import per_example
from components.measure.intervals import table_metric
from components.measure.metrics import definition
from components.prompting import METHODS
from components.prompting.elements import elements_of
from components.prompting.examples import pick
from components.selection import baselines as fitted
from components.selection.stage import basic_prompt
from components.tasks import check_task, kept, kind_of, names
from components.text.turns import last_said
from components.training.examples import tuned_prompt

from .small import Solved, solved, step_in

TAGS = {
    "question-answering", "text-classification", "token-classification", "summarization", "text-generation", "translation",
    "text2text-generation", "fill-mask", "sentence-similarity", "table-question-answering", "zero-shot-classification",
    "feature-extraction",
}  # fmt: skip
"""The text pipelines of the hub (huggingface.co/docs/hub/models-tasks)."""


def names_what_there_is(name: str) -> None:
    """Everything that the kind names by name exists."""
    kind, where = kind_of(name), f"components/tasks/{name}.py"
    for metric in (*kind.metrics, kind.rated_by):
        try:
            definition(metric)
        except KeyError:
            raise AssertionError(f"{where}: there is no metric '{metric}' in components/measure/metrics") from None
    assert definition(kind.metrics[0]).is_goal, f"{where}: its first metric, {kind.metrics[0]}, is no goal"
    assert kind.rated_by in kind.metrics, f"{where}: rated_by '{kind.rated_by}' is none of its metrics"
    assert definition(kind.rated_by).per_example, f"{where}: rated_by '{kind.rated_by}' has no value for one answer"
    assert set(kind.slices) <= SLICES.keys(), f"{where}: no slice {set(kind.slices) - SLICES.keys()} in data/slices.py"
    assert kind.length[0] < kind.length[1], f"{where}: length must grow"
    for folder, there in (("selection", fitted.names()), ("application", baselines.names())):
        assert kind.baseline in there, f"{where}: there is no components/{folder}/baselines/{kind.baseline}.py"
    assert kind.pipeline_tag in TAGS, f"{where}: '{kind.pipeline_tag}' is no pipeline tag of the hub"


def answers_and_scores(case: Solved) -> None:
    """A model that says the reference gets it back, and 1 for it; one that says something else gets less."""
    kind, task = kind_of(case.task.kind), case.task
    prompt = tuned_prompt(task, bool(case.passages))
    candidate = Candidate(
        task=task.kind,
        labels=task.labels,
        abstain=task.abstain,
        own=kept(task),
        runtime=Runtime(engine="transformers"),
        prompt=prompt,
    )
    for row in case.rows:
        assert kind.read_answer(row.answer, task.own) == row.answer, f"{task.kind}: {row.answer} is read as another answer"
        assert clean(candidate, f" {row.answer}\n") == row.answer
        assert set(row.slices) <= set(kind.slices)
        assert row.slices
        found = per_example(task, row, row.answer, [row.passage or ""], [])
        assert found[kind.rated_by] == 1
        wrong = [per_example(task, row, text, ["x"], [])[kind.rated_by] for text in case.wrong]
        assert min(value for value in wrong if value is not None) < 1
        assert all(value is None or 0 <= value <= 1 for value in (*found.values(), *wrong))
    assert first_line_only(candidate, 0) != kind.lines
    for name in kind.metrics:
        if definition(name).over_table:
            tables = [
                [
                    {"id": row.id, "text": row.text, "answer": text or row.answer, "reference": row.answer}
                    for row in case.rows
                ]
                for text in ("", *case.wrong)
            ]
            right, *others = [table_metric(table, name).value for table in tables]  # type: ignore[union-attr]
            assert right == 1 > min(others), name


def prompts_show_all(case: Solved) -> None:
    """Each method, the basic and the tuned prompt show the input, and the tuned model's row its words."""
    kind, task, (row, *_) = kind_of(case.task.kind), case.task, case.rows
    passages = {passage.id: passage.text for passage in case.passages}
    shown = [example for _, example in pick(task, case.rows, passages, 3, 200)]
    assert shown, f"{task.kind}: no row is short enough to be an example"
    elements = elements_of(task, bool(passages), kind.tokens.prompted, 48)
    built = {name: method(elements, shown) for name, method in METHODS.items()}
    built |= {"basic": basic_prompt(task, bool(passages), kind.tokens.basic), "tuned": tuned_prompt(task, bool(passages))}
    for name, prompt in built.items():
        context = [passages[row.passage]] if row.passage else []
        said = [render(prompt, turn, row.text, context, "a draft")[-1]["content"] for turn in range(len(prompt.turns))]
        asked = last_said(row.text)[1] if kind.turns else row.text
        assert asked in said[0], f"{task.kind}: the {name} prompt does not show the input"
        assert "{{" not in "".join(said)
    assert kind.words.asked in elements.input
    assert kind.words.answered in elements.output_indicator


@pytest.mark.parametrize("name", names())
def test_a_kind_names_only_what_there_is(name: str) -> None:
    names_what_there_is(name)


@pytest.mark.parametrize("name", names())
def test_a_kind_reads_its_own_answers_and_scores_the_right_one_best(name: str) -> None:
    answers_and_scores(solved(name))


@pytest.mark.parametrize("name", names())
def test_prompts_of_a_kind_show_the_input(name: str) -> None:
    prompts_show_all(solved(name))


@pytest.mark.parametrize("name", names())
def test_the_plain_baseline_of_a_kind_is_fitted_and_answers_in_its_form(name: str, tmp_path: Path) -> None:
    case, kind, step = solved(name), kind_of(name), step_in(tmp_path)
    dataset = case.dataset(step)
    candidate = fitted.fit(case.task, case.metrics, dataset, None, step)
    rows = dataset.rows("validation", step.store)
    with answering(candidate, step.store, step.machine) as answer:
        said = [found.text for found in answer(rows)]
        assert answer([Row(id="x", text="?", answer="")])[0].id == "x"
    assert all(text in (case.task.abstain, "") or kind.read_answer(text, case.task.own) is not None for text in said)
    right = [per_example(case.task, row, text, [], [])[kind.rated_by] for row, text in zip(rows, said, strict=True)]
    assert sum(value or 0 for value in right) > 0.3 * len(rows)
    other = step_in(tmp_path / "again")
    assert fitted.fit(case.task, case.metrics, case.dataset(other), None, other).digest == candidate.digest


@pytest.mark.parametrize("name", names())
def test_a_key_that_a_kind_does_not_have_is_named_with_those_that_it_has(name: str) -> None:
    task = solved(name).task
    check_task(task, "desk.yaml")
    with pytest.raises(BadInput, match=r"^desk\.yaml: key 'task\.labls' is not known; allowed here: .*instruction"):
        check_task(task.model_copy(update={"labls": ["a"]}), "desk.yaml")


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"kind": "clasification"}, "key 'task.kind': 'clasification' is no kind of task; allowed: classification,"),
        ({"kind": "classification"}, "key 'task.labels' is required; add it"),
        ({"kind": "classification", "labels": ["a"]}, "key 'task.labels': classification needs at least two labels"),
        ({"kind": "summarization", "labels": ["a", "b"]}, "key 'task.labels' is not known; allowed here: at_most"),
        ({"kind": "summarization", "answers": "quoted"}, "key 'task.answers' is not known; allowed here: at_most"),
        ({"kind": "question_answering", "answers": "said"}, "key 'task.answers': Input should be 'free' or 'quoted'"),
        ({"kind": "question_answering", "abstain": 3}, "key 'task.abstain': Input should be a valid string"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_task_is_named_with_file_key_and_what_is_allowed(task: dict, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_task(Task(instruction="Do.", **task), "desk.yaml")
    assert str(caught.value).startswith(f"desk.yaml: {said}")


PLANTED = """
from dataclasses import replace
from components.tasks import kind_of
KIND = replace(kind_of("classification"), {change})
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"components/tasks/{name}.py must define KIND, a Kind"),
        (PLANTED.format(change='metrics=("accuracy", "zeal")'), "{name}.py: there is no metric 'zeal'"),
        (PLANTED.format(change='metrics=("abstention_rate",)'), "{name}.py: its first metric, abstention_rate, is no goal"),
        (PLANTED.format(change='rated_by="macro_f1"'), "{name}.py: rated_by 'macro_f1' has no value for one answer"),
        (PLANTED.format(change='slices=("mood",)'), "{name}.py: no slice {{'mood'}}"),
        (PLANTED.format(change='baseline="oracle"'), "{name}.py: there is no components/selection/baselines/oracle.py"),
        (PLANTED.format(change='pipeline_tag="magic"'), "{name}.py: 'magic' is no pipeline tag"),
    ],
)
def test_a_bad_file_is_named_with_what_it_lacks(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    name = f"planted_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(f'"""Planted."""\n{text}')
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    assert name in names()
    with pytest.raises(AssertionError, match=re.escape(said.format(name=name))):
        names_what_there_is(name)


def test_a_kind_without_solved_rows_is_told_to_bring_some() -> None:
    with pytest.raises(AssertionError, match=r"write tests/tasks/cases/poetry\.json"):
        solved("poetry")


def test_few_files_outside_name_a_kind() -> None:
    """What knows a kind by name has to be edited for the next one."""
    said = re.compile(rf"[\"'](?:{'|'.join(names())})[\"']")
    files = [*(ROOT / "components").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]
    naming = [path.relative_to(ROOT).as_posix() for path in files if said.search(path.read_text())]
    own = ("components/tasks/", "flows/studies/", "flows/study_bench.py")  # a study measures one task
    assert len([path for path in naming if not path.startswith(own)]) <= 5, naming
