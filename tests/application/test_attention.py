"""Attention in blocks gives what torch's own attention gives: outputs, gradients, with padding and with earlier keys."""

import pytest
import torch

from components.application import attention

ROWS, HEADS, KEY_HEADS, LENGTH, SIZE = 2, 6, 3, 8, 4


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(attention, "BLOCK", 3)
    torch.manual_seed(0)


def tensors(past: int = 0) -> list[torch.Tensor]:
    """Queries, keys and values in float64; the keys begin `past` places before the queries."""
    shapes = ((HEADS, LENGTH), (KEY_HEADS, past + LENGTH), (KEY_HEADS, past + LENGTH))
    return [torch.randn(ROWS, heads, length, SIZE, dtype=torch.float64, requires_grad=True) for heads, length in shapes]


def gradients(out: torch.Tensor, given: list[torch.Tensor]) -> list[torch.Tensor]:
    (out * torch.arange(out.numel()).view(out.shape)).sum().backward()
    found = [out.detach(), *(tensor.grad.clone() for tensor in given if tensor.grad is not None)]
    for tensor in given:
        tensor.grad = None
    return found


def test_without_a_mask_it_is_causal_attention():
    given = tensors()
    query, key, value = given
    whole = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    found = attention.causal_blocks(None, query, key, value, None, scaling=SIZE**-0.5)[0]
    wanted, mine = gradients(whole.transpose(1, 2), given), gradients(found, given)
    assert len(mine) == 4
    for one, other in zip(mine, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("past", [0, 5])
def test_with_padding_and_earlier_keys_it_obeys_the_mask(past):
    given = tensors(past)
    query, key, value = given
    mask = torch.ones(LENGTH, past + LENGTH, dtype=torch.bool).tril(past).repeat(ROWS, 1, 1, 1)
    mask[1, ..., past : past + 2] = False  # the second row is padded on the left
    whole = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=True)
    found = attention.causal_blocks(None, query, key, value, mask, scaling=SIZE**-0.5)[0]
    real = torch.ones(ROWS, LENGTH, dtype=torch.bool)
    real[1, :2] = False  # what padding says is never read, but it must be a number
    assert torch.isfinite(found).all()
    wanted, mine = gradients(whole.transpose(1, 2)[real], given), gradients(found[real], given)
    for one, other in zip(mine, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-12)


def test_only_padding_needs_a_mask():
    """Also after earlier keys, where transformers' own function would make one."""
    given = {"batch_size": 2, "q_length": 3, "kv_length": 5, "q_offset": 2, "kv_offset": 0}
    shown = torch.ones(2, 5, dtype=torch.bool)
    assert attention.block_mask(**given) is None
    assert attention.block_mask(**given, attention_mask=shown) is None
    assert attention.block_mask(**{**given, "kv_length": 8}) is not None, "a cache with room for more keys"
    shown[1, 0] = False
    padded = attention.block_mask(**given, attention_mask=shown)
    assert padded[0, 0].tolist() == torch.ones(3, 5, dtype=torch.bool).tril(2).tolist()
    assert not padded[1, 0, :, 0].any()
