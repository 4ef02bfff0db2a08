"""Refinements: an answer with a fault is asked for once more, in a stage where that pays, and in what is served alike."""

import json
from pathlib import Path

import pytest

from components.application import load
from components.application.engines.transformers import Engine
from components.application.refinements import NAMES, fault, refined
from components.core import BadInput, Candidate, Dataset, Metrics, Prompt, PromptTurn, Refinement, Row, Runtime, Task, parse
from components.core import Quoted as Held
from components.prompting import Config
from components.selection import Config as Selecting
from components.selection import select
from tests.prompting.test_stage import SMALL, run
from tests.selection.small import CITIES, LIMITS, POLICY, RIVERS, questions, split, step_in

SUMMARY = Task(kind="summarization", instruction="Sum up.", at_most={"words": 8}, focus="the bridges of the city")
SCHEMA = {"type": "object", "properties": {"LOC": {"type": "array", "items": {"type": "string"}}}, "required": ["LOC"]}
NAMES_TASK = Task(kind="extraction", instruction="List places.", schema=SCHEMA)
REPORT = Task(kind="expansion", instruction="Write it out.", at_least={"words": 4})
LABELS = Task(kind="classification", instruction="Judge.", labels=("bad", "good"))
CASES = [
    (SUMMARY, "too_long", "word " * 9, "It has 9 words", "eight words and no more than that are"),
    (REPORT, "too_short", "Only three words.", "It has 3 words", "Here are four words."),
    (SUMMARY, "wrong_focus", "The weather was fine.", "not about the bridges of the city", "A city has bridges."),
    (NAMES_TASK, "wrong_form", "Places: Oslo", "JSON object with the keys LOC", '{"LOC": ["Oslo"]}'),
    (LABELS, "wrong_form", "hard to say", "Answer with one of: bad, good.", "Good."),
]


def candidate(task: Task, *faults: str) -> Candidate:
    chosen = tuple(Refinement(fault=name, settings=fault(name).settings(task) or {}) for name in faults)
    return Candidate(
        task=task.kind,
        labels=task.labels,
        own={"schema": SCHEMA} if task.kind == "extraction" else {},
        runtime=Runtime(engine="transformers"),
        prompt=Prompt(method="zero_shot", turns=(PromptTurn(user="{{input}}"),), refinements=chosen),
    )


@pytest.mark.parametrize(("task", "name", "bad", "said", "good"), CASES, ids=[f"{case[0].kind} {case[1]}" for case in CASES])
def test_a_fault_is_told_once_and_a_second_answer_without_it_counts(
    task: Task, name: str, bad: str, said: str, good: str
) -> None:
    one, seen = candidate(task, name), list[list[dict[str, str]]]()

    def generate(second: str):
        return lambda asked: (seen.extend(asked), [second] * len(asked))[1]

    asked = [[{"role": "user", "content": text}] for text in ("first", "second")]
    assert refined(one, asked, [bad, good], generate(good)) == [good, good]
    ((first, answered, again),) = seen
    assert (first["content"], answered) == ("first", {"role": "assistant", "content": bad.strip()})
    assert said.lower() in again["content"].lower()
    assert refined(one, asked, [bad, good], generate(bad + " ")) == [bad, good], "no better: the first one stands"
    assert len(seen) == 2, "nothing is asked a third time"


def test_every_refinement_is_tried_here_and_concerns_some_tasks_only() -> None:
    assert {name for _, name, *_ in CASES} == set(NAMES) == set(Config().refinements)
    free = Task(kind="question_answering", instruction="Answer.")
    assert [fault(name).settings(free) for name in NAMES] == [None] * len(NAMES)


def test_a_prompt_without_refinements_keeps_its_digest_and_one_with_a_word_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "refinements" not in json.loads(candidate(SUMMARY).model_dump_json())["prompt"]
    assert candidate(SUMMARY).digest != candidate(SUMMARY, "too_long").digest
    with pytest.raises(
        BadInput, match=r"key 'refinements': too_dull: not known; allowed: too_long, too_short, wrong_focus, wrong_form"
    ):
        parse(Config, {"refinements": ["too_dull"]}, "section 'prompting'")


def bridges(step) -> tuple[Task, Metrics, Dataset]:
    """Documents about bridges, of which a long answer says too much and a short one what counts."""
    rows = [
        Row(id=f"d{i}{j}", text=f"{city} opened a bridge over the {river}, part {j}.", answer=f"{city} opened a bridge.")
        for i, (city, river) in enumerate(zip(CITIES, RIVERS, strict=True))
        for j in range(2)
    ]
    splits = {"train": split("train", rows[:4], step), "validation": split("validation", rows[4:20], step)}
    task = Task(kind="summarization", instruction="Sum up.", at_most={"words": 5})
    return (
        task,
        Metrics(primary="rouge_l", at_least=0.1, enough=1.0, minimum_effect=0.02),
        Dataset(splits=splits, provenance=""),
    )


def spoken(self: Engine, prompts: list[list[dict[str, str]]], *limits, **more) -> list[str]:
    """Long and loose at first, on every second document; short where it was told so."""

    def says(prompt: list[dict[str, str]]) -> str:
        document = next(one["content"] for one in reversed(prompt) if "opened a bridge over" in one["content"])
        city = document.partition(" opened a bridge over")[0].split()[-1]
        short = f"{city} opened a bridge."
        told = "too long" in prompt[-1]["content"]
        return short if told or "part 1" in document else f"{short} The people who came there say that it is fine."

    return [says(prompt) for prompt in prompts]


def test_the_stage_adds_a_refinement_that_pays_and_what_is_loaded_refines_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "generate", spoken)
    one = SMALL.model_copy(update={"methods": ("zero_shot",), "rows": (4,), "keep": (1,)})
    found, _, step = run(one, tmp_path, bridges)
    (chosen,) = found.proposed.refinements
    assert (chosen.fault, chosen.settings) == ("too_long", {"words": 5})
    (note,) = [note for note in found.notes if note.startswith("refinement")]
    assert note.startswith("refinement too_long, for 8 of 16 answers: adopt: rouge_l")
    proposed = found.candidate.model_copy(update={"prompt": found.proposed})
    with load(proposed, step.store, step.machine) as application:
        row = Row(id="x", text="Bern opened a bridge over the Aare, part 0.", answer="")
        *_, streamed = application.stream(row)
        assert [answer.text for answer in application.answer([row])] == ["Bern opened a bridge."] == [streamed.text]
    plain = run(one.model_copy(update={"refinements": ()}), tmp_path / "plain", bridges)[0]
    assert not plain.proposed.refinements


def test_what_does_not_pay_is_not_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stubborn(self: Engine, prompts: list[list[dict[str, str]]], *limits, **more) -> list[str]:
        return ["a word after a word after a word"] * len(prompts)

    monkeypatch.setattr(Engine, "generate", stubborn)
    one = SMALL.model_copy(update={"methods": ("zero_shot",), "rows": (4,), "keep": (1,)})
    found, _, _ = run(one, tmp_path, bridges)
    assert not found.proposed.refinements
    assert any("refinement too_long, for 16 of 16 answers: keep" in note for note in found.notes)


def test_quotes_are_never_refined(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, metrics, dataset = questions(step)
    made = Selecting(made=True, max_new_tokens=3)
    model = select(made, task=task, policy=POLICY, limits=LIMITS, metrics=metrics, dataset=dataset, step=step).model
    assert model
    assert model.prompt
    prompt = model.prompt.model_copy(update={"refinements": (Refinement(fault="too_long", settings={"words": 3}),)})
    with pytest.raises(BadInput, match="quotes and refinements do not go together"):
        load(model.model_copy(update={"prompt": prompt, "quoted": Held()}), step.store, step.machine)
    wrong = prompt.model_copy(update={"refinements": (Refinement(fault="too_dull", settings={}),)})
    with pytest.raises(
        BadInput, match=r"prompt.refinements 'too_dull' is not known; allowed: too_long, too_short, wrong_focus"
    ):
        load(model.model_copy(update={"prompt": wrong, "quoted": None}), step.store, step.machine)
