"""Every technique that fits a head of labels through the real thing: fitted, fitted again to the same bytes, served."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from components.application import checkpoint, load
from components.core import Candidate, Checkpoint, Dataset, Metrics, Row, Runtime, Task
from components.deployment.exports import Given, export
from components.optimization import Config as OptimizationConfig
from components.optimization import optimize
from components.training import LABEL_HEAD, TECHNIQUES, technique
from components.training.examples import tuned_prompt
from components.training.techniques.head import fitted
from components.tuning import Config, Tuned, align, tune
from tests.specialised import classifier
from tests.tuning.small import TASK as ASKED
from tests.tuning.small import new_step, put, small_candidate, small_dataset

HEADS = [name for name in TECHNIQUES if technique(name).PRODUCT == LABEL_HEAD]
ENDS = {"good": ("film", "story", "text"), "bad": ("river", "king", "city")}
SORT = Task(kind="classification", instruction="Say how it ends.", labels=("good", "bad"))
SEVERAL = Task(kind="multilabel_classification", instruction="Say what is in it.", label_set=("a", "b"), none_allowed=True)
ACCURACY = Metrics(primary="accuracy", at_least=0.5)


def rows(name: str, count: int) -> list[Row]:
    """Texts of both kinds of words, of which the last one decides."""
    made = []
    for i in range(count):
        label, other = ("good", "bad") if i % 2 else ("bad", "good")
        text = f"the {ENDS[other][i % 3]} and the {ENDS[label][(i // 3) % 3]} of {name} the {ENDS[label][i % 3]}"
        made.append(Row(id=f"{name}{i}", text=text, answer=label))
    return made


def several(name: str, count: int) -> list[Row]:
    answers = ("none", "a", "b", "a, b")
    return [
        Row(
            id=f"{name}{i}",
            text=f"{i // 4} of {name} the {('king', 'river', 'story', 'city')[i % 4]}",
            answer=answers[i % 4],
        )
        for i in range(count)
    ]


def tuned(root: Path, name: str, task: Task = SORT, model: Checkpoint | None = None, **changed: object):
    """(step, result) of the technique on the two-layer model, or on the encoder `model`."""
    step, make, metric = new_step(root), several if task is SEVERAL else rows, "micro_f1" if task is SEVERAL else "accuracy"
    dataset = Dataset(
        splits={"train": put(step, "train", make("x", 48)), "validation": put(step, "validation", make("y", 24))},
        provenance=put(step, "provenance", []).object,
    )
    candidate = Candidate(
        task=task.kind,
        labels=task.labels,
        own={key: task.own[key] for key in ("label_set", "none_allowed") if key in task.own},
        runtime=Runtime(engine="transformers"),
        model=model or checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=tuned_prompt(task, context=False),
    ).model_copy(update=changed)
    metrics = Metrics(primary=metric, at_least=0.5)
    result = tune(Config(technique=name), task=task, metrics=metrics, candidate=candidate, dataset=dataset, step=step)
    return step, candidate, result


@pytest.fixture(scope="module", params=HEADS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    return request.param, *tuned(tmp_path_factory.mktemp(request.param), request.param)


def test_it_learns_what_the_last_word_says_and_tells_what_it_trained(made) -> None:
    name, step, candidate, result = made
    assert result.evidence.metrics["accuracy"].value > 0.9
    assert result.decision.adopted
    one = result.candidate
    assert (one.runtime.engine, one.prompt, one.adapter, one.trained) == ("classifier", None, None, True)
    assert (one.model.derived_from.technique, one.model.derived_from.trained) == (name, True)
    assert one.base.digest == candidate.digest, "worsening is measured against the model as it was asked before"
    weights = load_file(step.store.path(one.model.object) / "model.safetensors")
    own = weights["score.weight"].numel()
    assert own == 2 * 64
    share = own / sum(one.numel() for one in weights.values())
    assert step.measured["training"]["trained_share"] == pytest.approx(share, rel=0.01)
    assert step.measured["training"]["held_out_rows"] == 9
    assert "48 whole texts" in result.notes[0]


def test_everything_but_the_head_is_the_untouched_model_and_a_second_run_gives_the_same_bytes(made, tmp_path: Path) -> None:
    name, step, candidate, result = made
    before = load_file(step.store.path(candidate.model.object) / "model.safetensors")
    after = load_file(step.store.path(result.candidate.model.object) / "model.safetensors")
    assert after.keys() - before.keys() == {"score.weight"}
    assert all(after[key].equal(before[key].float()) for key in after.keys() & before.keys())
    _, _, again = tuned(tmp_path, name)
    assert again.candidate.digest == result.candidate.digest


def test_the_trained_and_the_served_form_give_the_same_probabilities(made) -> None:
    """By hand: the plain model over each text alone, its last token through the saved weights."""
    _, step, candidate, result = made
    base, folder = (step.store.path(one.model.object) for one in (candidate, result.candidate))
    plain, tokenizer = AutoModel.from_pretrained(base, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(base)
    weight = load_file(folder / "model.safetensors")["score.weight"]
    texts = [row.text for row in rows("other", 20)] + ["", "a much longer text " * 9 + "about a river"]
    with load(result.candidate, step.store, step.machine) as application, torch.no_grad():
        served = application.engine.likelihoods(texts)
        said = application.engine.reply(texts, [])
    for text, shares, label in zip(texts, served, said, strict=True):
        ids = tokenizer(text or " ", return_tensors="pt").input_ids
        hand = (plain(input_ids=ids).last_hidden_state[0, -1] @ weight.T).softmax(-1).tolist()
        assert list(shares.values()) == pytest.approx(hand, abs=1e-5)
        assert label == SORT.labels[hand.index(max(hand))]
    _, loaded = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(loaded[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), "a usual checkpoint"


def test_what_a_head_cannot_do_is_said(made, tmp_path: Path) -> None:
    name, step, _, result = made
    kept = optimize(
        OptimizationConfig(), task=SORT, metrics=ACCURACY, limits=None, candidate=result.candidate, dataset=None, step=step
    )
    assert "variants are made of engine 'transformers' alone" in kept.decision.reason
    rated = {"pairs": put(step, "pairs", []), "source_share": 1.0, "dataset": None}
    refused = align(Config(), task=SORT, metrics=ACCURACY, candidate=result.candidate, **rated, step=step)
    assert refused.decision.reason == "the candidate at hand has no adapter to train on"
    with pytest.raises(ValueError, match="what decodes text alone is exported"):
        export("hugging_face", Given("own", result.candidate, step.store), tmp_path / "out")
    with pytest.raises(ValueError, match=f"technique '{name}' is fitted at once"):
        Config(technique=name, minutes=3)
    with pytest.raises(ValueError, match=f"technique '{name}' is fitted at once"):
        Config(minutes=3, search={"techniques": ["lora", name]})
    with pytest.raises(ValueError, match=f"what '{name}' learns cannot become part of a checkpoint"):
        OptimizationConfig(variants=["drop_layers"], drop_layers={"technique": name})


@pytest.mark.parametrize("name", HEADS)
def test_a_task_without_labels_keeps_the_candidate_at_hand_and_says_why(name: str, tmp_path: Path) -> None:
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    result: Tuned = tune(
        Config(), task=ASKED, metrics=ACCURACY, candidate=candidate, dataset=dataset, technique=name, step=step
    )
    assert (result.candidate, result.proposed) == (candidate, None)
    assert "a task of kind 'question_answering' has no set of labels" in result.decision.reason


@pytest.mark.parametrize("name", HEADS)
def test_an_encoder_gets_a_new_head_under_its_own_labels(name: str, tmp_path: Path) -> None:
    step = new_step(tmp_path / "encoder")
    made = rows("z", 24)
    wrong = ["POS" if row.answer == "bad" else "NEG" for row in made]  # it was made for the opposite
    folder = classifier(tmp_path / "own", [row.text for row in made], wrong, ["NEG", "OTHER", "POS"], steps=30)
    model = Checkpoint(name="own", object=step.store.put(folder), licence="mit", origin="made on the spot")
    called = {
        "prompt": None,
        "runtime": Runtime(engine="classifier"),
        "own": {"model_labels": {"NEG": "bad", "POS": "good"}},
    }
    _, candidate, result = tuned(tmp_path / "encoder", name, model=model, **called)
    assert result.decision.comparison.before < 0.2 < 0.9 < result.decision.comparison.after
    assert result.candidate.own == candidate.own
    assert result.candidate.base == candidate
    _, _, other = tuned(tmp_path / "encoder", "lora", model=model, **called)
    assert "only models of engine 'transformers' are tuned (technique 'head' fits its labels anew)" in other.decision.reason
    weights = [load_file(step.store.path(one.model.object) / "model.safetensors") for one in (candidate, result.candidate)]
    changed = [key for key in weights[0] if not weights[0][key].equal(weights[1][key])]
    assert changed == ["classifier.bias", "classifier.weight"]


@pytest.mark.parametrize("name", HEADS)
def test_several_labels_a_text(name: str, tmp_path: Path) -> None:
    step, _, result = tuned(tmp_path, name, SEVERAL)
    assert result.evidence.metrics["micro_f1"].value > 0.9
    with load(result.proposed, step.store, step.machine) as application:
        assert {answer.text for answer in application.answer(several("y", 4))} == {"none", "a", "b", "a, b"}


@pytest.mark.parametrize("biased", [True, False])
def test_it_is_scikit_learns_regression(biased: bool) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    torch.manual_seed(0)
    features = torch.randn(60, 5, dtype=torch.float64) * torch.tensor([1, 10, 0.1, 1, 3]) + 2
    labels = (features @ torch.randn(5, 3, dtype=torch.float64) + torch.randn(60, 3)).argmax(1)
    weight, bias = fitted(features, torch.nn.functional.one_hot(labels, 3).double(), False, biased, 0.01)
    standard = StandardScaler().fit_transform(features) if biased else features / features.square().mean(0).sqrt()
    theirs = LogisticRegression(C=1 / (60 * 0.01), fit_intercept=biased, tol=1e-8, max_iter=2000).fit(standard, labels)
    ours = (features @ weight.T + bias).softmax(1).numpy()
    assert abs(ours - theirs.predict_proba(standard)).max() < 1e-5
