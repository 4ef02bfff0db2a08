"""Cached states of frozen layers give what the whole model gives."""

import pytest
import torch
from transformers import AutoModelForCausalLM
from trl.trainer.utils import add_fused_lm_head

from components.application import checkpoint
from components.core import Machine
from components.training.answer_head import answer_head
from components.training.layers import split
from components.training.loop import load_base
from components.training.techniques import lora
from tests.tuning.small import new_step

OWN = lora.Settings(rank=4, alpha=8, modules=("q_proj", "v_proj", "down_proj"))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    step = new_step(tmp_path_factory.mktemp("layers"))
    return step.store.path(checkpoint("made:two-layer", "two-layer", "apache-2.0", step).object)


def batch(model, pad):
    rows = [[5, 6, 7, 8, 9, 10], [11, 12, 13]]
    ids = torch.tensor([row + [pad] * (6 - len(row)) for row in rows])
    labels = torch.tensor([[-100, -100, -100, 8, 9, 10], [-100, 12, 13, -100, -100, -100]])
    return {"input_ids": ids, "labels": labels, "attention_mask": (ids != pad).long(), "fused_lm_head": True}


def test_loss_on_cached_states_is_the_loss_of_the_whole_model(base):
    whole, tokenizer = load_base(base, Machine(threads=1), "bfloat16")
    given = batch(whole, tokenizer.pad_token_id)
    half = split(whole, 1, tokenizer.pad_token_id)
    half.model.embed_tokens.fill([[5, 6, 7, 8, 9, 10], [11, 12, 13]])
    answer_head(half)
    add_fused_lm_head(whole, outputs=("log_probs", "entropy", "is_top1"))
    wanted, found = whole(**given), half(**given)
    assert found.loss.item() == pytest.approx(wanted.loss.item(), rel=0.01)
    assert torch.allclose(found.log_probs, wanted.log_probs, atol=0.05)
    assert torch.allclose(found.entropy, wanted.entropy.float(), atol=0.05)
    assert (found.label_mask == wanted.label_mask).all()


def test_states_do_not_depend_on_the_batch_they_were_asked_in(base):
    model, tokenizer = load_base(base, Machine(threads=1), "bfloat16")
    first, second = (split(model, 1, tokenizer.pad_token_id).model.embed_tokens for _ in range(2))
    rows = [[5, 6, 7], [8, 9, 10, 11, 12], [13, 14]]
    first.fill(rows)
    second.fill(rows[::-1])
    alone, padded = torch.tensor([rows[0]]), torch.tensor([[*rows[0], tokenizer.pad_token_id]])
    assert torch.equal(first(alone), second(padded)[:, :3])


def test_saved_adapter_is_the_trained_one_on_the_whole_model(base, tmp_path):
    from peft import PeftModel

    model, tokenizer = load_base(base, Machine(threads=1), "bfloat16")
    half = split(model, 1, tokenizer.pad_token_id)
    trained = lora.wrap(half, OWN, seed=0)
    with torch.no_grad():
        for name, parameter in trained.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    answer_head(half)
    given = batch(model, tokenizer.pad_token_id)
    wanted = trained(**given).log_probs
    lora.save(trained, base, tmp_path, 2)
    again = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    whole = PeftModel.from_pretrained(again, tmp_path).merge_and_unload()
    add_fused_lm_head(whole)
    assert torch.allclose(whole(**given).log_probs, wanted, atol=0.1)
    fresh, _ = load_base(base, Machine(threads=1), "bfloat16")
    continued_half = split(fresh, 1, tokenizer.pad_token_id)
    continued = lora.load(continued_half, tmp_path, seed=1)
    answer_head(continued_half)
    assert torch.equal(continued(**given).log_probs, wanted)


def test_merged_forward_gives_the_gradients_of_lora(base):
    from peft.tuners.lora import Linear

    torch.manual_seed(0)
    model, tokenizer = load_base(base, Machine(threads=1), "float32")
    half = split(model, 1, tokenizer.pad_token_id)
    trained = lora.wrap(half, OWN, seed=0)
    with torch.no_grad():
        for name, parameter in trained.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    answer_head(half)
    given = batch(model, tokenizer.pad_token_id)

    def gradients():
        trained.zero_grad()
        trained(**given).loss.backward()
        return torch.cat([p.grad.flatten() for p in trained.parameters() if p.requires_grad])

    merged = gradients()
    for module in trained.modules():
        if isinstance(module, Linear):
            del module.forward  # PEFT's own
    assert torch.allclose(merged, gradients(), rtol=1e-3, atol=1e-6)
