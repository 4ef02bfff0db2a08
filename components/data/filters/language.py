"""Documents in the task's language, by py3langid (Lui and Baldwin 2012, "langid.py", ACL demonstrations).

It judges the beginning, which decides: its time grows with the characters that it reads, and with a thousand it took longer
than all other filters together. It knows 97 languages.
"""

from collections.abc import Sequence

from pydantic import Field

from components.core import BadInput, Frozen, Task

from ..documents import Document, Found

JUDGES_QUESTIONS = True


class Config(Frozen):
    """When a document is in another language."""

    confidence: float = Field(0.9, gt=0, le=1)
    """Probability of the other language from which it is believed."""
    characters: int = Field(400, ge=50)
    """How much of a document is looked at."""
    minimum_characters: int = Field(40, ge=1)
    """Shorter texts are kept: names and numbers are in no language."""


def find(config: Config, documents: Sequence[Document], task: Task, key: str) -> Found:
    """Drop what is in another language than `task.language`."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    wanted = task.language.split("-")[0].lower()
    if wanted not in identifier.nb_classes:
        known = ", ".join(sorted(set(identifier.nb_classes)))
        raise BadInput(f"{key}: task.language '{task.language}' is not known to the filter; known: {known}")
    drop = {}
    for place, document in enumerate(documents):
        text = document.text[: config.characters]
        if len(text) >= config.minimum_characters:
            language, probability = identifier.classify(text)
            if language != wanted and probability >= config.confidence:
                drop[place] = f"language {language} ({probability:.2f})"
    return Found(drop)
