"""Sentence embeddings by sentence-transformers: texts in, unit vectors out.

An index says in its `index.json` which dtype its vectors were computed in, and questions are embedded in that one: whatever
runs beside it (an int8 variant, another machine's dtype), passages and questions stay alike.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import Machine

if TYPE_CHECKING:
    import numpy as np

BATCH = 32
FORMER = "bfloat16"
"""What indexes were made in before they said so."""


class Embedder:
    """An embedding model from a checkpoint folder of the store (`opened(store, checkpoint.object)`)."""

    def __init__(self, machine: Machine, checkpoint_folder: Path, dtype: str = "float32") -> None:
        """dtype: of the products inside; anything but bfloat16 is float32."""
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as library_logging

        library_logging.set_verbosity_error()
        library_logging.disable_progress_bar()
        torch.set_num_threads(machine.threads)
        self._device, self._rounded = machine.device, dtype == "bfloat16"
        self._model = SentenceTransformer(
            str(checkpoint_folder),
            device=machine.device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )

    @classmethod
    def of_index(cls, machine: Machine, checkpoint_folder: Path, index_folder: Path) -> "Embedder":
        """One for the questions that are compared with the index's vectors."""
        file = index_folder / "index.json"
        provenance = json.loads(file.read_text()) if file.is_file() else {}
        return cls(machine, checkpoint_folder, provenance.get("dtype", FORMER))

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._model.get_sentence_embedding_dimension() or 0)

    @property
    def window(self) -> int:
        """Tokens of a text that are read; what lies beyond has no part in its vector."""
        return int(self._model.max_seq_length or 0)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, with the marks that the model puts around it."""
        return [len(ids) for ids in self._model.tokenizer(list(texts), truncation=False)["input_ids"]]

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """float32 [texts, dimensions], unit length. With bfloat16 inside, the cosine to float32's vector is ≥ 0.9999.

        The same list always gives the same vectors; a text's vector may differ in the fifth digit between lists, since
        batches are padded differently.
        """
        import numpy as np
        import torch

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        with torch.autocast(self._device, dtype=torch.bfloat16, enabled=self._rounded), torch.inference_mode():
            encoded = self._model.encode(
                list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True, normalize_embeddings=False
            )
        vectors = np.asarray(encoded, dtype=np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
