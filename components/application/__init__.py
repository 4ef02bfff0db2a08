"""The runnable thing: a Candidate and a store in, an Application out that answers rows, streams, retrieves.

Query-time code only: what stages need to build (indexes, adapters, prompts) is theirs; a checkpoint enters the store here.
"""

from .answer import GIVEN, Answer, Answering, Application, Hit, answering
from .checkpoints import checkpoint
from .embedder import Embedder
from .engines import engine, engine_of
from .load import load, load_retriever
from .plain import as_terms, constant, shuffled
from .prompt import render
from .single_requests import Requests, latency, single_requests
from .weights import merged, save_checkpoint, weights

__all__ = [
    "GIVEN",
    "Answer",
    "Answering",
    "Application",
    "Embedder",
    "Hit",
    "Requests",
    "answering",
    "as_terms",
    "checkpoint",
    "constant",
    "engine",
    "engine_of",
    "latency",
    "load",
    "load_retriever",
    "merged",
    "render",
    "save_checkpoint",
    "shuffled",
    "single_requests",
    "weights",
]
