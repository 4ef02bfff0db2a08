"""Small models of other kinds than decoders, trained on the spot: an encoder with a head of labels, an encoder-decoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.application.two_layer import TEXT, VOCABULARY, _tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


def classifier(folder: Path, texts: Sequence[str], labels: Sequence[str], names: Sequence[str], steps: int = 60) -> Path:
    """A BERT of one layer in `folder` that tells the `labels` of `texts` apart. names: its labels, in order; `labels` are of
    them."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = _tokenizer(TEXT.splitlines(), VOCABULARY)
    called: dict[str, Any] = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertForSequenceClassification(
            BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, pad_token_id=0, **SIZES, **called)
        )
        batch = tokenizer(list(texts), padding=True, truncation=True, max_length=128, return_tensors="pt")
        batch.pop("token_type_ids", None)
        _train(model, {**batch, "labels": torch.tensor([names.index(label) for label in labels])}, steps)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def seq2seq(folder: Path, texts: Sequence[str], answers: Sequence[str], steps: int = 150) -> Path:
    """A T5 of one layer in `folder` that answers each of `texts` with its answer."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = _tokenizer(TEXT.splitlines(), VOCABULARY)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = T5ForConditionalGeneration(
            T5Config(
                vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, dropout_rate=0.0,
                pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
                decoder_start_token_id=tokenizer.pad_token_id,
            )
        )  # fmt: skip
        batch = tokenizer(list(texts), padding=True, return_tensors="pt")
        wanted = tokenizer([f"{answer}{tokenizer.eos_token}" for answer in answers], padding=True, return_tensors="pt")
        labels = wanted.input_ids.masked_fill(wanted.attention_mask == 0, -100)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        _train(model, {**inputs, "labels": labels}, steps)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _train(model: "PreTrainedModel", batch: "dict[str, torch.Tensor]", steps: int) -> None:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = model.train()(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
