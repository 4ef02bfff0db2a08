"""What a search chooses from (techniques, their learning rates, other settings by lists of values), and what it finds."""

from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from components.core import BadInput, Frozen
from components.training import LABEL_HEAD, TECHNIQUES, Schedule, Trial, settings, technique

if TYPE_CHECKING:
    from .stage import Config
    from .supervised import Supervised

AROUND = 5.0
"""A learning rate lies between a technique's own divided and multiplied by it."""
SCHEDULED = ("batch_rows", "epochs", "layers")
"""Settings of every technique that may be chosen."""
Value = bool | int | float | str


class Search(Frozen):
    """What `tuning.minutes` are spent on."""

    techniques: tuple[str, ...] = Field(("lora", "dora", "rslora", "ia3"), min_length=1)
    """Files of `training/techniques`; each is tried first as its settings say."""
    learning_rate: tuple[float, float] | None = None
    """Lowest and highest, drawn by their logarithm. None: from a fifth of each technique's own to five times that."""
    choices: dict[str, tuple[Value, ...]] = {}
    """Setting → its values: `epochs`, `layers`, `batch_rows`, or a technique's own (`{rank: [8, 16, 32]}`)."""

    @field_validator("techniques")
    @classmethod
    def _techniques_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in TECHNIQUES]:
            raise ValueError(f"technique '{unknown[0]}' is not known; allowed: {', '.join(TECHNIQUES)}")
        if heads := [name for name in names if technique(name).PRODUCT == LABEL_HEAD]:
            raise ValueError(f"technique '{heads[0]}' is fitted at once, and chooses its penalty itself; leave it out")
        if len(set(names)) < len(names):
            raise ValueError("a technique is listed twice")
        return names

    @field_validator("learning_rate")
    @classmethod
    def _rates_are_a_range(cls, given: tuple[float, float] | None) -> tuple[float, float] | None:
        if given and not 0 < given[0] < given[1] < float("inf"):
            raise ValueError(f"{list(given)} is no range: the lowest, above 0, then the highest")
        return given

    @model_validator(mode="after")
    def _choices_are_settings(self) -> Self:
        for key, values in self.choices.items():
            having = [name for name in self.techniques if key in technique(name).Settings.model_fields]
            if key not in SCHEDULED and not having:
                own = sorted({key for name in self.techniques for key in technique(name).Settings.model_fields})
                raise ValueError(f"'{key}' cannot be chosen; allowed: {', '.join([*SCHEDULED, *own])}")
            if not values or len(set(values)) < len(values):
                raise ValueError(f"'{key}' is given no values, or one twice")
            for value in values:
                _accepts(key, value, having)
        return self

    def of(self, name: str) -> dict[str, tuple[Value, ...]]:
        """The choices that technique `name` has."""
        own = technique(name).Settings.model_fields
        return {key: values for key, values in self.choices.items() if key in SCHEDULED or key in own}


class Found(NamedTuple):
    """What is to be proposed, by a search or without one."""

    config: "Config"
    """The settings that it was trained with, and how many rows of validation decide."""
    trained: "Supervised | None"
    reason: str = ""
    """Why nothing was trained."""
    trials: tuple[Trial, ...] = ()
    picked: int | None = None
    """Number of the trial that it is."""
    objects: tuple[str, ...] = ()
    """Digests that the search made, beside those of what it found."""
    notes: tuple[str, ...] = ()


def _accepts(key: str, value: Value, having: list[str]) -> None:
    """Raise ValueError where a setting does not take `value`."""
    if key in SCHEDULED:
        Schedule.model_validate({key: value})
    for name in having:
        try:
            settings(name, {key: value})
        except BadInput as error:
            raise ValueError(str(error)) from error
