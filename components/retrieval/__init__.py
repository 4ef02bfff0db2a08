"""Stage 4, retrieval: a Candidate and a knowledge base in; the Candidate with the index and mode that find best out."""

from .index import Index
from .stage import Config, Retrieved, retrieve

__all__ = ["Config", "Index", "Retrieved", "retrieve"]
