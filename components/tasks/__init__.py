"""Kinds of task, one small file each, found by listing this folder: `KIND` of each is a `Kind`.

A file says what its kind is: the keys of its own in the contract, its words in prompts, the form of its answers, and by name
its metrics (components/measure/metrics), slices (components/data/slices.py) and plain baseline
(components/selection/baselines). It computes little, and imports core and this file only. A file is loaded when its kind is
asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from components.core import BadInput, Frozen, Task, parse


@dataclass(frozen=True, kw_only=True)
class Words:
    """How prompts speak of a task."""

    asked: str
    """What a prompt calls the input: `Question`."""
    answered: str
    """What a prompt calls the answer: `Answer`."""
    format: Callable[[Task], str]
    """The form of an answer in a sentence, where the contract's `task.format` says nothing."""
    methods: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Prompting method → its word for a sentence → that sentence. What is not named is left out of the prompt."""
    elements: Mapping[str, str] = field(default_factory=dict)
    """Element that prompting may add (prompting/principles) → its sentence. Keys of the task stand in braces: {abstain}."""
    form: Callable[[Task], str] = lambda task: ""
    """The form of an answer shown, not told: the JSON that is wanted, the labels as a list."""
    instruction: Callable[[Task], str] = lambda task: task.instruction
    """What is to be done, with what the kind's own keys add to the contract's instruction."""
    tuned: Callable[[Task], str] = lambda task: task.instruction
    """The system text of a tuned model, which needs no explanation."""
    tuned_input: str = "{{input}}"
    """The input as a tuned model is shown it."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Longest answers, in tokens: of the basic prompt, of the methods of prompting, of a tuned model."""

    basic: int
    prompted: int
    tuned: int


class Length(Frozen):
    """How long an answer is; what is not given has no bound. `within_limits` is the share of answers that keep it."""

    words: int | None = Field(None, ge=1)
    """As people count them: between spaces, and by dictionary in scripts without spaces."""
    sentences: int | None = Field(None, ge=1)
    """By the marks that end them; a line is one too."""
    characters: int | None = Field(None, ge=1)
    """With the spaces between words."""

    @model_validator(mode="after")
    def _bounds_something(self) -> "Length":
        if not any((self.words, self.sentences, self.characters)):
            raise ValueError("give words, sentences or characters, as in `{words: 30}`")
        return self


BOUNDS = {"at_least": "at least", "at_most": "at most"}
"""A task's own keys that hold a Length → how a prompt says them."""
TOKENS = {"words": 1.5, "sentences": 32, "characters": 0.5}
"""Tokens that a unit of a Length may take: an English word takes 1.3, a character of Chinese 1, of English 0.25."""


def bounds_of(task: Task) -> dict[str, dict[str, int]]:
    """Key of BOUNDS → unit → number, as far as the contract gives them."""
    given = {key: task.own.get(key) or {} for key in BOUNDS}
    return {key: {unit: number for unit, number in length.items() if number} for key, length in given.items() if length}


def length_asked(task: Task) -> list[str]:
    """The bounds of an answer's length, a sentence each: "Use at most 30 words and 1 sentence."."""
    said = {
        key: " and ".join(f"{number} {unit if number > 1 else unit[:-1]}" for unit, number in length.items())
        for key, length in bounds_of(task).items()
    }
    return [f"Use {BOUNDS[key]} {what}." for key, what in said.items()]


def as_given(answer: object, own: Mapping[str, object]) -> object:
    """The answer as it is."""
    return answer


def as_written(text: str, answer: object) -> object:
    """The answer as it is."""
    return answer


def no_answer(answer: object, own: Mapping[str, object]) -> str:
    """What is said of an answer that a kind does not read, where it says nothing more."""
    return "is no answer of this kind of task"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of task (see the module docstring)."""

    fields: type[Frozen]
    """The keys of its own that `task` may have in a contract."""
    example: Mapping[str, object] = field(default_factory=dict)
    """Those keys as `ninefold init` writes them."""
    words: Words
    tokens: Tokens
    metrics: tuple[str, ...]
    """Its metrics, the usual primary one first."""
    rated_by: str
    """The metric per example by which the simulated rater of `feedback` judges."""
    slices: tuple[str, ...]
    length: tuple[int, int]
    """Most words of a short input, and of a medium one."""
    baseline: str
    """Its plain baseline."""
    columns: tuple[str, str]
    """What the input and the answer are usually called in files."""
    pipeline_tag: str
    """What a model hub calls it (`pipeline_tag` of a card)."""
    model_tasks: frozenset[str] = frozenset({"generation"})
    """What a model of the catalogue must be made for, one of these."""
    languages: Callable[[Task], tuple[str, ...]] = lambda task: (task.language,)
    """BCP 47 tags of inputs and answers: a model must know all of them, and `task.language` must be one."""
    tested: bool = False
    """Each example row brings `tests`, a program that its answer must pass."""
    asks: bool = False
    """Inputs are questions, which are answered from passages, or with an abstention; else they are texts of their own."""
    turns: bool = False
    """Inputs are conversations up to the user's last turn (components/text/turns.py); the answer is the next turn."""
    writes: bool = False
    """Answers are whole texts: over several lines, right by degree, and no less confidential than the input."""
    lines: bool = False
    """Answers may stand on several lines; else what follows the first line is cut."""
    read_answer: Callable[[object, Mapping[str, object]], Any] = as_given
    """(answer as a file or a model gives it, the task's own keys) → the answer in the one form in which answers are
    compared; None where it is none."""
    read_beside: Callable[[str, object], object] = as_written
    """(input, its answer as a file gives it) → the answer, where a file may say it by places in the input; None where it is
    none of this input. `read_answer` reads on."""
    answers_by: tuple[str, ...] = ()
    """The task's own keys that answering needs: a Candidate keeps them."""
    packages: tuple[str, ...] = ()
    """What an application of this kind needs installed beside what its engine needs."""
    unreadable: Callable[[object, Mapping[str, object]], str] = no_answer
    """What is said of an answer in a file that `read_beside` or `read_answer` gives None for, behind the word "answer"."""
    parts: Callable[[object], list[object]] | None = None
    """The parts of an answer that is several: a source's `values` are looked up for each of them."""
    label_set: Callable[[Task], tuple[str, ...]] = lambda task: task.labels
    """The labels that an answer is made of, one of them or (`several`) any number; none where answers are free."""

    @property
    def several(self) -> bool:
        """Whether an answer may be several labels."""
        return self.parts is not None

    @property
    def field(self) -> str:
        """The field of a prompt where the input stands: of a conversation the last turn, those before it are chat turns."""
        return "{{message}}" if self.turns else "{{input}}"

    @property
    def formed(self) -> bool:
        """Whether an answer has a form of its own, which it gets when all of it is there."""
        return self.read_answer is not as_given


def names() -> list[str]:
    """The kinds that there are."""
    return sorted(path.stem for place in __path__ for path in Path(place).glob("*.py") if path.stem != "__init__")


@cache
def kind_of(name: str) -> Kind:
    """The kind called `name`; raises BadInput with those that there are."""
    if name not in names():
        raise BadInput(f"key 'task.kind': '{name}' is no kind of task; allowed: {', '.join(names())}")
    kind = getattr(import_module(f".{name}", __package__), "KIND", None)
    assert isinstance(kind, Kind), f"components/tasks/{name}.py must define KIND, a Kind (components/tasks/__init__.py)"
    return kind


def tokens_of(task: Task) -> Tokens:
    """Longest answers to `task`: those of its kind, and more where the contract's bounds ask for more."""
    usual, bounds = kind_of(task.kind).tokens, bounds_of(task)
    # the upper bound where there is one; half as much again as the lower one else
    length, more = (bounds["at_most"], 1.0) if "at_most" in bounds else (bounds.get("at_least", {}), 1.5)
    asked = int(more * max((TOKENS[unit] * number for unit, number in length.items()), default=0))
    return Tokens(basic=max(usual.basic, asked), prompted=max(usual.prompted, asked), tuned=max(usual.tuned, asked))


def kept(task: Task) -> dict[str, object]:
    """What a Candidate for `task` must know to answer (`Candidate.own`)."""
    return {key: task.own[key] for key in kind_of(task.kind).answers_by if key in task.own}


def check_task(task: Task, where: str) -> None:
    """Raise BadInput where the kind is not known, or a key of its own is not what it must be. where: starts the message."""
    if task.kind not in names():
        raise BadInput(f"{where}: key 'task.kind': '{task.kind}' is no kind of task; allowed: {', '.join(names())}")
    kind = kind_of(task.kind)
    parse(kind.fields, task.own, where, under="task.", beside=tuple(Task.model_fields))
    if task.language not in (allowed := kind.languages(task)):
        raise BadInput(
            f"{where}: key 'task.language': '{task.language}' is not among {', '.join(allowed)}; write one of them"
        )
