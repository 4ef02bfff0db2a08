import pytest

from components.application import load
from components.application.asking import Asker
from components.application.engines import transformers as engine_module
from components.application.in_process import BATCH_ROWS, BATCH_TOKENS, batches
from components.core import BadInput, Candidate, Prompt, PromptTurn, Row, Runtime, Step


def edited(candidate: Candidate, **changes: object) -> Candidate:
    return candidate.model_copy(update=changes)


def test_answers_come_in_the_order_of_the_rows_and_repeat(candidate: Candidate, rows: list[Row], step: Step) -> None:
    with load(candidate, step.store, step.machine) as application:
        first = application.answer(rows)
        application.answer(rows[:1])  # what was asked in between must not matter
        assert application.answer(rows) == first
    assert [answer.id for answer in first] == [row.id for row in rows]
    assert [answer.passages[0] for answer in first] == ["nile", "paris", "oxygen", "norman"]
    assert first[0].context == ("The Nile is a river in Africa. It is 6650 km long.",)
    assert len({answer.text for answer in first}) > 1


def test_our_greedy_loop_says_what_generate_says(candidate: Candidate, rows: list[Row], step: Step) -> None:
    exact = edited(candidate, runtime=Runtime(engine="transformers", dtype="float32"))
    with load(exact, step.store, step.machine) as application:
        engine = application.engine
        messages = [[{"role": "user", "content": row.text}] for row in rows]
        said = engine.generate(messages, 8)
        for prompt, text in zip(messages, said, strict=True):
            ids = engine.tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_tensors="pt")
            made = engine.model.generate(**ids, do_sample=False, max_new_tokens=8)
            assert text == engine.tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)


def test_a_shared_prefix_changes_no_answer(
    candidate: Candidate, rows: list[Row], step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = edited(candidate, runtime=Runtime(engine="transformers", dtype="float32"))
    with load(exact, step.store, step.machine) as application:
        shared = application.answer(rows)
        assert application.engine._shared._found, "this prompt has a prefix worth sharing"
        ids = application.engine._encode([[{"role": "user", "content": "other"}]], 8)
        assert application.engine._shared.of(ids) is None
    monkeypatch.setattr(engine_module, "SHARED_AT_LEAST", 10_000)
    with load(exact, step.store, step.machine) as application:
        assert application.answer(rows) == shared
        assert not application.engine._shared._found


def test_streamed_pieces_join_to_the_answer(candidate: Candidate, rows: list[Row], step: Step) -> None:
    exact = edited(candidate, runtime=Runtime(engine="transformers", dtype="float32"))
    with load(exact, step.store, step.machine) as application:
        streamed = [list(application.stream(row)) for row in rows]
        assert max(len(pieces) for pieces in streamed) > 1
        for row, (*pieces, whole) in zip(rows, streamed, strict=True):
            assert "".join(pieces).splitlines()[0].strip() == application.answer([row])[0].text == whole.text


def test_labels_are_chosen_by_likelihood(candidate: Candidate, step: Step) -> None:
    import torch

    prompt = Prompt(method="zero_shot", turns=(PromptTurn(user="Text: {{input}}\nLabel:"),))
    judge = edited(
        candidate,
        task="classification",
        labels=("positive", "not so positive"),
        abstain=None,
        retriever=None,
        prompt=prompt,
        runtime=Runtime(engine="transformers", dtype="float32"),
    )
    with load(judge, step.store, step.machine) as application:
        engine = application.engine
        messages = [[{"role": "user", "content": text}] for text in ("A good film.", "Bad, and a very long one it was.")]
        scores = engine.score(messages, judge.labels)
        for prompt_messages, found in zip(messages, scores, strict=True):
            start = engine._encode([prompt_messages], 0)[0]
            for label, score in zip(judge.labels, found, strict=True):
                end = engine.tokenizer(label, add_special_tokens=False).input_ids
                with torch.inference_mode():
                    logits = engine.model(torch.tensor([start + end])).logits[0].log_softmax(-1)
                whole = sum(float(logits[len(start) - 1 + i, token]) for i, token in enumerate(end))
                assert score == pytest.approx(whole, abs=1e-3)
        answers = application.answer([Row(id="a", text="A good film.", answer="positive")])
        assert answers[0].text in judge.labels


def test_a_label_that_begins_with_another_can_win(candidate: Candidate, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = Prompt(method="zero_shot", turns=(PromptTurn(user="Text: {{input}}\nLabel:"),))
    labels = ("billing", "billing dispute")
    judge = edited(candidate, task="classification", labels=labels, abstain=None, retriever=None, prompt=prompt)
    with load(judge, step.store, step.machine) as application:
        asker = Asker(judge, prompt, application.engine)
        assert asker._endings == ["billing<|im_end|>", "billing dispute<|im_end|>"]
        ended = application.engine.tokenizer(asker._endings, add_special_tokens=False).input_ids
        assert {row[-1] for row in ended} == {application.engine.tokenizer.eos_token_id}
        # a model that is sure of the longer one: without its end the shorter scores as high or higher
        monkeypatch.setattr(
            application.engine,
            "score",
            lambda asked, texts: [[-2.0, -1.0] if texts[0] != labels[0] else [-1.0, -2.0]] * len(asked),
        )
        (answer,) = application.answer([Row(id="a", text="I was charged twice.", answer="billing dispute")])
        assert answer.text == "billing dispute"


def test_every_turn_sees_what_the_turn_before_said(candidate: Candidate, rows: list[Row], step: Step) -> None:
    turns = (PromptTurn(user="Think: {{input}}", max_new_tokens=4), PromptTurn(user="So: {{previous}}", max_new_tokens=4))
    chain = edited(candidate, prompt=Prompt(method="chaining", turns=turns))
    with load(chain, step.store, step.machine) as application:
        assert len({answer.text for answer in application.answer(rows)}) > 1


def test_a_prompt_beyond_the_window_keeps_its_start_and_its_end(candidate: Candidate, step: Step) -> None:
    with load(candidate, step.store, step.machine) as application:
        long = [{"role": "user", "content": "start " + "many words " * 3000 + "end"}]
        (ids,) = application.engine._encode([long], 8)
        assert len(ids) == application.engine.window - 8
        text = application.engine.tokenizer.decode(ids)
        assert "start" in text[:60]
        assert "end<|im_end|>" in text[-60:]
        assert len(application.engine.generate([long], 8)) == 1
        assert application.engine.cut == {0}


def test_what_was_not_shown_whole_is_said_of_each_answer(candidate: Candidate, step: Step) -> None:
    turn = PromptTurn(user="{{context}} {{input}}", max_new_tokens=4)
    asker = edited(candidate, retriever=None, own={"context": "given"}, prompt=Prompt(method="zero_shot", turns=(turn,)))
    texts = [" ".join(["a"] * 384), " ".join(["a"] * 385), "." * 3000]  # fits; 384 words; the window of 2,048 tokens
    rows = [Row(id=f"r{i}", text=f"{text}\n\nwhat is it?", answer="word") for i, text in enumerate(texts)]
    with load(asker, step.store, step.machine) as application:
        assert [answer.cut for answer in application.answer(rows)] == [False, True, True]
        for row, cut in zip(rows, (False, True, True), strict=True):
            *_, whole = application.stream(row)
            assert whole.cut == cut


def test_batches_stay_within_their_budget_and_cover_every_row_once() -> None:
    lengths = [3000, 10, 900, 900, 900, 900, 10, *([50] * 40)]
    cut = list(batches(lengths, 24))
    assert sorted(i for batch in cut for i in batch) == list(range(len(lengths)))
    for batch in cut:
        assert len(batch) <= BATCH_ROWS
        widest = max(lengths[i] for i in batch) + 24
        assert len(batch) == 1 or len(batch) * widest <= BATCH_TOKENS


def test_an_integer_type_is_refused(candidate: Candidate, step: Step) -> None:
    with pytest.raises(BadInput, match="int4"):
        load(edited(candidate, runtime=Runtime(engine="transformers", dtype="int4")), step.store, step.machine)
