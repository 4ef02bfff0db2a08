"""The checks of the whole application as a card shows them: before tuning, after it, and as released, with the bounds."""

from collections.abc import Sequence
from typing import Any

from .record import Record

KEPT = ("asked", "answer")
FEW = 2
"""Failed items of a check that a card shows; all of them lie in the check's table."""


def failed_items(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first items of a check's table that failed, worst first; ties go by id, so nobody chose them."""
    failed = sorted((row for row in rows if row["failed"] > 0), key=lambda row: (-row["failed"], row["id"]))
    return [{key: row[key] for key in KEPT} for row in failed[:FEW]]


def safety(record: Record) -> dict[str, dict[str, Any]]:
    """Check → "before", "tuned" (where something was built after it), "after", "worsening", "allowed", and its detail."""
    policy = record.use_case.get("policy", {})
    first = (record.results.get("evaluation") or {}).get("checks") or {}
    found = {}
    for name, row in (record.evaluated.get("checks") or {}).items():
        bounds = [
            said.format(bounded[name])
            for said, bounded in (
                ("worse by at most {:g}", policy.get("bias_at_most", {})),
                ("at most {:g}", policy.get("failing_at_most", {})),
            )
            if name in bounded
        ]
        tuned = first.get(name, {}).get("after") if _built_later(record) else None
        detail = (record.evaluated.get("check_details") or {}).get(name, {})
        found[name] = {**detail, **row, "tuned": tuned, "allowed": "; ".join(bounds) or "no bound"}
    return found


def _built_later(record: Record) -> bool:
    measured = record.results.get("evaluation") or {}
    return bool(measured) and measured.get("candidate") != record.evaluated.get("candidate")
