"""Texts that the tuned candidate labels surely are trained on where that helps on validation, and are marked for ever."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.torch import load_file, save_file

from components.application import Application, checkpoint, load
from components.application.two_layer import make_two_layer
from components.core import (
    BadInput,
    Candidate,
    Checkpoint,
    Data,
    Dataset,
    Metrics,
    Passage,
    Row,
    Runtime,
    Source,
    Splits,
    Step,
    Task,
    read_rows,
)
from components.core.dataset import only_collected
from components.training.examples import tuned_prompt
from components.tuning import Config, Tuned, tune
from components.tuning.stage import check_settings
from tests.tuning.small import new_step, put

SORT = Task(kind="classification", instruction="Sort.", labels=("good", "bad"))
METRICS = Metrics(primary="accuracy", at_least=0.5, minimum_effect=0.02)
KNOWN = {"good": ("warm", "clever"), "bad": ("dull", "awful")}
"""Words of the few rows that people labelled."""
NEW = {"good": ("river", "story"), "bad": ("king", "city")}
"""Words that stand beside them in texts without a label, and alone in validation."""


def texts(name: str, count: int, *kinds: dict[str, tuple[str, str]]) -> list[Row]:
    draw, made = random.Random(name), []
    for i in range(count):
        label = ("good", "bad")[i % 2]
        words = [draw.choice(words[label]) for words in kinds for _ in range(3)]
        draw.shuffle(words)
        made.append(Row(id=f"{name}{i}", text=f"{' '.join(words)} .", answer=label))
    return made


def bag_of_words(folder: Path) -> Path:
    """The two-layer model without products of queries and keys, so that its last token holds a mean over all tokens."""
    folder.mkdir(parents=True)
    make_two_layer(folder)
    weights = load_file(folder / "model.safetensors")
    for name, weight in weights.items():
        if name.endswith(("q_proj.weight", "k_proj.weight", "down_proj.weight")) or "layers.1.self_attn.o_proj" in name:
            weights[name] = weight * 0
        elif name.startswith("model.layers.0.self_attn"):
            weights[name] = weight * 8
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def tuned(root: Path, **asked: object) -> tuple[Step, Tuned]:
    """A head fitted on twelve rows; sixty texts have no label."""
    step = new_step(root)
    waiting = [Passage(id=row.id, text=row.text) for row in texts("u", 60, KNOWN, NEW)]
    dataset = Dataset(
        splits={
            "train": put(step, "train", texts("t", 12, KNOWN)),
            "validation": put(step, "validation", texts("v", 60, NEW)),
        },
        documents=put(step, "documents", waiting),
        provenance=put(step, "provenance", []).object,
    )
    weights = step.store.put(bag_of_words(root / "own"))
    candidate = Candidate(
        task=SORT.kind,
        labels=SORT.labels,
        runtime=Runtime(engine="transformers"),
        model=Checkpoint(name="own", object=weights, licence="mit", origin="made on the spot"),
        prompt=tuned_prompt(SORT, context=False),
    )
    config = Config(technique="head", pseudo_labels=asked)
    return step, tune(config, task=SORT, metrics=METRICS, candidate=candidate, dataset=dataset, step=step)


def test_many_texts_without_a_label_raise_the_accuracy_of_few_with_one(tmp_path: Path) -> None:
    step, result = tuned(tmp_path, confidence=0.8)
    told = result.pseudo
    assert told.decision.adopted
    assert told.decision.comparison.before < 0.75 < 0.9 < told.decision.comparison.after
    assert result.evidence.metrics["accuracy"].value == pytest.approx(told.decision.comparison.after, abs=1e-6)
    rows = read_rows(told.rows, step.store)
    assert {row.origin for row in rows} == {"pseudo"}
    assert min(row.confidence for row in rows) >= 0.8
    assert told.share == pytest.approx(len(rows) / (len(rows) + 12), abs=1e-6)
    assert f"{len(rows)} of 60 texts" in result.notes[1]
    assert "adopt" in result.notes[1]
    assert told.rows.object in result.objects
    with pytest.raises(AssertionError, match="rows that nobody collected"):
        only_collected("validation", rows)
    _, again = tuned(tmp_path / "again", confidence=0.8, rows_at_most=5)
    assert again.pseudo.rows.count == 5
    assert {row.id for row in read_rows(again.pseudo.rows, new_step(tmp_path / "again").store)} < {row.id for row in rows}


def test_wrong_pseudo_labels_are_not_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Application.likelihoods

    def swapped(self: Application, rows: list[Row]) -> list[dict[str, float]]:
        return [{"good": one["bad"], "bad": one["good"]} for one in right(self, rows)]

    monkeypatch.setattr(Application, "likelihoods", swapped)
    _, result = tuned(tmp_path, confidence=0.8)
    assert result.pseudo.rows.count
    assert not result.pseudo.decision.adopted
    assert result.pseudo.by == result.proposed.digest, "what is proposed never saw one"


def test_a_model_that_is_sure_of_nothing_labels_nothing(tmp_path: Path) -> None:
    _, result = tuned(tmp_path, confidence=0.9999999)
    assert result.pseudo is None
    assert "pseudo-labels: 0 of 60 texts" in result.notes[1]


def test_a_model_that_is_prompted_says_how_likely_each_label_is(tmp_path: Path) -> None:
    step = new_step(tmp_path)
    candidate = Candidate(
        task=SORT.kind,
        labels=SORT.labels,
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=tuned_prompt(SORT, context=False),
    )
    rows = texts("t", 6, KNOWN)
    with load(candidate, step.store, step.machine) as application:
        likely = application.likelihoods(rows)
        said = [answer.text for answer in application.answer(rows)]
    assert [max(one, key=one.get) for one in likely] == said
    assert all(sum(one.values()) == pytest.approx(1) for one in likely)


EXAMPLES = Source(name="own", role="examples", path="own.jsonl", licence="mit", origin="made by rule")
WAITING = EXAMPLES.model_copy(update={"name": "more", "role": "unlabelled"})
SEVERAL = Task(kind="multilabel_classification", instruction="Sort.", label_set=("a", "b"))


@pytest.mark.parametrize(
    ("task", "sources", "asked", "said"),
    [
        (SEVERAL, [EXAMPLES, WAITING], True, "kind 'multilabel_classification' has no single label"),
        (Task(kind="summarization", instruction="Sum up."), [EXAMPLES, WAITING], True, "kind 'summarization' has no single"),
        (SORT, [EXAMPLES], True, "no source has texts to label; give a source the role 'unlabelled'"),
        (SORT, [EXAMPLES, WAITING], False, r"data\.sources\.1\.role: 'unlabelled' needs what reads its texts"),
    ],
)
def test_what_does_not_fit_the_contract_is_refused(task: Task, sources: list[Source], asked: bool, said: str) -> None:
    data = Data(sources=sources, splits=Splits(train=1, validation=1, test=1))
    with pytest.raises(BadInput, match=said):
        check_settings(Config(pseudo_labels={} if asked else None), SimpleNamespace(task=task, data=data))
