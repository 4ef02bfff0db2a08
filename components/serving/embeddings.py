"""The part of OpenAI's embeddings format that the endpoint speaks, over the embedder of the release's retriever.

Format: https://platform.openai.com/docs/api-reference/embeddings. The vectors are those that the retriever compares: of the
index's dtype, unit length, all of the model's dimensions.
"""

import base64
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from .body import OpenAIBody
from .chat import MAX_CHARACTERS

if TYPE_CHECKING:
    import numpy as np

MAX_TEXTS = 2048
"""OpenAI's own limit."""


class EmbeddingRequest(OpenAIBody):
    """POST /v1/embeddings."""

    input: list[str] = Field(min_length=1, max_length=MAX_TEXTS)
    """Sent as a text or a list of texts."""
    model: str | None = None
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    """Taken where it is the embedder's own."""
    user: str | None = None

    @field_validator("input", mode="before")
    @classmethod
    def _texts(cls, given: object) -> object:
        texts = given if isinstance(given, list) else [given]
        if any(isinstance(one, int | list) for one in texts):
            raise ValueError(
                "token ids are another model's; send texts (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))"
            )
        if not all(isinstance(one, str) and one.strip() for one in texts):
            raise ValueError("give a text that is not empty, or a list of such texts")
        if longer := [len(one) for one in map(str, texts) if len(one) > MAX_CHARACTERS]:
            raise ValueError(f"at most {MAX_CHARACTERS} characters a text, found {longer[0]}")
        return texts


def embedding_list(
    vectors: "np.ndarray", model: str, tokens: int, encoding: Literal["float", "base64"]
) -> dict[str, object]:
    """A reply. vectors: float32 [texts, dimensions]; base64 holds them as little-endian float32."""
    told = [
        base64.b64encode(vector.astype("<f4").tobytes()).decode() if encoding == "base64" else vector.tolist()
        for vector in vectors
    ]
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(told)],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
