"""How far a model reads: positions scaled as transformers scales them, attention in a window, memory said before loading."""

import json
from pathlib import Path

import pytest
import torch

from components.application import load
from components.application.attention import attend_in_blocks
from components.application.context import memory
from components.core import BadInput, Candidate, Context, Machine, Prompt, PromptTurn, Row, Runtime, Step, parse
from components.core.memory import give_back
from components.training.loop import load_base

TURN = PromptTurn(user="{{context}} {{input}}", max_new_tokens=4)
LONG = Context(length=4096, rope="yarn", factor=2)


def reading(candidate: Candidate, context: Context | None, engine: str = "transformers") -> Candidate:
    """`candidate` on texts that come with their questions."""
    runtime = Runtime(engine=engine, context=context)
    prompt = Prompt(method="zero_shot", turns=(TURN,))
    return candidate.model_copy(
        update={"runtime": runtime, "prompt": prompt, "retriever": None, "own": {"context": "given"}}
    )


@pytest.fixture(scope="module")
def folder(candidate: Candidate, step: Step) -> Path:
    assert candidate.model
    return step.store.path(candidate.model.object)


def test_a_candidate_without_it_keeps_its_digest(candidate: Candidate) -> None:
    assert "context" not in candidate.runtime.model_dump()
    assert reading(candidate, LONG).digest != reading(candidate, None).digest


def test_a_scaling_needs_its_factor() -> None:
    with pytest.raises(BadInput, match="'rope' and a 'factor' above 1 go together"):
        parse(Context, {"length": 4096, "rope": "yarn"}, "selection")


@pytest.mark.parametrize("rope", ["linear", "dynamic", "yarn"])
def test_scaled_positions_are_those_of_transformers(folder: Path, rope: str) -> None:
    """Angles over 3,000 positions: those of a model that transformers makes from the same config by itself."""
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    model, _ = load_base(folder, Machine(threads=1), "float32", Context(length=4096, rope=rope, factor=2))
    assert isinstance(model, LlamaForCausalLM)
    own = json.loads((folder / "config.json").read_text())
    scaling = {"rope_type": rope, "factor": 2.0, "rope_theta": own["rope_parameters"]["rope_theta"]}
    if rope == "yarn":
        scaling["original_max_position_embeddings"] = 2048
    made = LlamaRotaryEmbedding(LlamaConfig(**{**own, "rope_parameters": scaling}))
    positions, states = torch.arange(3000)[None], torch.zeros(1)
    mine, theirs = model.model.rotary_emb(states, positions), made(states, positions)
    plain = LlamaRotaryEmbedding(LlamaConfig(**own))(states, positions)
    for one, other, unscaled in zip(mine, theirs, plain, strict=True):
        assert torch.equal(one, other)
        assert not torch.allclose(one, unscaled, atol=1e-3)


def test_a_window_is_mistrals_own(folder: Path) -> None:
    """The same weights as a Mistral, whose window transformers masks: equal logits, whole, padded, and token by token."""
    from transformers import LlamaForCausalLM, MistralConfig, MistralForCausalLM

    llama = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    config = {**llama.config.to_dict(), "sliding_window": 100}
    mistral = MistralForCausalLM(MistralConfig(**config)).eval()
    mistral.load_state_dict(llama.state_dict())
    attend_in_blocks(llama.eval(), 100)
    torch.manual_seed(0)
    ids = torch.randint(3, 300, (2, 300))
    mask = torch.ones_like(ids)
    mask[0, :40] = 0
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    with torch.inference_mode():
        whole = mistral(ids, attention_mask=mask, position_ids=positions).logits
        mine = llama(ids, attention_mask=mask, position_ids=positions).logits
        assert torch.allclose(mine[1], whole[1], atol=1e-4)
        assert torch.allclose(mine[0, 40:], whole[0, 40:], atol=1e-4)
        first = llama(ids[1:, :299], use_cache=True)
        last = llama(ids[1:, 299:], past_key_values=first.past_key_values, use_cache=True).logits
        assert torch.allclose(last[0, 0], whole[1, 299], atol=1e-4)
        attend_in_blocks(llama)
        assert not torch.allclose(llama(ids[1:]).logits[0, 299], whole[1, 299], atol=1e-2), "the window hides something"


def test_gradients_through_a_window_are_those_of_a_mask() -> None:
    from components.application import attention

    torch.manual_seed(0)
    given = [torch.randn(2, heads, 150, 4, dtype=torch.float64, requires_grad=True) for heads in (6, 3, 3)]
    near = torch.ones(150, 150, dtype=torch.bool).tril().triu(-19)
    wanted = torch.nn.functional.scaled_dot_product_attention(*given, attn_mask=near, enable_gqa=True).transpose(1, 2)
    found = attention.causal_blocks(None, *given, None, scaling=0.5, window=20)[0]
    assert torch.allclose(found, wanted, atol=1e-12)
    weight = torch.arange(wanted.numel()).view(wanted.shape)
    for one, other in zip(
        torch.autograd.grad((found * weight).sum(), given), torch.autograd.grad((wanted * weight).sum(), given), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-9)


def test_a_text_is_shown_whole_up_to_the_length(candidate: Candidate, step: Step) -> None:
    texts = [" ".join(["a"] * 1500), " ".join(["a"] * 5000)]
    rows = [Row(id=f"r{i}", text=f"{text}\n\nwhat is it?", answer="a") for i, text in enumerate(texts)]
    with load(reading(candidate, LONG), step.store, step.machine) as application:
        assert application.engine.window == 4096
        assert [answer.cut for answer in application.answer(rows)] == [False, True]
    with load(reading(candidate, None), step.store, step.machine) as application:
        assert [answer.cut for answer in application.answer(rows)] == [True, True]


def test_with_dynamic_scaling_what_was_asked_before_changes_no_answer(candidate: Candidate, step: Step) -> None:
    rows = [Row(id=f"r{i}", text=f"{' '.join(['a'] * words)}\n\nwhat?", answer="a") for i, words in ((0, 2100), (1, 3000))]
    with load(reading(candidate, Context(length=4096, rope="dynamic", factor=2)), step.store, step.machine) as application:
        messages = [[{"role": "user", "content": row.text}] for row in rows]
        (before,) = application.engine.score(messages[:1], ["yes", "no"])
        application.engine.score(messages[1:], ["yes", "no"])
        assert application.engine.score(messages[:1], ["yes", "no"]) == [before]


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (Context(length=4096), r"4,096 tokens is beyond the 2,048 .*: shorten selection\.context\.length, or scale"),
        (Context(length=8192, rope="linear", factor=2), r"8,192 tokens is beyond the 2,048 .* times the factor 2"),
    ],
)
def test_beyond_what_it_can_reach_it_is_refused(candidate: Candidate, step: Step, context: Context, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load(reading(candidate, context), step.store, step.machine)


def test_another_engine_refuses(candidate: Candidate, step: Step) -> None:
    with pytest.raises(BadInput, match="engine 'onnx' cannot be told how far it reads"):
        load(reading(candidate, LONG, "onnx"), step.store, step.machine)


def test_more_memory_than_the_machine_has_is_refused_with_figures_before_loading(
    candidate: Candidate, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.application.engines.transformers.adapted", lambda *_: pytest.fail("it was loaded"))
    far = Context(length=2_000_000, rope="yarn", factor=1000)
    with pytest.raises(BadInput, match=r"needs \d+\.\d GB in float32 \(.*GB of cache.*machine\.memory_gb is 2:"):
        load(reading(candidate, far), step.store, Machine(threads=1, memory_gb=2))


def test_the_estimate_of_the_cache_is_what_the_cache_grows_to(candidate: Candidate, step: Step, folder: Path) -> None:
    needs = memory(folder, Context(length=2048), "float32")
    assert needs.weights == sum(tensor.numel() for tensor in _tensors(folder)) * 4
    with load(reading(candidate, Context(length=2048)), step.store, step.machine) as application:
        ids = [[5] * 2048, [6] * 2048]  # two prompts of that length are one batch
        with torch.inference_mode():
            state = application.engine._prefill(ids, None)
        held = sum(layer.keys.nbytes + layer.values.nbytes for layer in state.cache.layers)
    assert held == needs.cache


def test_the_estimate_bounds_what_a_long_prompt_takes(candidate: Candidate, step: Step, folder: Path) -> None:
    """By how much the memory of this process grows, at its peak, while a prompt of 12,000 tokens is read: the least of three
    times, since pages of libraries that the kernel had taken back come in again with them."""
    context, grown = Context(length=12_000, rope="linear", factor=6), list[int]()
    needs = memory(folder, context, "float32")
    with load(reading(candidate, context), step.store, Machine(threads=1)) as application, torch.inference_mode():
        application.engine._prefill([[5] * 1000], None)
        for _ in range(3):
            give_back()
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            before = _peak()
            application.engine._prefill([[5] * 12_000], None)
            grown.append(_peak() - before)
    assert min(grown) / 2 <= needs.cache + needs.activations <= 2 * min(grown)


def test_the_block_that_is_counted_is_the_one_that_is_computed() -> None:
    from components.application import attention, context

    assert context.BLOCK == attention.BLOCK


def _peak() -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _tensors(folder: Path) -> list[torch.Tensor]:
    from safetensors.torch import load_file

    return [tensor for file in folder.glob("*.safetensors") for tensor in load_file(file).values()]
