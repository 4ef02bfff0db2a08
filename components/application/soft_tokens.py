"""A soft prompt as rows of the vocabulary, so that every engine that reads a checkpoint serves it.

Each virtual token becomes a special token with its learned embedding, and the chat template begins with them: where PEFT
puts them before the whole input, here they are its first tokens. They are never said: the row that each gets in the output
head equals that of a lower token, which wins the tie and is in no answer itself. A head that was tied to the embedding
becomes one of its own, so that the model grows by the size of it. Not covered: templates that a caller brings along.
"""

import re
from itertools import count, islice
from typing import TYPE_CHECKING

from components.core import BadInput

from .prompt import chat_ids

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NAME, NAMED = "<|soft_{}|>", re.compile(r"<\|soft_\d+\|>")
PROBE = [[{"role": "user", "content": "When was it built?"}]]


def soft_ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """The tokens of the soft prompt that the checkpoint's chat template begins with; none where it has none."""
    template = tokenizer.chat_template or ""
    text = str(template.get("default", "") if isinstance(template, dict) else template)
    names, place = [], 0
    while name := NAMED.match(text, place):
        names.append(name[0])
        place = name.end()
    return _numbers(tokenizer, names)


def add_soft_tokens(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", embeddings: "torch.Tensor") -> None:
    """Give `model` and `tokenizer` a special token for each row of `embeddings` [tokens, hidden], in place.

    Raises BadInput where the tokenizer or the model's embedding would read them otherwise than PEFT does.
    """
    before = chat_ids(tokenizer, PROBE)[0]
    ids = _add_tokens(tokenizer, len(embeddings))
    if chat_ids(tokenizer, PROBE)[0] != [*ids, *before]:
        raise BadInput(
            f"{tokenizer.name_or_path}: its tokenizer reads a prompt otherwise after virtual tokens, so that a soft prompt "
            "cannot be served with it; tune by another technique, such as lora"
        )
    _add_rows(model, ids, embeddings, _never_said(tokenizer, min(ids)))


def _add_tokens(tokenizer: "PreTrainedTokenizerBase", tokens: int) -> list[int]:
    """New special tokens, with which the chat template then begins; their numbers."""
    from transformers import AddedToken

    known = tokenizer.get_vocab()
    names = list(islice((name for i in count() if (name := NAME.format(i)) not in known), tokens))
    tokenizer.add_tokens([AddedToken(name, special=True, normalized=False) for name in names], special_tokens=True)
    start, template = "".join(names), tokenizer.chat_template
    if isinstance(template, dict):
        tokenizer.chat_template = {name: start + one for name, one in template.items()}
    else:
        tokenizer.chat_template = start + template
    return _numbers(tokenizer, names)


def _numbers(tokenizer: "PreTrainedTokenizerBase", names: list[str]) -> list[int]:
    vocabulary = tokenizer.get_vocab()
    return [vocabulary[name] for name in names]


def _add_rows(model: "PreTrainedModel", ids: list[int], embeddings: "torch.Tensor", silent: int) -> None:
    """Rows `ids` of the input embedding become `embeddings`, those of the head copies of row `silent`."""
    import torch

    head = model.get_output_embeddings()
    assert isinstance(head, torch.nn.Linear), "a causal language model has a linear head"
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    model.config.tie_word_embeddings = False
    rows = max(head.weight.shape[0], *(number + 1 for number in ids))
    model.resize_token_embeddings(rows, mean_resizing=False)
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert isinstance(table, torch.nn.Embedding), "a causal language model looks its tokens up"
    assert isinstance(head, torch.nn.Linear), "it was one before"
    wanted = embeddings.to(table.weight.dtype)
    with torch.no_grad():
        table.weight[ids] = wanted
        head.weight[ids] = head.weight[silent].clone()
        if head.bias is not None:
            head.bias[ids] = head.bias[silent].clone()
        if not torch.equal(table(torch.tensor(ids)), wanted):
            raise BadInput(
                f"candidate: {type(model).__name__} changes the embeddings that it looks up, so that a soft prompt cannot "
                "be served with it; tune by another technique, such as lora"
            )


def _never_said(tokenizer: "PreTrainedTokenizerBase", below: int) -> int:
    """A token below the number `below` that no answer holds: the one that begins a turn or a text, or another special one
    that ends none."""
    first = [tokenizer.bos_token_id, tokenizer.unk_token_id, *sorted(tokenizer.all_special_ids)]
    ends = {tokenizer.eos_token_id, None}
    return next((number for number in first if number not in ends and number < below), 0)
