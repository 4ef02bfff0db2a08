"""An embedder learns from training questions alone, is resumed to the same bytes, and is only taken if it finds better."""

import json

import numpy as np
import pytest
from datasets import Dataset as Table
from safetensors.torch import load_file

from components.application import load
from components.core import BadInput, Dataset, Passage, Row, Store, artifacts, file_digest
from components.lineage import Subject, touched
from components.retrieval import Config, retrieve, stage
from components.retrieval import embedder_tuning as tuning
from components.retrieval.contrastive import Recipe, listed, train
from components.retrieval.embedder_tuning import EmbedderTuning, lessons
from components.training import loop
from tests.lineage.small import seal
from tests.retrieval.small import METRICS, TASK, candidate, dataset, split, step_in, tiny_embedder

COLOURS = ("red", "blue", "green", "white", "black", "brown", "grey", "pink", "orange", "purple")
KINDS = ("river", "tower", "bridge", "market")
TAUGHT, ASKED = COLOURS[:6], COLOURS[6:]
QUICK = EmbedderTuning(epochs=2, learning_rate=1e-4, batch_rows=8)
CONFIG = Config(chunk_words=60, scoring=("bm25", "vector"), top_k=(1,), embedder_tuning=QUICK)


def corrected(colours: tuple[str, ...]) -> list[Row]:
    """Questions that name two places, of which the second is meant."""
    return [
        Row(
            id=f"{wrong} {colour} {kind}",
            text=f"when was the {wrong} {kind} no wait the {colour} {kind} opened",
            answer=f"{1900 + 10 * COLOURS.index(colour) + KINDS.index(kind)}",
            passage=f"{colour} {kind}",
            source="calls",
        )
        for colour in colours
        for wrong in colours
        if wrong != colour
        for kind in KINDS
    ]


def places(step) -> Dataset:
    """A passage a place; places of validation are in no training row and not among what training may read."""
    every = corrected(COLOURS)
    passages = {row.passage: Passage(id=row.passage, text=f"The {row.passage} was opened in {row.answer}.") for row in every}
    readable = [passage for name, passage in passages.items() if name.split()[0] in TAUGHT]
    train = [
        row for row in corrected(TAUGHT) if row.text.split()[3] == TAUGHT[(TAUGHT.index(row.passage.split()[0]) + 1) % 6]
    ]
    splits = {"train": train, "validation": corrected(ASKED)}
    provenance = step.scratch / "provenance.json"
    provenance.write_text(json.dumps({"sources": [{"name": "calls", "licence": "cc0-1.0"}]}))
    return Dataset(
        splits={name: split(name, rows, step) for name, rows in splits.items()},
        knowledge=split("passages", list(passages.values()), step),
        training_knowledge=split("training_knowledge", readable, step),
        provenance=step.store.put(provenance),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    step = step_in(tmp_path_factory.mktemp("tuned"))
    data = places(step)
    given = {"task": TASK, "metrics": METRICS, "candidate": candidate(data, step), "dataset": data}
    return step, data, given, retrieve(CONFIG, **given, step=step)


def test_an_embedder_that_finds_better_is_compared_and_taken(run) -> None:
    _, _, _, found = run
    worth = found.embedder_gain
    assert worth.offered
    assert worth.gains["vector"].gain.low > 0
    assert found.hits["vector, top 1, tuned embedder"]["ndcg@10"] == pytest.approx(worth.gains["vector"].after, abs=1e-3)
    assert found.hits["vector, top 1"]["ndcg@10"] == pytest.approx(worth.gains["vector"].before, abs=1e-3)
    retriever = found.proposed.retriever
    assert retriever.embedder == worth.tuned.checkpoint
    assert retriever.index == found.index.object == worth.index.object
    assert found.decision.adopted
    assert "24 of calls (cc0-1.0); nDCG@10 by vector 0." in worth.said
    assert worth.said in found.notes


def test_it_says_what_it_was_made_from_wherever_it_goes(run) -> None:
    step, _, given, found = run
    embedder = found.candidate.retriever.embedder
    assert (embedder.name, embedder.first.name) == ("all-minilm-l6-v2-tuned", "all-minilm-l6-v2")
    assert embedder.trained
    told = embedder.derived_from.settings
    assert (told["objective"], told["rows"], told["sources"]) == (
        "contrastive", 24, {"calls": {"rows": 24, "licence": "cc0-1.0"}}
    )  # fmt: skip
    provenance = json.loads((step.store.path(found.index.object) / "index.json").read_text())
    assert provenance["embedder_derived_from"]["settings"] == told
    assert artifacts.inspect(step.store.path(embedder.object), "tuned")
    assert "embedder_derived_from" not in found.index.model_copy(update={"embedder_derived_from": None}).model_dump()
    assert not given["candidate"].retriever.learned


def test_questions_of_training_compare_and_decide_nothing(run, monkeypatch) -> None:
    step, data, _, found = run
    validation = len(data.rows("validation", step.store))
    assert found.embedder_gain.gains["vector"].gain.n == validation
    assert "train" not in found.decision.reason
    assert "compared on 48 questions of validation" in found.notes[1]
    with pytest.raises(BadInput, match=r"retrieval\.questions: the embedder is tuned on train, so that other questions"):
        stage.check_settings(CONFIG.model_copy(update={"questions": ("train",)}), None)
    with pytest.raises(BadInput, match=r"retrieval\.embedder_tuning: no scoring that is listed reads vectors"):
        stage.check_settings(CONFIG.model_copy(update={"scoring": ("bm25",)}), None)


def test_a_bundle_of_its_objects_gives_the_same_answers(run, tmp_path) -> None:
    step, data, _, found = run
    bundle = Store(tmp_path / "bundle")
    step.store.copy_to(bundle, found.candidate.objects)
    assert not bundle.has(found.candidate.retriever.embedder.first.object), "the base embedder is not needed to run"
    asked = data.rows("validation", step.store)[:6]
    with load(found.candidate, step.store, step.machine) as here, load(found.candidate, bundle, step.machine) as there:
        assert here.answer(asked) == there.answer(asked)


def test_forgetting_a_training_question_takes_the_embedder_and_its_index_not_the_base(run) -> None:
    step, data, _, found = run
    seal(step.workspace, "d", "components.data.prepare", {"dataset": data})
    row = data.rows("train", step.store)[0]
    gone = {item.id for item in touched(step.workspace, Subject.of(row.text)) if item.kind == "object"}
    embedder = found.candidate.retriever.embedder
    assert {embedder.object, found.index.object} <= gone
    assert embedder.first.object not in gone


def test_an_embedder_that_does_not_help_is_left_out(run, tmp_path) -> None:
    step, _, given, _ = run
    still = CONFIG.model_copy(update={"embedder_tuning": QUICK.model_copy(update={"learning_rate": 1e-9, "epochs": 1})})
    kept = retrieve(still, **given, step=step)
    worth = kept.embedder_gain
    assert not worth.offered
    assert worth.said.endswith("left out, since it may be chance")
    assert kept.proposed.retriever.embedder is None or not kept.proposed.retriever.embedder.trained
    assert "vector, top 1, tuned embedder" in kept.hits


def test_too_few_questions_train_nothing_and_say_so(tmp_path) -> None:
    step = step_in(tmp_path)
    data = dataset(step)
    given = {"task": TASK, "metrics": METRICS, "candidate": candidate(data, step), "dataset": data}
    found = retrieve(CONFIG, **given, step=step)
    assert found.embedder_gain.tuned.checkpoint is None
    assert "embedder not tuned: 8 training questions name a passage that training may read, too few" in found.notes


def test_lessons_hold_the_answer_against_what_training_may_read_and_does_not(run, tmp_path) -> None:
    step = step_in(tmp_path)
    data = dataset(step)
    index = _index(data, step)
    embedder = _embedder(step)
    rows = [*data.rows("train", step.store), Row(id="n", text="who knows", answer="Nile"), data.rows("test", step.store)[-1]]
    readable = [
        Passage.model_validate(line) for line in map(json.loads, step.store.file(data.training_knowledge.object).open())
    ]
    config = EmbedderTuning(hard_negatives=2)
    taught = list(lessons(config, rows, readable, index, embedder, TASK, step))
    assert [row.id for row, _ in taught] == [row.id for row in rows[:8]], "no passage, or one that training may not read"
    for row, texts in taught:
        assert texts["question"] == row.text
        if row.answer != TASK.abstain:
            assert row.answer in texts["right"]
            assert all(row.answer not in texts[name] for name in ("wrong_1", "wrong_2"))
        assert texts["right"] not in (texts["wrong_1"], texts["wrong_2"])
        assert not any(place in text for text in texts.values() for place in ("Sofia", "Bern"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    rows = corrected(TAUGHT)[:24]
    texts = [{"question": row.text, "right": f"The {row.passage} was opened in {row.answer}."} for row in rows]
    folder = tmp_path_factory.mktemp("tiny")
    return tiny_embedder(folder, [text for one in texts for text in one.values()]), texts


RECIPE = Recipe(epochs=4, learning_rate=5e-3, batch_rows=6, seed=0, dtype="float32")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_loss_falls_every_layer_moves_and_a_killed_training_ends_with_the_same_bytes(
    dtype, tiny, tmp_path, monkeypatch
) -> None:
    base, rows = tiny
    recipe = RECIPE.model_copy(update={"dtype": dtype})
    machine = step_in(tmp_path / "home").machine
    whole = train(recipe, base, rows, 0, tmp_path / "whole", machine)
    assert np.mean(whole.losses[-4:]) < 0.8 * np.mean(whole.losses[:4])
    assert whole.tokens > 0
    before, after = (load_file(folder / "model.safetensors") for folder in (base, whole.folder))
    assert before.keys() == after.keys()
    assert all((before[name] != after[name]).any() for name in before if "layer" in name and "key.bias" not in name)

    dies = loop.Watch.on_step_end

    def dies_at_the_seventh(self, args, state, control, **given):
        dies(self, args, state, control, **given)
        if state.global_step == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop.Watch, "on_step_end", dies_at_the_seventh)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, base, rows, 3, tmp_path / "killed", machine)
    again = train(recipe, base, rows, 3, tmp_path / "killed", machine)
    assert again.resumed
    assert again.losses == whole.losses
    assert {path.name: file_digest(path) for path in sorted(again.folder.glob("*.*"))} == {
        path.name: file_digest(path) for path in sorted(whole.folder.glob("*.*"))
    }


def test_no_text_stands_in_a_batch_twice() -> None:
    rows = [
        {"question": f"q{number}", "right": f"chunk {number // 3}", "wrong_1": f"chunk {number % 5}"} for number in range(30)
    ]
    batches = listed(Table.from_list(rows), RECIPE)
    for batch in batches:
        texts = [text for number in batch for text in set(rows[number].values())]
        assert len(texts) == len(set(texts))
        assert len(batch) > 1
    assert batches == listed(Table.from_list(rows), RECIPE)
    assert batches[: len(batches) // 2] != batches[len(batches) // 2 :]


def test_a_training_that_diverges_names_the_key_to_change(run, monkeypatch) -> None:
    step, _, given, _ = run
    wild = CONFIG.model_copy(update={"embedder_tuning": EmbedderTuning(learning_rate=1e6, epochs=9, batch_rows=4)})
    monkeypatch.setattr(tuning, "FEWEST", 4)
    with pytest.raises(BadInput, match=r"retrieval\.embedder_tuning: diverged by step .* Set a lower 'learning_rate'"):
        retrieve(wild, **given, step=step)


def _embedder(step):
    from components.application import checkpoint

    return checkpoint(CONFIG.embedder, CONFIG.embedder_name, CONFIG.embedder_licence, step)


def _index(data, step):
    from components.retrieval.index import build

    return build(data.knowledge, _embedder(step), 60, 0, step)
