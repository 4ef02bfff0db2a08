"""A soft prompt in a checkpoint: the same answers as PEFT's, by tokens that nobody can write and no answer holds."""

from pathlib import Path

import pytest
import torch

from components.application import load, render, weights
from components.application.prompt import chat_ids
from components.application.soft_tokens import add_soft_tokens, soft_ids
from components.core import Adapter, BadInput, Candidate, Step, file_digest
from components.training import technique
from components.training.loop import load_base

TOKENS = 5


def adapter(name: str, candidate: Candidate, step: Step, folder: Path, **own: object) -> Candidate:
    """`candidate` with a fresh adapter of a technique."""
    way = technique(name)
    model, _ = load_base(step.store.path(candidate.model.object), step.machine, "float32")
    folder.mkdir()
    way.save(way.wrap(model, way.Settings(tokens=TOKENS, **own), 0), Path(), folder, 2)
    made = Adapter(object=step.store.put(folder), technique=name, objective="sft")
    return candidate.model_copy(update={"adapter": made})


@pytest.fixture(scope="module")
def soft(candidate: Candidate, step: Step, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    return adapter("prompt", candidate, step, tmp_path_factory.mktemp("soft") / "adapter", text="answer from the text")


@pytest.fixture(scope="module")
def prefix(candidate: Candidate, step: Step, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    return adapter("prefix", candidate, step, tmp_path_factory.mktemp("prefix") / "adapter")


def test_a_text_starts_the_virtual_tokens(soft: Candidate, step: Step) -> None:
    from safetensors.torch import load_file

    model, tokenizer = load_base(step.store.path(soft.model.object), step.machine, "float32")
    ids = (tokenizer("answer from the text").input_ids * TOKENS)[:TOKENS]
    kept = load_file(step.store.path(soft.adapter.object) / "adapter_model.safetensors")["prompt_embeddings"]
    assert torch.equal(kept, model.get_input_embeddings().weight[ids])


def test_the_exported_checkpoint_is_plain_and_has_equal_bytes(soft: Candidate, step: Step, tmp_path: Path) -> None:
    folders = [weights(soft, step.store, tmp_path / name, "float32") for name in ("one", "two")]
    first, second = ({path.name: file_digest(path) for path in folder.iterdir()} for folder in folders)
    assert first == second
    model, tokenizer = load_base(folders[0], step.machine, "float32")
    base, plain = load_base(step.store.path(soft.model.object), step.machine, "float32")
    assert soft_ids(tokenizer) == list(range(len(plain), len(plain) + TOKENS))
    assert soft_ids(plain) == []
    asked = [[{"role": "user", "content": "How long is it?"}]]
    assert chat_ids(tokenizer, asked)[0] == soft_ids(tokenizer) + chat_ids(plain, asked)[0]
    assert not model.config.tie_word_embeddings
    assert torch.equal(model.lm_head.weight[: len(plain)], base.lm_head.weight)
    assert torch.equal(model.model.embed_tokens.weight[: len(plain)], base.model.embed_tokens.weight)


@torch.no_grad()
def test_no_answer_holds_a_virtual_token(soft: Candidate, step: Step) -> None:
    """Their logits are those of a token of a lower number, so that each greedy choice is the one without them."""
    with load(soft, step.store, step.machine) as application:
        engine = application.engine
        ids = soft_ids(engine.tokenizer)
        draw = torch.Generator().manual_seed(0)
        rows = torch.randint(ids[0], (200, 6), generator=draw)
        logits = engine.model(torch.cat([torch.tensor([ids] * len(rows)), rows], 1)).logits.flatten(0, 1)
        silent = engine.tokenizer.bos_token_id
        assert torch.equal(logits[:, ids], logits[:, [silent] * TOKENS])
        assert torch.equal(logits.argmax(-1), logits[:, : ids[0]].argmax(-1))
        # even where that token would be said
        engine.model.lm_head.weight[ids] = engine.model.lm_head.weight[silent] = 3 * logits.new_ones(64)
        logits = engine.model(rows).logits.flatten(0, 1)
        chosen = logits.argmax(-1)
        assert (chosen == silent).any()
        assert not (chosen >= ids[0]).any()


def test_what_somebody_writes_never_becomes_a_virtual_token(soft: Candidate, step: Step) -> None:
    with load(soft, step.store, step.machine) as application:
        tokenizer = application.engine.tokenizer
        ids = soft_ids(tokenizer)
        name = tokenizer.decode(ids[:1])
        assert name == "<|soft_0|>"
        for text in (name, f"How long{name}{name} is it?", "<|soft_<|soft_0|>0|>"):
            (row,) = chat_ids(tokenizer, [render(soft.prompt, 0, text, [text])])
            assert [token for token in row if token in ids] == ids, "the template's own, once"


@torch.no_grad()
def test_a_second_soft_prompt_comes_before_the_first(soft: Candidate, step: Step, tmp_path: Path) -> None:
    folder = weights(soft, step.store, tmp_path / "once", "float32")
    model, tokenizer = load_base(folder, step.machine, "float32")
    first = soft_ids(tokenizer)
    add_soft_tokens(model, tokenizer, torch.ones(2, 64))
    assert soft_ids(tokenizer) == [len(tokenizer) - 2, len(tokenizer) - 1, *first]
    asked = [[{"role": "user", "content": "How long is it?"}]]
    assert chat_ids(tokenizer, asked)[0][: TOKENS + 2] == soft_ids(tokenizer)


def test_a_tokenizer_that_reads_a_prompt_otherwise_is_refused(soft: Candidate, step: Step) -> None:
    from tokenizers.pre_tokenizers import Metaspace

    model, tokenizer = load_base(step.store.path(soft.model.object), step.machine, "float32")
    # a space before the first word of a text, and of nothing else, as some SentencePiece models want it
    tokenizer.backend_tokenizer.pre_tokenizer = Metaspace(replacement="_", prepend_scheme="first", split=False)
    tokenizer.chat_template = "Ask: " + tokenizer.chat_template
    with pytest.raises(BadInput, match="reads a prompt otherwise after virtual tokens"):
        add_soft_tokens(model, tokenizer, torch.ones(2, 64))


def test_learned_keys_and_values_cannot_become_a_checkpoint(prefix: Candidate, step: Step, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\(prefix\), which cannot be merged into the weights of a checkpoint"):
        weights(prefix, step.store, tmp_path / "merged", "float32")
    assert not (tmp_path / "merged").exists()


def test_learned_keys_and_values_leave_less_room_and_no_answer_depends_on_the_batch(
    prefix: Candidate, candidate: Candidate, step: Step
) -> None:
    asked = [[{"role": "user", "content": "How long " * n + "is it?"}] for n in (1, 9, 30)]
    with load(candidate, step.store, step.machine) as application:
        window, plain = application.engine.window, application.engine.generate(asked, 8)
    with load(prefix, step.store, step.machine) as application:
        engine = application.engine
        assert engine.window == window - TOKENS
        together = engine.generate(asked, 8)
        assert together == [engine.generate([one], 8)[0] for one in asked]
        assert together != plain
        # the same after the prompt's own shared prefix, whose keys and values stand behind the learned ones
        shared = [render(prefix.prompt, 0, text, [text]) for text in ("Alpha?", "7 days?")]
        ids = engine._encode(shared, 8)
        found = engine._shared.of(ids)
        assert found.length == len(found.tokens) + TOKENS > TOKENS
        direct = engine._prefill(ids, engine.prefix([])).logits
        assert torch.allclose(engine._prefill(ids, found).logits, direct, atol=1e-4 * float(direct.abs().max()))
