"""Makes a two-layer model: a real Llama with random weights and its own tokenizer, for smoke runs and tests.

Everything that works on a large checkpoint works on it, in milliseconds; what it says means nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SEED = 0
VOCABULARY = 768

TEXT = """
The application answers a spoken question from the passage that was found, or says unknown when the passage does not hold
the answer. Who wrote it? When was it built? Where is it found? What is the name of the river? How many people live there?
Why did the king leave? Which city is the capital? Read the text and answer in a few words. Question: Answer: Context:
Text: Summary: Label: positive negative neutral. The film was good, the acting was bad, and the story was long. In 1066 the
Normans came to England; in 1789 the French Republic began. Oxygen is a part of the atmosphere of the Earth. Think step by
step, then give the final answer. Do not guess. If you do not know, say unknown. Examples follow. You are a helpful
assistant of a help desk. Be brief, be polite, use the language of the question. The answer is yes. The answer is no.
"""

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def make_two_layer(target: Path) -> None:
    """Write the model (bfloat16 safetensors, 2 layers, hidden size 64) and its tokenizer into the folder `target`."""
    # initial weights so wide that the answer depends on the question
    make_model(target, Shape(64, 2, 4), TEXT.splitlines(), VOCABULARY, SEED, wide=0.2)


class Shape(NamedTuple):
    """How big a model is. heads: of queries; half as many of keys and values."""

    hidden: int
    layers: int
    heads: int


def make_model(
    target: Path, shape: Shape, texts: Sequence[str], vocabulary: int, seed: int, wide: float = 0.02
) -> "PreTrainedTokenizerFast":
    """Write a Llama of random weights (bfloat16 safetensors) into the folder `target`, with a tokenizer of `vocabulary`
    tokens that is trained on `texts`, and return that.

    wide: standard deviation of the initial weights
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging as library_logging

    library_logging.disable_progress_bar()
    tokenizer = _tokenizer(texts, vocabulary)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=2 * shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads // 2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=wide,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).bfloat16()
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return tokenizer


def _tokenizer(texts: Sequence[str], vocabulary: int) -> "PreTrainedTokenizerFast":
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=2048,
    )
