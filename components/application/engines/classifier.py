"""An encoder with a head of labels (transformers' sequence classification): a label a text, in one pass, without a prompt.

`candidate.own["model_labels"]` says which of the contract's labels each of the model's own is; a label of the model that is
not there is never an answer. A text longer than the model's window loses its end, and is counted.
Not covered: several labels a text, adapters, several devices.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Machine, Store
from components.core.memory import give_back

from ..in_process import batches, device, tokenizer_in
from ..weights import folders

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from ..answer import Hit

ARCHITECTURES = ("encoder",)
PACKAGES = ("torch", "transformers", "safetensors")
QUOTES = False
CONTEXT = False


class Engine:
    """See engines/__init__.py: `reply` instead of `generate`."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification

        folder, _ = folders(candidate, store)
        self._tokenizer = tokenizer_in(folder, machine)
        model: PreTrainedModel
        model, loaded = AutoModelForSequenceClassification.from_pretrained(
            folder,
            dtype=getattr(torch, candidate.runtime.dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        if loaded["missing_keys"]:  # transformers would answer with random weights in their place
            raise BadInput(
                f"candidate: the checkpoint is no classifier: it has no weights {sorted(loaded['missing_keys'])[0]}"
            )
        self._places, self._labels = _labels(model.config, candidate)
        self._device = device(machine)
        self._model: PreTrainedModel | None = model.eval().to(self._device)
        self._window = min(int(getattr(model.config, "max_position_embeddings", 512)), self._tokenizer.model_max_length)
        self.cut: set[int] = set()

    def reply(self, texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        """The most likely of the contract's labels for each text. hits: not read."""
        import torch

        assert self._model is not None, "the engine was closed"
        lengths = [len(ids) for ids in self._tokenizer(list(texts), verbose=False).input_ids] if texts else []
        self.cut = {place for place, length in enumerate(lengths) if length > self._window}
        answers = [""] * len(texts)
        with torch.inference_mode():
            for batch in batches([min(length, self._window) for length in lengths], 0):
                encoded = self._tokenizer(
                    [texts[i] for i in batch], padding=True, truncation=True, max_length=self._window, return_tensors="pt"
                )
                logits = self._model(**encoded.to(self._device)).logits[:, self._places]
                for i, place in zip(batch, logits.argmax(-1).tolist(), strict=True):
                    answers[i] = self._labels[place]
        return answers

    def close(self) -> None:
        """Free the model."""
        self._model = None
        give_back()


def _labels(config: "PreTrainedConfig", candidate: Candidate) -> tuple[list[int], list[str]]:
    """(places of the model's labels that the contract has, what the contract calls each)."""
    own: dict[int, str] = {int(place): str(name) for place, name in (config.id2label or {}).items()}
    called = candidate.own.get("model_labels", {})
    places = [place for place, name in sorted(own.items()) if name in called]
    labels = [called[own[place]] for place in places]
    if missing := [label for label in candidate.labels if label not in labels]:
        raise BadInput(
            f"candidate: the model's labels are {', '.join(own.values())}, and none of them is '{missing[0]}'; say under "
            "selection.more, key 'labels', which is which"
        )
    return places, labels
