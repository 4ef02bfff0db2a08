"""Texts that are put into another language.

Not covered: several right translations of one text, terms that must be translated in one way.
"""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from components.core import Frozen, Task

from . import Kind, Tokens, Words

Language = Annotated[str, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})*$")]


class Fields(Frozen):
    """Its own keys of `task`."""

    source_language: Language
    """Of the inputs, by its BCP 47 tag: `en`, `pt-BR`. What follows `task.language`, which is one of the two, reads that one
    alone."""
    target_language: Language
    """Of the answers, by its BCP 47 tag."""

    @field_validator("target_language")
    @classmethod
    def _is_another(cls, target: str, others: ValidationInfo) -> str:
        if target.lower() == str(others.data.get("source_language", "")).lower():
            raise ValueError("it must be another language than task.source_language; kind 'rewriting' stays in one")
        return target


def _languages(task: Task) -> tuple[str, ...]:
    return task.own["source_language"], task.own["target_language"]


def _format(task: Task) -> str:
    return f"Answer with the translation alone, in the language with the code '{task.own['target_language']}'."


KIND = Kind(
    fields=Fields,
    example={"source_language": "en", "target_language": "de"},
    words=Words(
        asked="Text",
        answered="Translation",
        format=_format,
        methods={
            "negative": {"do_not": "Do not explain. Do not add or leave out anything. Do not translate names."},
            "chaining": {
                "narrow": "List the words and phrases of the text that are hard to translate, each with its translation.",
                "found": "Translated phrases",
            },
            "iterative": {
                "check": "Check the draft: does it say all that the text says and nothing else, as a native speaker would? "
                "Give the corrected translation only."
            },
        },
        tuned_input="Text: {{input}}",
    ),
    tokens=Tokens(basic=128, prompted=128, tuned=128),
    metrics=("chrf", "bleu", "corpus_chrf", "corpus_bleu"),
    rated_by="chrf",
    slices=("length",),
    length=(15, 25),  # sentences of news test sets have some 20 words
    baseline="copied_input",
    columns=("source", "target"),
    pipeline_tag="translation",
    model_tasks=frozenset({"generation", "translation"}),
    languages=_languages,
    writes=True,
    lines=True,
)
