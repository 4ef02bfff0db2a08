"""What of a release was not measured since the contract's language is not English."""

from components.core import Candidate, Task
from components.text import english_only, is_english

READS_ENGLISH = ("all-minilm-l6-v2",)
"""Embedders that were trained on English alone."""


def english_parts(task: Task, candidate: Candidate) -> tuple[str, ...]:
    """Lines for card and gates; the checks of safety.py say so themselves."""
    if is_english(task.language):
        return ()
    embedder = candidate.retriever.embedder.first if candidate.retriever and candidate.retriever.embedder else None
    parts = ["groups of people that rows name", "personal data in words (PII recognisers)"]
    parts += [f"what embedder {embedder.name} understands"] if embedder and embedder.name.lower() in READS_ENGLISH else []
    return tuple(english_only(part, task.language) for part in parts)
