"""The contract's words for rows that nobody collected: `data.labelling` (programmatic labels) and `data.synthetic`."""

import math
import re

from pydantic import Field, field_validator, model_validator

from .digest import Frozen

LARGEST = 1000
"""Product of all repetition counts of a pattern: nested ones multiply, and three of 1,000 filled the memory."""


class LabellingFunction(Frozen):
    """One rule that votes `label` on a text, or abstains.

    It votes where one of `any_of` stands in the text as whole words, or `pattern` matches (without regard to case), unless
    one of `none_of` stands there.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    pattern: str | None = Field(None, max_length=500)

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        import regex

        counts = [int(count) for count in re.findall(r"\{(?:\d*,)?(\d+),?\}", pattern or "")]
        if math.prod(counts) > LARGEST:
            raise ValueError(f"its repetition counts multiply to more than {LARGEST:,}")
        try:
            regex.compile(pattern or "")
        except regex.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _says_something(self) -> "LabellingFunction":
        if not self.any_of and not self.pattern:
            raise ValueError("a labelling function needs 'any_of' or 'pattern'")
        if empty := [phrase for phrase in (*self.any_of, *self.none_of) if not any(sign.isalnum() for sign in phrase)]:
            raise ValueError(
                f"no word in {empty[0]!r}: 'any_of' and 'none_of' look for whole words; use 'pattern' for signs"
            )
        return self


class Labelling(Frozen):
    """classification: how the texts of sources with the role `unlabelled` get labels."""

    functions: tuple[LabellingFunction, ...] = Field(min_length=1)
    confidence: float = Field(0.8, gt=0, lt=1)
    """Rows whose most probable label is less probable are left out."""

    @field_validator("functions")
    @classmethod
    def _named_once(cls, functions: tuple[LabellingFunction, ...]) -> tuple[LabellingFunction, ...]:
        names = [function.name for function in functions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each function needs a name of its own; used twice: {', '.join(twice)}")
        return functions


class Synthetic(Frozen):
    """Rows that a generator makes from training passages."""

    rows: int = Field(ge=1)
    """At most this many; what the filters leave may be fewer."""
    generator: str = "cloze"
    """A file of `components/data/generators/`."""
    per_passage: int = Field(2, ge=1)
    """Drafts that are tried from one passage."""
    unanswerable_share: float = Field(0.25, ge=0, lt=1)
    """Of the rows, how many ask something of a passage that does not hold the answer."""
    seed: int = 0
