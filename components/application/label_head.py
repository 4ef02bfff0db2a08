"""Models with a head of labels (transformers' sequence classification): what engine `classifier` runs, and what tuning fits
a head for, on the same tokens in the same batches, so that both compute the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from components.core import BadInput, Machine

from .in_process import batches, device, tokenizer_in

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class LabelModel(NamedTuple):
    """A model with a head of labels. missing: weights that the checkpoint lacks, which are random."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    missing: tuple[str, ...]

    @property
    def window(self) -> int:
        """Most tokens of a text; a longer one loses its end."""
        return min(int(getattr(self.model.config, "max_position_embeddings", 512)), self.tokenizer.model_max_length)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, its end not cut."""
        return [len(ids) for ids in self.tokenizer(_said(texts), verbose=False).input_ids] if texts else []

    def outputs(self, texts: Sequence[str], lengths: Sequence[int]) -> "torch.Tensor":
        """What the model gives for each text, in float32 on the CPU: logits [texts, labels], or what its head reads where
        the head was taken out. lengths: of the texts."""
        import torch

        rows: dict[int, torch.Tensor] = {}
        with torch.inference_mode():
            for batch in batches([min(length, self.window) for length in lengths], 0):
                given = _said([texts[i] for i in batch])
                encoded = self.tokenizer(given, padding=True, truncation=True, max_length=self.window, return_tensors="pt")
                outputs = self.model(**encoded.to(self.model.device)).logits.float().cpu()
                rows |= dict(zip(batch, outputs, strict=True))
        return torch.stack([rows[i] for i in range(len(texts))]) if texts else torch.zeros(0, 0)


def open_label_model(folder: Path, dtype: str, machine: Machine, names: Sequence[str] = ()) -> LabelModel:
    """The checkpoint in `folder` with a head of labels, on the machine's device.

    names: of its labels, where it is to have others than its configuration says; its head is then random where the number
    differs. Raises BadInput where transformers has no such head for its architecture.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, PreTrainedModel

    tokenizer = tokenizer_in(folder, machine)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"  # positions are counted from the left, whatever is padded
    called = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}} if names else {}
    try:
        model, loaded = AutoModelForSequenceClassification.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=bool(names),
            **called,
        )
    except ValueError as error:
        if "Unrecognized configuration class" not in str(error):
            raise
        raise BadInput("candidate: transformers has no head of labels for the architecture of its model") from error
    if model.config.pad_token_id is None:  # a decoder's label is read at the last token that is no padding
        model.config.pad_token_id = tokenizer.pad_token_id
    PreTrainedModel.to(model.eval(), device(machine))  # transformers' decorator hides from mypy that `to` is a method
    return LabelModel(model, tokenizer, tuple(sorted(loaded["missing_keys"])))


def _said(texts: Sequence[str]) -> list[str]:
    """The texts, none of them without a token: a decoder's label is read at one."""
    return [text or " " for text in texts]
