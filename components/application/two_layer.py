"""Makes a two-layer model: a real Llama with random weights and its own tokenizer, for smoke runs and tests.

Everything that works on a large checkpoint works on it, in milliseconds; what it says means nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING

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
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging as library_logging

    library_logging.disable_progress_bar()
    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.2,  # wide enough that the answer depends on the question
    )
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = LlamaForCausalLM(config).bfloat16()
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _tokenizer() -> "PreTrainedTokenizerFast":
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT.splitlines(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=2048,
    )
