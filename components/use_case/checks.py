"""The single checks of feasibility: what was looked at, found and needed, and what to do."""

from collections import Counter
from collections.abc import Iterable
from typing import NotRequired, TypedDict

from components.core import Dataset, Frozen, Row, Store, UseCase

# Licences whose own words forbid business use; matched in lower case against the source's SPDX identifier.
RESEARCH_ONLY = ("-nc", "noncommercial", "research", "noassertion", "proprietary")


SPLITS = ("train", "feedback", "validation", "test")
MANY_LABELS = 10
"""More of them are not counted one by one."""


class SplitRows(TypedDict):
    """Usable rows of a split, before any cap."""

    rows: int


class CurationStep(TypedDict):
    """A step of curation: rows of train before and after it, where it took some."""

    step: str
    training_rows: NotRequired[tuple[int, int]]


class Provenance(TypedDict):
    """The Dataset's `provenance.json`, as far as feasibility reads it. dropped_rows: the object with `dropped.jsonl`."""

    split_rows: dict[str, SplitRows]
    dropped: dict[str, int]
    dropped_rows: str
    curation: NotRequired[list[CurationStep]]


class FeasibilityCheck(Frozen):
    """One line of the feasibility table. advice: what to do where it is not ok."""

    check: str
    ok: bool
    found: str
    needed: str
    advice: str = ""


class Dropped(TypedDict):
    """A line of the Dataset's `dropped.jsonl`, as far as feasibility reads it."""

    step: str
    reason: str
    part: NotRequired[str]
    cut: NotRequired[str]


GATE = {"gate": "set aside by the gate", "forget": "forgotten"}
"""Steps whose reasons are told by the list alone."""


def where_rows_went(contract: UseCase, dropped: Iterable[Dropped]) -> str:
    """Why example rows were left out, most frequent reason first, and the command that lists them; "" where none was."""
    rows = [one for one in dropped if one.get("part", "train") == "train" and "cut" not in one]
    reasons = Counter(GATE.get(one["step"], one["reason"]) for one in rows if one["step"] != "profile")
    if not reasons:
        return ""
    told = ", ".join(f"{count:,} × {reason}" for reason, count in reasons.most_common())
    return f"{sum(reasons.values()):,} rows were left out: {told}; `ninefold dropped {contract.name}` lists them"


def enough_data(contract: UseCase, provenance: Provenance, share: float, went: str = "") -> list[FeasibilityCheck]:
    """Usable rows in all, and for each split at least `share` of what the contract asks for; before any cap. A step of
    curation that took training rows away is named, and where others went: see `where_rows_went`."""
    rows = {name: figures["rows"] for name, figures in provenance["split_rows"].items()}
    usable = sum(rows.values()) + provenance["dropped"].get("no room in any split", 0)
    checks = [_usable(contract, usable)]
    took = {effect["step"]: effect.get("training_rows", [0, 0]) for effect in provenance.get("curation", ())}
    steps = ", ".join(f"'{step}' dropped {before - after:,}" for step, (before, after) in took.items() if before > after)
    filtered = f"loosen what curation took away (data.filters, data.duplicates: {steps}), " if steps else ""
    for name, count in rows.items():
        asked = getattr(contract.data.splits, name)
        needed = round(asked * share)
        checks.append(
            FeasibilityCheck(
                check=f"rows for {name}",
                ok=count >= needed,
                found=f"{count:,}",
                needed=f"{needed:,} of the {asked:,} asked for (data.splits.{name})",
                advice=f"{filtered if name == 'train' else ''}bring more rows or lower data.splits.{name}",
            )
        )
    short = next((place for place, check in enumerate(checks) if not check.ok), None)
    if went and short is not None:  # once: the same rows are short everywhere
        checks[short] = checks[short].model_copy(update={"advice": f"{checks[short].advice}; {went}"})
    return checks


def _usable(contract: UseCase, rows: int) -> FeasibilityCheck:
    minimum = contract.data.minimum_rows
    return FeasibilityCheck(
        check="usable rows",
        ok=rows >= minimum,
        found=f"{rows:,}",
        needed=f"{minimum:,} (data.minimum_rows)",
        advice="bring more rows",
    )


def room_for_splits(contract: UseCase, rows: int, share: float) -> list[FeasibilityCheck]:
    """Before anything was split: whether `rows` example rows can be enough in all, and fill the splits to `share`."""
    needed = rows_needed(contract, share)
    shared_out = FeasibilityCheck(
        check="rows for the splits",
        ok=rows >= needed,
        found=f"{rows:,}",
        needed=f"{needed:,} ({share:.0%} of what data.splits asks for)",
        advice="bring more rows or lower data.splits",
    )
    return [_usable(contract, rows), shared_out]


def rows_needed(contract: UseCase, share: float) -> int:
    """Rows that all splits together need at least."""
    return sum(round(getattr(contract.data.splits, name) * share) for name in SPLITS)


def room_for_answers(contract: UseCase, used: dict[str, int]) -> list[FeasibilityCheck]:
    """Each split that is used has room for a row of each label, or of both answerable and unanswerable questions.

    used: split → the rows that the profile uses of it at most
    """
    wanted = _wanted(contract)
    checks = []
    for name, most in used.items():
        rows = getattr(contract.data.splits, name)
        if most and wanted:
            checks.append(
                FeasibilityCheck(
                    check=_answers_in(contract, name),
                    ok=most >= len(wanted),
                    found=f"room for {most} rows",
                    needed="at least one row of each",
                    advice=_more_room(contract, name, rows, most),
                )
            )
    return checks


def every_answer_occurs(contract: UseCase, dataset: Dataset, provenance: Provenance, store: Store) -> list[FeasibilityCheck]:
    """Each label, or both answerable and unanswerable questions, in every split that is used and not empty."""
    wanted = _wanted(contract)
    checks = []
    for name, split in dataset.splits.items():
        if split.count == 0 or not wanted:
            continue
        counts = Counter(_group(row) for row in dataset.rows(name, store))
        missing = [value for value in wanted if not counts[value]]
        found = ", ".join(f"{value} {counts[value]}" for value in wanted)
        if len(wanted) > MANY_LABELS:
            found = f"{len(wanted) - len(missing)} of {len(wanted)}" + (f", none of {', '.join(missing)}" if missing else "")
        checks.append(
            FeasibilityCheck(
                check=_answers_in(contract, name),
                ok=not missing,
                found=found,
                needed="at least one row of each",
                advice=_more_of(contract, missing, name, provenance["split_rows"][name]["rows"], split.count),
            )
        )
    return checks


def _wanted(contract: UseCase) -> list[str]:
    """What every split must hold a row of."""
    task = contract.task
    return list(task.labels) or (["yes", "no"] if task.abstain is not None else [])


def _answers_in(contract: UseCase, split: str) -> str:
    return f"{'labels' if contract.task.labels else 'answerable: yes and no'} in {split}"


def _more_of(contract: UseCase, missing: list[str], split: str, rows: int, used: int) -> str:
    """The way on where a split lacks some answers. rows: of the whole split; used: by the profile."""
    if not missing:
        return ""
    if more := _more_room(contract, split, rows, used):
        return more
    if not contract.task.labels:
        return f"bring rows of {', '.join(missing)}, or use more rows of {split}"
    return (
        f"bring rows of {', '.join(missing)}, count them as another label with data.sources.<n>.values, or leave them out "
        "of task.labels and of the file"
    )


def _more_room(contract: UseCase, split: str, rows: int, used: int) -> str:
    """The way on where a split has no room for every kind of answer; empty where it has."""
    wanted = len(_wanted(contract))
    what = "labels" if contract.task.labels else "kinds of answers"
    if rows < wanted:
        none = ", or to 0" if split in ("train", "feedback") else ""
        return f"{rows} rows cannot hold {wanted} {what}: raise data.splits.{split} to {wanted} or more{none}"
    if used < wanted:
        return f"the profile uses {used} rows of {split}: take one whose section 'data' has `{split}: {wanted}` or more"
    return ""


def skills(contract: UseCase) -> FeasibilityCheck:
    """Every skill that the work needs is available."""
    missing = sorted(set(contract.skills) - set(contract.skills_available))
    return FeasibilityCheck(
        check="skills",
        ok=not missing,
        found=", ".join(contract.skills_available) or "none named",
        needed=", ".join(contract.skills) or "none named",
        advice=f"find {', '.join(missing)}, then add it to skills_available" if missing else "",
    )


def machine_suffices(
    contract: UseCase, machine: dict[str, float], working_gb: float, disk_gb: float
) -> list[FeasibilityCheck]:
    """Memory for the released application (limits.memory_gb) and for the work on it (`working_gb`); disk where known."""
    needed = max(contract.limits.memory_gb, working_gb)
    checks = [
        FeasibilityCheck(
            check="memory",
            ok=machine["memory_gb"] >= needed,
            found=f"{machine['memory_gb']:g} GB",
            needed=f"{needed:g} GB (limits.memory_gb {contract.limits.memory_gb:g}; the stages {working_gb:g})",
            advice="use a larger machine or lower limits.memory_gb",
        )
    ]
    if "disk_gb" in machine:
        disk = FeasibilityCheck(
            check="disk",
            ok=machine["disk_gb"] >= disk_gb,
            found=f"{machine['disk_gb']:g} GB free",
            needed=f"{disk_gb:g} GB",
            advice="free some space or set NINEFOLD_HOME to a folder on another disk",
        )
        checks.append(disk)
    return checks


def licences_allow(contract: UseCase) -> list[FeasibilityCheck]:
    """No research-only data in production, and at least one model licence allowed."""
    checks = []
    for source in contract.data.sources:
        restricted = any(word in source.licence.lower() for word in RESEARCH_ONLY)
        checks.append(
            FeasibilityCheck(
                check=f"licence of '{source.name}'",
                ok=contract.policy.use == "research" or not restricted,
                found=source.licence,
                needed="any licence"
                if contract.policy.use == "research"
                else "a licence that allows production (policy.use)",
                advice="replace the source, or set policy.use to research",
            )
        )
    models = contract.policy.licences
    checks.append(
        FeasibilityCheck(
            check="licences of models",
            ok=bool(models),
            found=", ".join(models) or "none",
            needed="at least one (policy.licences)",
            advice="name the licences that your policy allows",
        )
    )
    return checks


def _group(row: Row) -> str:
    return row.slices.get("answerable") or row.answer
