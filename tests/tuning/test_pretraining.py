"""Pre-training on documents before supervised tuning: what it changes in the domain and outside, refusals."""

import re

import pytest

from components.core import BadInput, Passage, parse
from components.core.use_case import UseCase
from components.training import pretrained_rows
from components.tuning import Config, tune
from components.tuning.stage import check_settings
from tests.training.test_objectives import PLACES, PLANTS
from tests.tuning.small import CONFIG, METRICS, TASK, new_step, put, small_candidate, small_dataset
from tests.use_case.test_check import CONTRACT

OUTSIDE = ("The council met on Monday to talk of the new bridge.", "A striker scored twice while it rained in the north.")
READ = {"objective": "causal", "epochs": 4, "learning_rate": 5e-3, "settings": {"block": 64}}


def passages(texts: list[str], source: str) -> list[Passage]:
    return [Passage(id=f"{source}{at}", text=text, source=source) for at, text in enumerate(texts)]


def world(home):
    """The small world with documents on plants."""
    step = new_step(home)
    texts = [
        " ".join(
            f"In {year} the {PLANTS[at % 4]} grew by the {PLACES[at // 4 % 4]}." for year in range(1900 + at, 1903 + at)
        )
        for at in range(30)
    ]
    dataset = small_dataset(step).model_copy(
        update={
            "documents": put(step, "documents", passages(texts[:24], "plants")),
            "documents_in_domain": put(step, "inside", passages(texts[24:], "plants")),
            "documents_out_of_domain": put(step, "outside", passages(list(OUTSIDE), "news")),
        }
    )
    return step, dataset, small_candidate(dataset, step)


def tuned(home, **settings):
    step, dataset, candidate = world(home)
    config = Config.model_validate(CONFIG.model_dump() | {"own": {}} | settings)
    return step, candidate, tune(config, task=TASK, metrics=METRICS, candidate=candidate, dataset=dataset, step=step)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return tuned(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    return tuned(tmp_path_factory.mktemp("read"), pretraining=READ)


def test_without_it_a_result_says_nothing_of_it(plain) -> None:
    _, _, result = plain
    assert "pretraining" not in result.model_dump()
    assert not any("pre-training" in note for note in result.notes)


def test_supervised_tuning_starts_from_what_documents_taught(plain, read) -> None:
    step, candidate, result = read
    assert result.proposed.adapter.objective == "sft"
    assert result.proposed.model == candidate.model
    assert result.proposed.adapter.object != plain[2].proposed.adapter.object
    inside, outside = result.pretraining.texts
    assert (inside.where, inside.source, inside.documents) == ("in the domain", "plants", 6)
    assert (outside.where, outside.source, outside.documents) == ("outside", "news", 2)
    assert inside.after < inside.before
    assert inside.change.high < 0, "the domain has become likelier"
    assert inside.change.value == pytest.approx(inside.after - inside.before, abs=2e-4)
    assert result.notes[0].startswith("pre-training (causal, lora) on 24 documents: in the domain (plants, n = 6) ")
    assert re.search(r"outside \(news, n = 2\) .* nats a token .*perplexity", result.notes[0])
    assert all(step.store.has(digest) for digest in result.objects)
    rows = pretrained_rows({"tuning": result.model_dump(mode="json")}, {"tuning": step.measured})
    assert [row["where"] for row in rows] == ["in the domain", "outside"]
    assert rows[0]["tokens_per_second"] == step.measured["pretraining"]["tokens_per_second"] > 0
    assert float(rows[0]["perplexity_after"].replace(",", "")) < float(rows[0]["perplexity_before"].replace(",", ""))


def test_it_is_done_once_and_gives_the_same_again(read, tmp_path) -> None:
    _, _, result = read
    step, dataset, candidate = world(tmp_path)
    config = Config.model_validate(CONFIG.model_dump() | {"own": {}, "pretraining": READ})
    ask = {"task": TASK, "metrics": METRICS, "candidate": candidate, "dataset": dataset}
    first = tune(config, step=step, **ask)
    assert first.digest == result.digest
    again = new_step(tmp_path, "again")
    tune(config, step=again, **ask)
    assert again.measured["pretraining"] == step.measured["pretraining"], "the seal of the first one was found"


def test_whole_weights_are_changed_further(tmp_path) -> None:
    asked = READ | {"objective": "denoising", "learning_rate": 1e-3}
    _, candidate, result = tuned(tmp_path, technique="full", pretraining=asked)
    first = result.proposed.model.derived_from
    assert (first.settings["objective"], first.checkpoint.derived_from.settings["objective"]) == ("sft", "denoising")
    assert first.checkpoint.derived_from.checkpoint == candidate.model
    assert result.proposed.base.model == candidate.model, "worsening is measured against the model as it came"


def test_a_training_that_diverges_names_its_own_rate(tmp_path) -> None:
    wild = READ | {"learning_rate": 50.0, "epochs": 40}
    _, candidate, result = tuned(tmp_path, technique="full", pretraining=wild)
    assert (result.decision.verdict, result.candidate, result.proposed) == ("keep", candidate, None)
    assert result.decision.reason.endswith("Set a lower tuning.pretraining.learning_rate")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pretraining": {"objective": "sft"}}, "'sft' learns from no documents; allowed: causal, denoising, mixture"),
        ({"pretraining": {"settings": {"noise": 0.2}}}, "key 'noise' is not known; objective 'causal' has: block"),
        (
            {"pretraining": {"objective": "mixture", "settings": {"share": 2}}},
            "settings: key 'share': .*less than or equal to 1",
        ),
        ({"pretraining": {}, "technique": "head"}, "technique 'head' leaves the weights as they are"),
        ({"pretraining": {}, "minutes": 5}, r"a search \('minutes'\) would pre-train for every trial"),
    ],
)
def test_settings_that_cannot_be_are_named(asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Config.model_validate(asked)


def test_another_rung_has_its_techniques_own_rate() -> None:
    config = Config.model_validate({"pretraining": READ})
    assert config.of("lora").pretraining == config.pretraining
    assert config.of("full").pretraining == config.pretraining.model_copy(update={"learning_rate": None})


WAITING = {"name": "manuals", "role": "unlabelled", "path": "m.jsonl", "licence": "CC0-1.0", "origin": "us"}
LABELLING = {"functions": [{"name": "a", "label": "b", "any_of": ["c"]}]}


@pytest.mark.parametrize(
    ("sources", "labelling", "asked", "said"),
    [
        ([], None, {}, "section 'tuning', key 'pretraining': the use case has no documents to learn from"),
        ([WAITING], LABELLING, {}, "data.labelling labels the texts of 'unlabelled' sources"),
        (
            [WAITING],
            None,
            None,
            r"data\.sources\.1\.role: 'unlabelled' needs what reads its texts: .* `tuning: \{pretraining",
        ),
        ([WAITING], LABELLING, None, ""),
        ([WAITING], None, {}, ""),
        ([], None, None, ""),
    ],
)
def test_documents_and_what_reads_them_belong_together(
    sources: list, labelling: dict | None, asked: dict | None, said: str
) -> None:
    data = CONTRACT["data"] | {"sources": [CONTRACT["data"]["sources"][0], *sources], "labelling": labelling}
    contract = parse(UseCase, CONTRACT | {"data": data}, "letters.yaml")
    config = Config.model_validate({"pretraining": asked})
    if not said:
        check_settings(config, contract)
        return
    with pytest.raises(BadInput, match=said):
        check_settings(config, contract)
