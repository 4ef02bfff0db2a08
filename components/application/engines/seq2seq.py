"""Encoder-decoder models (T5, BART, Marian) in this process: transformers' own greedy `generate`, in length-sorted batches.

They have no chat: system text, examples and question are joined into one text, which the encoder reads; one that is longer
than its window loses its end, and is counted. Not covered: quotes, adapters, sampling, several devices, and models that must
be told the languages in codes of their own (NLLB, mBART).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Machine, Store
from components.core.memory import give_back

from ..ending import Ending, Pieces
from ..in_process import batches, device, tokenizer_in
from ..prompt import without_control_tokens
from ..weights import folders

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

ARCHITECTURES = ("encoder_decoder",)
PACKAGES = ("torch", "transformers", "safetensors")
QUOTES = False
CONTEXT = False


class Engine:
    """See engines/__init__.py."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        import torch
        from transformers import AutoModelForSeq2SeqLM

        folder, _ = folders(candidate, store)
        self.tokenizer = tokenizer_in(folder, machine)
        if hasattr(self.tokenizer, "src_lang"):
            raise BadInput("candidate: engine 'seq2seq' runs no model that is told its languages by codes (NLLB, mBART)")
        model: PreTrainedModel = AutoModelForSeq2SeqLM.from_pretrained(
            folder,
            dtype=getattr(torch, candidate.runtime.dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        self._device = device(machine)
        self._model: PreTrainedModel | None = model.eval().to(self._device)
        # T5 has no such key: its positions are relative, and its tokenizer says how much it was trained on
        self._window = min(int(getattr(model.config, "max_position_embeddings", 2**20)), self.tokenizer.model_max_length)
        self.cut: set[int] = set()

    def generate(
        self, prompts: list[list[dict[str, str]]], max_new_tokens: int, first_line: bool = False, quotes: None = None
    ) -> list[str]:
        """See engines/__init__.py. quotes: it cannot be held to them (`load` refuses)."""
        return [text for text, _ in self._generated(prompts, max_new_tokens, first_line)]

    def stream(
        self, messages: list[dict[str, str]], max_new_tokens: int, first_line: bool = False, quotes: None = None
    ) -> Pieces:
        """See engines/__init__.py; in one piece."""
        ((text, tokens),) = self._generated([messages], max_new_tokens, first_line)
        yield text
        return Ending("length" if tokens == max_new_tokens else "stop", tokens)

    @property
    def end(self) -> str:
        """The token that ends an answer, as text."""
        return str(self.tokenizer.eos_token)

    def score(self, prompts: list[list[dict[str, str]]], texts: Sequence[str]) -> list[list[float]]:
        """Sum of the log-probabilities of each text's tokens after each prompt: [prompts][texts]. The encoder runs once."""
        import torch

        endings = [self.tokenizer(text_target=text, add_special_tokens=False).input_ids for text in texts]
        ids = self._encode(prompts)
        scores: list[list[float]] = [[] for _ in prompts]
        with torch.inference_mode():
            for batch in batches([len(row) for row in ids], max(map(len, endings))):
                assert self._model is not None, "the engine was closed"
                inputs = self._padded([ids[i] for i in batch])
                encoded = self._model.get_encoder()(**inputs)
                for ending in endings:
                    wanted = torch.tensor([ending] * len(batch), device=self._device)
                    out = self._model(encoder_outputs=encoded, attention_mask=inputs["attention_mask"], labels=wanted)
                    told = torch.log_softmax(out.logits.float(), -1).gather(-1, wanted[..., None]).sum((1, 2))
                    for i, score in zip(batch, told.tolist(), strict=True):
                        scores[i].append(round(score, 5))
        return scores

    def close(self) -> None:
        """Free the model."""
        self._model = None
        give_back()

    def _generated(self, prompts: list[list[dict[str, str]]], most: int, first_line: bool) -> list[tuple[str, int]]:
        """(answer, its tokens) of each prompt. most: tokens of an answer."""
        import torch

        ids = self._encode(prompts)
        answers = [("", 0)] * len(prompts)
        with torch.inference_mode():
            for batch in batches([len(row) for row in ids], most):
                assert self._model is not None, "the engine was closed"
                inputs = self._padded([ids[i] for i in batch])
                made = self._model.generate(**inputs, max_new_tokens=most, do_sample=False, num_beams=1)  # type: ignore[operator]
                for i, row in zip(batch, made, strict=True):
                    answers[i] = self._text(row[1:].tolist(), first_line)  # the first token starts every answer
        return answers

    def _text(self, tokens: list[int], first_line: bool) -> tuple[str, int]:
        text = str(self.tokenizer.decode(tokens, skip_special_tokens=True))
        if first_line:
            text = (text.strip().splitlines() or [""])[0]
        return text, sum(token != self.tokenizer.pad_token_id for token in tokens)

    def _encode(self, prompts: list[list[dict[str, str]]]) -> list[list[int]]:
        """Token ids of each prompt as one text. Control tokens inside it are text, as everywhere."""
        texts = ["\n\n".join(without_control_tokens(self.tokenizer, one["content"]) for one in prompt) for prompt in prompts]
        rows: list[list[int]] = self.tokenizer(texts, verbose=False).input_ids if texts else []
        self.cut = {place for place, row in enumerate(rows) if len(row) > self._window}
        end = self.tokenizer.eos_token_id
        return [row if len(row) <= self._window else [*row[: self._window - 1], end] for row in rows]

    def _padded(self, rows: list[list[int]]) -> "dict[str, torch.Tensor]":
        import torch

        width, pad = max(map(len, rows)), self.tokenizer.pad_token_id or 0
        ids = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self._device)
        return {"input_ids": ids, "attention_mask": mask}
