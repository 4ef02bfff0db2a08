"""The checks of the whole application as a card shows them: before tuning, after it, and as released, with the bounds."""

from collections.abc import Sequence
from typing import TypedDict

from .record import MetricDump, Record

FEW = 2
"""Failed items of a check that a card shows; all of them lie in the check's table."""


class CheckDetailDump(TypedDict, total=False):
    """Dump of what stands behind a check's figures; all but `shows` by "before" and "after"."""

    shows: str
    tables: dict[str, str]
    beside: dict[str, dict[str, MetricDump]]
    beside_items: dict[str, str]


class CheckedItem(TypedDict):
    """A row of a check's table."""

    id: str
    asked: str
    answer: str
    failed: float


def failed_items(rows: Sequence[CheckedItem]) -> list[dict[str, object]]:
    """The first items of a check's table that failed, worst first; ties go by id, so nobody chose them."""
    failed = sorted((row for row in rows if row["failed"] > 0), key=lambda row: (-row["failed"], row["id"]))
    return [{"asked": row["asked"], "answer": row["answer"]} for row in failed[:FEW]]


def safety(record: Record) -> dict[str, dict[str, object]]:
    """Check → "before", "tuned" (where something was built after it), "after", "worsening", "allowed", and its detail."""
    policy = record.use_case.get("policy", {})
    first = (record.results.get("evaluation") or {}).get("checks") or {}
    shown = {}
    for name, row in (record.evaluated.get("checks") or {}).items():
        bounds = [
            wording.format(bounded[name])
            for wording, bounded in (
                ("worse by at most {:g}", policy.get("bias_at_most", {})),
                ("at most {:g}", policy.get("failing_at_most", {})),
            )
            if name in bounded
        ]
        tuned = first.get(name, {}).get("after") if _built_later(record) else None
        shown[name] = {**detail_of(record, name), **row, "tuned": tuned, "allowed": "; ".join(bounds) or "no bound"}
    return shown


def detail_of(record: Record, check: str) -> CheckDetailDump:
    """What stands behind the figures of a check; empty where the record has none."""
    details: dict[str, CheckDetailDump] = record.evaluated.get("check_details") or {}
    return details.get(check) or {}


def _built_later(record: Record) -> bool:
    measured = record.results.get("evaluation") or {}
    return bool(measured) and measured.get("candidate") != record.evaluated.get("candidate")
