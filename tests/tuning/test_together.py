"""One adapter on the rows of several use cases: proposed where validation shows a gain over the rows of one alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from components.core import (
    BadInput,
    Candidate,
    Checkpoint,
    Contract,
    Dataset,
    Row,
    Runtime,
    Share,
    Split,
    Step,
    Task,
    Together,
    publish_json,
)
from components.data import keep_apart
from components.data.stage import Config as DataConfig
from components.training import Diverged, loop
from components.training.examples import tuned_prompt
from components.training.objectives import sft
from components.tuning import Config, Tuned, tune
from tests.tuning.small import CONFIG, TASK, new_step, put, small_candidate, small_dataset
from tests.tuning.small import METRICS as ANSWERED
from tests.tuning.test_pseudo_labels import KNOWN, METRICS, NEW, SORT, bag_of_words, texts

TALKS = SORT.model_copy(update={"instruction": "Say which."})
OPPOSITE = {"good": NEW["bad"], "bad": NEW["good"]}
LEARNS = {"learning_rate": 0.01, "epochs": 10, "layers": 2, "checkpoint_every": 3}


def put_rows(step: Step, name: str, rows: list[Row]) -> Split:
    return put(step, name, [row.model_copy(update={"source": "shop"}) for row in rows])


def contract(step: Step, name: str, task: Task, train: list[Row], validation: list[Row]) -> Contract:
    path = step.scratch / "provenance.json"
    publish_json(path, {"of": name, "sources": [{"name": "shop", "licence": "mit", "origin": "made by rule"}]})
    splits = {"train": put_rows(step, "train", train), "validation": put_rows(step, "validation", validation)}
    return Contract(use_case=name, task=task, dataset=Dataset(splits=splits, provenance=step.store.put(path)))


def numbered(rows: list[Row]) -> list[Row]:
    """Rows that are not the same although their few words are."""
    return [row.model_copy(update={"text": f"{row.text} {row.id}"}) for row in rows]


def two(step: Step, words: dict[str, tuple[str, str]]) -> tuple[Contract, Contract]:
    """`films` has twelve rows, none with a word of its validation; `talks` has 48 with those `words`."""
    films = contract(step, "films", SORT, numbered(texts("t", 12, KNOWN)), numbered(texts("v", 60, NEW)))
    return films, contract(step, "talks", TALKS, numbered(texts("u", 48, words)), numbered(texts("w", 20, KNOWN)))


def seen_by(own: Contract, *others: Contract, step: Step) -> Together:
    apart = keep_apart(DataConfig(), contracts=(own, *others), step=step)
    shares = {share.use_case: share for share in apart.shares}
    return Together(own=shares[own.use_case], others=tuple(shares[one.use_case] for one in others))


def sorter(step: Step) -> Candidate:
    weights = step.store.put(bag_of_words(step.scratch / "own"))
    return Candidate(
        task=SORT.kind,
        labels=SORT.labels,
        runtime=Runtime(engine="transformers"),
        model=Checkpoint(name="own", object=weights, licence="mit", origin="made on the spot"),
        prompt=tuned_prompt(SORT, context=False),
    )


def tuned(root: Path, words: dict[str, tuple[str, str]], own: int = 0, key: str = "step", **more: object) -> Tuned:
    """own: 0 tunes `films`, 1 `talks`."""
    step = new_step(root, key)
    both = two(step, words)
    one, together = both[own], seen_by(both[own], both[1 - own], step=step)
    config = Config(together=("other.yaml",), **{**LEARNS, **more})
    return tune(
        config, task=one.task, metrics=METRICS, candidate=sorter(step), dataset=one.dataset, together=together, step=step
    )


@pytest.fixture(scope="module")
def helped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuned, list[int]]:
    """(the workspace, what tuning `films` together with `talks` of the same rule gave, the rows of each training)"""
    root = tmp_path_factory.mktemp("helped")
    with pytest.MonkeyPatch.context() as patched:
        seen = trainings(patched)
        return root, tuned(root, NEW), seen


def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each training has, as they are trained."""
    seen: list[int] = []
    train: Callable[..., object] = sft.train

    def counted(recipe: object, own: object, base: object, rows: list[object], *given: object, **more: object) -> object:
        seen.append(len(rows))
        return train(recipe, own, base, rows, *given, **more)

    monkeypatch.setattr(sft, "train", counted)
    return seen


def test_rows_of_another_use_case_with_the_same_rule_help(helped: tuple[Path, Tuned, list[int]]) -> None:
    _, result, seen = helped
    told = result.together
    assert seen == [12, 60]
    assert told.decision.adopted
    assert told.decision.comparison.before < 0.7 < 0.8 < told.decision.comparison.after
    assert result.decision.adopted
    assert result.candidate.adapter.object == told.object
    assert {one.use_case: one.examples for one in told.taught} == {"films": 12, "talks": 48}
    assert [(one.source, one.licence, one.rows) for one in told.taught[1].sources] == [("shop", "mit", 48)]
    assert "together with talks (training examples: films 12, talks 48): adopt" in result.notes[1]


def test_rows_of_another_use_case_that_contradict_are_not_proposed(tmp_path: Path) -> None:
    result = tuned(tmp_path, OPPOSITE)
    told = result.together
    assert told.decision.verdict == "keep"
    assert told.decision.comparison.gain.high < 0
    assert result.proposed.adapter.object != told.object, "what is proposed learned from its own rows alone"
    assert told.object in result.objects


def test_use_cases_whose_rows_come_out_the_same_share_one_training(
    helped: tuple[Path, Tuned, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, first, _ = helped
    seen = trainings(monkeypatch)
    second = tuned(root, NEW, own=1, key="talks")
    assert seen == [48], "its own rows alone; the training together is sealed"
    assert second.together.object == first.together.object
    assert second.together.decision != first.together.decision, "each is judged on its own validation"
    assert second.together.use_case == "talks"


def test_a_killed_training_together_goes_on_to_the_same_weights(
    helped: tuple[Path, Tuned, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """In place of a signal."""

    unbroken = helped[1]
    end = loop.Watch.on_step_end

    def killed(self: loop.Watch, args: object, state: object, *given: object, **more: object) -> None:
        end(self, args, state, *given, **more)
        if state.max_steps > 20 and state.global_step == 20:  # the training alone has 15 steps
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(loop.Watch, "on_step_end", killed)
        with pytest.raises(Killed):
            tuned(tmp_path / "killed", NEW)
    steps: list[int] = []

    def noted(self: loop.Watch, args: object, state: object, *given: object, **more: object) -> None:
        end(self, args, state, *given, **more)
        steps.extend([state.global_step] if state.max_steps > 20 else [])

    monkeypatch.setattr(loop.Watch, "on_step_end", noted)
    resumed = tuned(tmp_path / "killed", NEW)
    assert steps[0] == 19, "it goes on from the checkpoint after 18 steps"
    assert resumed.together.object == unbroken.together.object
    assert resumed.digest == unbroken.digest


def test_a_training_together_that_diverges_leaves_what_was_proposed(tmp_path: Path) -> None:
    step = new_step(tmp_path)
    films, talks = two(step, NEW)
    together = seen_by(films, talks, step=step)

    def diverges(*given: object) -> object:
        raise Diverged("diverged at step 3")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("components.tuning.together._trained", diverges)
        result = tune(
            Config(together=("other.yaml",), **LEARNS), task=SORT, metrics=METRICS, candidate=sorter(step),
            dataset=films.dataset, together=together, step=step,
        )  # fmt: skip
    assert result.together.decision.verdict == "keep"
    assert "tuning.learning_rate" in result.together.decision.reason
    assert result.together.object == ""
    assert result.proposed.adapter


@pytest.fixture
def mixed(tmp_path: Path) -> tuple[Step, Contract, Contract]:
    """A use case that answers questions from passages, and one that sorts texts."""
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    rows = dataset.rows("train", step.store), dataset.rows("validation", step.store)
    fair = contract(step, "fair", TASK, *rows)
    bases = {"knowledge": dataset.knowledge, "training_knowledge": dataset.training_knowledge}
    fair = fair.model_copy(update={"dataset": fair.dataset.model_copy(update=bases)})
    return step, fair, contract(step, "films", SORT, texts("t", 8, KNOWN), texts("v", 8, NEW))


def test_kinds_of_task_are_mixed_each_with_its_own_prompt(
    mixed: tuple[Step, Contract, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    step, fair, films = mixed
    shown: list[list[int]] = []
    train: Callable[..., object] = sft.train

    def noted(recipe: object, own: object, base: object, rows: list[object], *given: object, **more: object) -> object:
        shown.append([list(row.ids) for row in rows])
        return train(recipe, own, base, rows, *given, **more)

    monkeypatch.setattr(sft, "train", noted)
    candidate = small_candidate(fair.dataset, step)
    config = CONFIG.model_copy(update={"together": ("films.yaml",), "canaries": 2})
    result = tune(
        config, task=TASK, metrics=ANSWERED, candidate=candidate, dataset=fair.dataset,
        together=seen_by(fair, films, step=step), step=step,
    )  # fmt: skip
    alone, together = shown
    kinds = {one.use_case: (one.kind, one.examples) for one in result.together.taught}
    assert kinds == {"fair": ("question_answering", len(alone) - 2), "films": ("classification", 8)}
    assert all(row in together for row in alone), "its own rows, the two canaries among them, come out as they do alone"
    tokenizer = loop.load_tokenizer(step.store.path(candidate.model.object))
    others = [tokenizer.decode(row) for row in together if row not in alone]
    assert len(others) == 8
    assert all("good" in one or "bad" in one for one in others)
    assert result.proposed.prompt == tuned_prompt(TASK, context=True)
    assert result.canaries.count == 2

    # and the other way round: its questions are shown with BM25's best passage
    shown.clear()
    asked = Candidate(
        task=SORT.kind, labels=SORT.labels, runtime=Runtime(engine="transformers"), model=candidate.model,
        prompt=tuned_prompt(SORT, context=False),
    )  # fmt: skip
    tune(
        config, task=SORT, metrics=METRICS, candidate=asked, dataset=films.dataset,
        together=seen_by(films, fair, step=step), step=step,
    )  # fmt: skip
    assert shown == [shown[0]], "here both came out the same, and the training together was found"
    assert len(shown[0]) == 8


def test_nothing_is_trained_together_where_the_settings_name_no_other(mixed: tuple[Step, Contract, Contract]) -> None:
    step, fair, films = mixed
    candidate = small_candidate(fair.dataset, step)
    given = {"task": TASK, "metrics": ANSWERED, "candidate": candidate, "dataset": fair.dataset, "step": step}
    result = tune(CONFIG, together=seen_by(fair, films, step=step), **given)
    assert result.together is None
    assert "together" not in result.model_dump(mode="json"), "others keep their digests"
    assert "together" not in CONFIG.model_dump(mode="json")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"technique": "head"}, "technique 'head' fits the labels of one use case"),
        ({"pseudo_labels": {}}, "'pseudo_labels' each train once more: remove one of the two"),
        ({"techniques": {"ia3": {"together": ["b.yaml"]}}}, "has no 'together' of its own"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises((ValidationError, BadInput), match=said):
        Config(together=("a.yaml",), **settings)


def test_a_rung_that_fits_labels_learns_from_its_own_rows() -> None:
    config = Config(together=("a.yaml",))
    assert config.of("head").together == ()
    assert config.of("ia3").together == ("a.yaml",)


def test_the_order_is_the_same_whichever_is_tuned() -> None:
    shares = [
        Share(
            use_case=name, task=SORT, dataset=Dataset(splits={}, provenance=""), sources=(), removed={}
        )
        for name in ("b", "a", "c")
    ]  # fmt: skip
    orders = [Together(own=one, others=tuple(two for two in shares if two != one)).every for one in shares]
    assert [share.use_case for share in orders[0]] == ["a", "b", "c"]
    assert orders[0] == orders[1] == orders[2]
