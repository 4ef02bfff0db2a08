"""The counts of the stage: rows by source, split and origin, what was dropped and why, and how much of evaluation leaks."""

from collections import Counter
from typing import Any

from components.core import Row

from .assemble import by_reason
from .collect import Gated
from .contamination import Divided, LeakFinding
from .curate import Curated
from .knowledge import EVALUATED, Knowledge
from .uncollected import Uncollected


def figures_of(
    gated: Gated,
    divided: Divided,
    used: dict[str, list[Row]],
    base: Knowledge,
    findings: list[LeakFinding],
    curated: Curated,
    dropped: list[dict[str, Any]],
) -> dict[str, Any]:
    """Every count that the card and the provenance show. dropped: all lines of `dropped.jsonl`."""
    per_source = {}
    removed = Counter(finding.reason for finding in findings if finding.removed)
    suspects = {name: sorted(row.id for row in used[name] if row.id in base.suspects.get(name, ())) for name in EVALUATED}
    flagged, rows = sum(map(len, suspects.values())), sum(len(used[name]) for name in EVALUATED)
    for name, count in gated.read.items():
        reasons = Counter(reason for row in gated.quarantine if row["source"] == name for reason in row["reasons"])
        duplicates = gated.collected.dropped[name]
        per_source[name] = {
            "read": count,
            "forgotten": gated.forgotten[name],
            "quarantined": sum(row["source"] == name for row in gated.quarantine),
            "quarantine_reasons": dict(reasons),
            "duplicates": dict(duplicates),
        }
    return {
        "curation": curated.effects,
        "sources": per_source,
        "dropped": by_reason(dropped),
        "overlaps_removed": dict(sorted(removed.items())),
        "contamination": {
            "found": len(findings),
            "removed": sum(finding.removed for finding in findings),
            "kept": sum(not finding.removed for finding in findings),
            "suspects": suspects,
            "flagged": flagged,
            "evaluation_rows": rows,
            "share": round(flagged / rows, 6) if rows else 0.0,
        },
        "splits": {name: {"rows": len(rows), "used": len(used[name])} for name, rows in divided.splits.items()},
        "knowledge": len(base.whole),
        "training_knowledge": len(base.training),
        "training_knowledge_excluded": len(base.whole) - len(base.training),
    }


def origins(made: Uncollected, extra: list[Row], train: list[Row], practice: list[Row]) -> dict[str, Any]:
    """Rows that training may read, by where they came from, and what became of the made ones."""
    origins = Counter(row.origin for row in (*train, *practice, *extra))
    return {"made": made.figures, "training_origins": dict(sorted(origins.items()))}
