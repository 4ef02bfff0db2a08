"""Feasibility: enough data, skills, memory and time, licences that allow the use, and a value worth the work.

Nothing is run or trained here; time and value are estimates from stated figures and say so. Whether a model fits the limits
is measured in later stages.
"""

import json
from collections.abc import Mapping

from pydantic import Field

from components.core import Dataset, Decision, Frozen, StageResult, Step, UseCase, read_jsonl

from .checks import (
    SPLITS,
    FeasibilityCheck,
    enough_data,
    every_answer_occurs,
    licences_allow,
    machine_suffices,
    room_for_answers,
    room_for_splits,
    skills,
    where_rows_went,
)
from .value import ExpectedValue, expected_value


class Config(Frozen):
    """What counts as enough."""

    split_share: float = Field(0.8, gt=0, le=1)
    """Each split needs this share of the rows that the contract asks for."""
    working_gb: float = Field(4.0, gt=0)
    """Memory that tuning a model of 135M parameters takes (bf16, LoRA), with the tools around it."""
    disk_gb: float = Field(3.0, gt=0)
    """Disk for assets, checkpoints and runtimes of one run."""
    rows_per_hour_and_core: float = Field(2000, gt=0)
    """Rows answered or trained on; 300 real tokens a second in training on two cores, rows of about 270 tokens."""
    passes: float = Field(3.5, gt=0)
    """How often a run goes through each row: 3 epochs on train; methods, retrievers, references on the smaller splits."""
    hours_at_most: float = Field(24, gt=0)
    """A run that is estimated to take longer is not feasible on this machine."""


class Feasibility(StageResult):
    """Adopt: feasible. Keep: not, with the reason."""

    findings: tuple[FeasibilityCheck, ...]
    value: ExpectedValue
    hours: float
    """Estimated time of a whole run: passes × rows / (rows_per_hour_and_core × cores)."""


def check(config: Config, *, contract: UseCase, dataset: Dataset, machine: dict[str, float], step: Step) -> Feasibility:
    """Say whether the use case is feasible with this data on this machine.

    machine: `cores`, `memory_gb` and, where known, free `disk_gb`.
    """
    provenance = json.loads(step.store.file(dataset.provenance).read_text(encoding="utf-8"))
    went = where_rows_went(contract, read_jsonl(step.store.file(provenance["dropped_rows"])))
    rows = sum(split.count for split in dataset.splits.values())
    hours = _hours(config, rows, machine)
    value = expected_value(contract.value, contract.metrics, contract.limits)
    findings = (
        *enough_data(contract, provenance, config.split_share, went),
        *every_answer_occurs(contract, dataset, provenance, step.store),
        *_without_data(config, contract, hours, machine, value),
    )
    wrong = [finding for finding in findings if not finding.ok]
    return Feasibility(
        decision=_decision(findings, value),
        metrics={"value_low": value.low, "value_high": value.high, "hours_estimated": hours},
        notes=tuple(_sentence(finding) for finding in wrong),
        findings=findings,
        value=value,
        hours=hours,
    )


def foresee(
    config: Config, *, contract: UseCase, caps: Mapping[str, int | None], machine: dict[str, float], rows: int | None = None
) -> Decision:
    """What `check` is sure to say, before any data is split: `keep` where the use case cannot be feasible whatever its rows.

    caps: split → the rows that the profile uses of it at most, None for all of them. rows: example rows of all sources, or
    as many of them as were looked at and are enough; None where nobody looked.
    """
    share, splits = config.split_share, contract.data.splits
    asked = {name: getattr(splits, name) for name in SPLITS}
    most = {name: asked[name] if (cap := caps.get(name)) is None else min(cap, asked[name]) for name in SPLITS}
    least = sum(min(most[name], round(asked[name] * share)) for name in SPLITS)
    value = expected_value(contract.value, contract.metrics, contract.limits)
    findings = (
        *(room_for_splits(contract, rows, share) if rows is not None else ()),
        *room_for_answers(contract, most),
        *_without_data(config, contract, _hours(config, least, machine), machine, value),
    )
    return _decision(findings, value)


def _without_data(
    config: Config, contract: UseCase, hours: float, machine: dict[str, float], value: ExpectedValue
) -> tuple[FeasibilityCheck, ...]:
    """The findings that follow from contract, profile and machine."""
    return (
        skills(contract),
        *machine_suffices(contract, machine, config.working_gb, config.disk_gb),
        _time(config, hours, machine),
        *licences_allow(contract),
        _worth(value),
    )


def _hours(config: Config, rows: int, machine: dict[str, float]) -> float:
    return round(config.passes * rows / (config.rows_per_hour_and_core * machine["cores"]), 2)


def _time(config: Config, hours: float, machine: dict[str, float]) -> FeasibilityCheck:
    return FeasibilityCheck(
        check="time",
        ok=hours <= config.hours_at_most,
        found=f"about {hours:g} hours on {machine['cores']:g} cores (estimate)",
        needed=f"at most {config.hours_at_most:g} hours",
        advice="use a larger machine, or fewer rows in the profile's section 'data'",
    )


def _worth(value: ExpectedValue) -> FeasibilityCheck:
    return FeasibilityCheck(
        check="expected value",
        ok=value.high > 0,
        found=f"{value.low:,.0f} to {value.high:,.0f} {value.currency} a month",
        needed="more than 0 at the metric's `enough`",
        advice="at this saving and cost no quality pays; check value.saving_per_good_answer and the limits",
    )


def _decision(findings: tuple[FeasibilityCheck, ...], value: ExpectedValue) -> Decision:
    if wrong := [finding for finding in findings if not finding.ok]:
        return Decision(verdict="keep", reason="not feasible: " + "; ".join(_sentence(finding) for finding in wrong))
    worth = f"{value.low:,.0f} to {value.high:,.0f} {value.currency} a month"
    return Decision(verdict="adopt", reason=f"feasible: {len(findings)} checks hold; expected value {worth}")


def _sentence(finding: FeasibilityCheck) -> str:
    return f"{finding.check}: found {finding.found}, needed {finding.needed}" + (
        f" ({finding.advice})" if finding.advice else ""
    )
