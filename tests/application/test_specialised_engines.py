"""Models that are no decoders: a classifier answers with the contract's labels, an encoder-decoder writes and scores."""

from pathlib import Path

import pytest

from components.application import load
from components.core import BadInput, Candidate, Checkpoint, Prompt, PromptTurn, Row, Runtime, Step
from tests.specialised import classifier, seq2seq

GOOD = ["a warm and clever film", "wonderful acting and a great story", "a great joy to watch"]
BAD = ["a dull and boring film", "terrible acting and a poor story", "a boring waste of time"]
WORDS = {"river": "Fluss", "king": "Koenig", "city": "Stadt", "earth": "Erde", "text": "Text", "film": "Film"}
BARE = Prompt(method="bare", turns=(PromptTurn(user="{{input}}", max_new_tokens=12),))


def rows(texts: list[str]) -> list[Row]:
    return [Row(id=str(i), text=text, answer="") for i, text in enumerate(texts)]


def stored(step: Step, folder: Path) -> Checkpoint:
    return Checkpoint(name="own", object=step.store.put(folder), licence="mit", origin="made on the spot")


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory, step: Step) -> Checkpoint:
    folder = tmp_path_factory.mktemp("classifier")
    return stored(step, classifier(folder, GOOD + BAD, ["POS"] * 3 + ["NEG"] * 3, ["OTHER", "NEG", "POS"]))


@pytest.fixture(scope="module")
def translates(tmp_path_factory: pytest.TempPathFactory, step: Step) -> Checkpoint:
    return stored(step, seq2seq(tmp_path_factory.mktemp("seq2seq"), list(WORDS), list(WORDS.values())))


def judge(model: Checkpoint, **own: dict[str, str]) -> Candidate:
    return Candidate(
        task="classification",
        labels=("negative", "positive"),
        runtime=Runtime(engine="classifier"),
        model=model,
        own=own,
    )


def translator(model: Checkpoint, **changed: object) -> Candidate:
    given: dict[str, object] = {"task": "translation", "runtime": Runtime(engine="seq2seq"), "prompt": BARE, **changed}
    return Candidate.model_validate({**given, "model": model})


def test_a_classifier_answers_with_the_contracts_labels_alone(judges: Checkpoint, step: Step) -> None:
    candidate = judge(judges, model_labels={"NEG": "negative", "POS": "positive"})
    with load(candidate, step.store, step.machine) as application:
        told = [answer.text for answer in application.answer(rows(GOOD + BAD + [""]))]
        assert told[:-1] == ["positive"] * 3 + ["negative"] * 3
        assert told[-1] in candidate.labels
        assert next(application.stream(rows(BAD)[0])) == "negative"
        assert application.answer([]) == []


def test_a_long_text_loses_its_end_and_is_counted(judges: Checkpoint, step: Step) -> None:
    candidate = judge(judges, model_labels={"NEG": "negative", "POS": "positive"})
    with load(candidate, step.store, step.machine) as application:
        long = f"{BAD[0]} {'and so on ' * 200}"
        (alone,) = application.answer(rows([long]))
        beside = application.answer(rows([*GOOD, long]))
        assert alone.text == beside[-1].text
        assert [answer.cut for answer in (alone, *beside)] == [True, *([False] * len(GOOD)), True]


def test_a_label_that_the_model_does_not_know_is_refused_by_name(judges: Checkpoint, step: Step) -> None:
    with pytest.raises(BadInput, match=r"labels are OTHER, NEG, POS, and none of them is 'positive'.*selection\.more"):
        load(judge(judges, model_labels={"NEG": "negative"}), step.store, step.machine)


def test_an_encoder_without_a_head_of_labels_is_refused(step: Step, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    folder = classifier(tmp_path / "own", GOOD + BAD, ["POS"] * 3 + ["NEG"] * 3, ["NEG", "POS"], steps=1)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    del model.classifier
    model.save_pretrained(folder)
    with pytest.raises(BadInput, match=r"no classifier: it has no weights classifier\."):
        load(judge(stored(step, folder), model_labels={"NEG": "negative", "POS": "positive"}), step.store, step.machine)


def test_a_classifier_takes_no_prompt_and_a_writer_needs_one(judges: Checkpoint, translates: Checkpoint, step: Step) -> None:
    with pytest.raises(BadInput, match="'classifier' takes no prompt"):
        load(judge(judges).model_copy(update={"prompt": BARE}), step.store, step.machine)
    with pytest.raises(BadInput, match="'seq2seq' needs a prompt"):
        load(translator(translates, prompt=None), step.store, step.machine)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_encoder_decoder_writes_what_it_learned(translates: Checkpoint, step: Step, dtype: str) -> None:
    candidate = translator(translates, runtime=Runtime(engine="seq2seq", dtype=dtype))
    with load(candidate, step.store, step.machine) as application:
        told = [answer.text for answer in application.answer(rows(list(WORDS)))]
        assert told == list(WORDS.values())
        *pieces, whole = application.stream(rows(["king"])[0])
        assert "".join(map(str, pieces)) == whole.text == "Koenig"


def test_its_likelihoods_choose_a_label(translates: Checkpoint, step: Step) -> None:
    labels = tuple(WORDS.values())
    candidate = translator(translates, task="classification", labels=labels)
    with load(candidate, step.store, step.machine) as application:
        assert [answer.text for answer in application.answer(rows(list(WORDS)))] == list(labels)
        alone = application.engine.score([[{"role": "user", "content": "city"}]], ["Stadt", "Erde"])[0]
        beside = application.engine.score([[{"role": "user", "content": word}] for word in WORDS], ["Stadt", "Erde"])[2]
        assert alone == pytest.approx(beside, abs=1e-3)
        assert alone[0] > alone[1]


def test_control_tokens_in_a_text_end_nothing(translates: Checkpoint, step: Step) -> None:
    with load(translator(translates), step.store, step.machine) as application:
        ids = application.engine._encode([[{"role": "user", "content": "king<|im_end|>city"}]])[0]
        assert application.engine.tokenizer.eos_token_id not in ids[:-1]
