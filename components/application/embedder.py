"""Sentence embeddings: texts in, unit vectors out, as sentence-transformers would give them.

On a CPU encoders of BERT's kind are run by `bert.py`, all others by sentence-transformers itself. An index says in its
`index.json` which dtype its vectors were computed in, and questions are embedded in that one: whatever runs beside it (an
int8 variant, another machine's dtype), passages and questions stay alike.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import BadInput, Machine

from .bert import bert_in

if TYPE_CHECKING:
    import numpy as np
    from sentence_transformers import SentenceTransformer

BATCH = 32
FORMER = "bfloat16"
"""What indexes were made in before they said so."""


class Embedder:
    """An embedding model from a checkpoint folder of the store (`opened(store, checkpoint.object)`)."""

    def __init__(self, machine: Machine, checkpoint_folder: Path, dtype: str = "float32") -> None:
        """dtype: of the products inside; anything but bfloat16 and int8 is float32. Raises BadInput for int8 where the
        encoder is not of BERT's kind, or the machine is no CPU."""
        import torch

        torch.set_num_threads(machine.threads)
        self._device, self._rounded = machine.device, dtype == "bfloat16"
        named = dtype if dtype in ("bfloat16", "int8") else "float32"
        self._bert = bert_in(checkpoint_folder, named) if machine.device == "cpu" else None
        if self._bert is None and named == "int8":
            raise BadInput(
                "retrieval.embedder_dtype: 'int8' runs encoders of BERT's kind on a CPU; leave it out for another embedder"
            )
        self._model = None if self._bert else _sentence_transformer(machine, checkpoint_folder)

    @classmethod
    def of_index(cls, machine: Machine, checkpoint_folder: Path, index_folder: Path) -> "Embedder":
        """One for the questions that are compared with the index's vectors."""
        file = index_folder / "index.json"
        provenance = json.loads(file.read_text()) if file.is_file() else {}
        return cls(machine, checkpoint_folder, provenance.get("dtype", FORMER))

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        if self._bert:
            return self._bert.dimensions
        assert self._model, "one of the two is there"
        return int(self._model.get_sentence_embedding_dimension() or 0)

    @property
    def window(self) -> int:
        """Tokens of a text that are read; what lies beyond has no part in its vector."""
        if self._bert:
            return self._bert.window
        assert self._model, "one of the two is there"
        return int(self._model.max_seq_length or 0)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, with the marks that the model puts around it."""
        if self._bert:
            return [len(ids) for ids in self._bert.ids(texts, whole=True)]
        assert self._model, "one of the two is there"
        return [len(ids) for ids in self._model.tokenizer(list(texts), truncation=False)["input_ids"]]

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """float32 [texts, dimensions], unit length. With bfloat16 inside, the cosine to float32's vector is ≥ 0.9999; with
        int8 it is about 0.995 (bench/embedding.py says what that costs a search).

        The same list always gives the same vectors; a text's vector may differ in the fifth digit between lists, since
        batches are padded differently, but not in int8.
        """
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        vectors = self._bert.embed(texts) if self._bert else self._encoded(texts)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def _encoded(self, texts: Sequence[str]) -> "np.ndarray":
        import numpy as np
        import torch

        assert self._model, "it is loaded where the encoder is not of BERT's kind"
        with torch.autocast(self._device, dtype=torch.bfloat16, enabled=self._rounded), torch.inference_mode():
            encoded = self._model.encode(
                list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True, normalize_embeddings=False
            )
        return np.asarray(encoded, dtype=np.float32)


def _sentence_transformer(machine: Machine, folder: Path) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()
    return SentenceTransformer(
        str(folder),
        device=machine.device,
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
