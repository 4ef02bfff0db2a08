"""The counts of the stage: rows by source, split and origin, what was dropped and why, and how much of evaluation leaks."""

from collections import Counter
from typing import NotRequired, TypedDict

from components.core import Row

from .assemble import Flow, by_reason
from .audit import Bias
from .collect import Gated
from .contamination import Divided, LeakFinding
from .curate import Curated, StepEffect
from .documents import Entry
from .knowledge import EVALUATED, Knowledge
from .pretraining import DocumentFigures
from .uncollected import MadeFigures, Uncollected


class SourceFigures(TypedDict):
    """Records of one source; the reasons, and the kinds of duplicates, with their counts."""

    read: int
    forgotten: int
    quarantined: int
    quarantine_reasons: dict[str, int]
    duplicates: dict[str, int]


class Contamination(TypedDict):
    """Leaks that were found. suspects: split → ids of the evaluation rows that what was kept gives away; flagged and share:
    those among all `evaluation_rows`."""

    found: int
    removed: int
    kept: int
    suspects: dict[str, list[str]]
    flagged: int
    evaluation_rows: int
    share: float


class SplitFigures(TypedDict):
    """Rows of a split, and how many of them the profile uses."""

    rows: int
    used: int


class Counts(TypedDict):
    """What `figures_of` counts."""

    curation: list[StepEffect]
    sources: dict[str, SourceFigures]
    dropped: dict[str, int]
    """Reason → rows and passages."""
    overlaps_removed: dict[str, int]
    contamination: Contamination
    splits: dict[str, SplitFigures]
    knowledge: int
    training_knowledge: int
    training_knowledge_excluded: int


class Origins(TypedDict):
    """What `origins` counts."""

    made: MadeFigures
    training_origins: dict[str, int]


class Figures(Counts, Origins):
    """All figures of the stage."""

    flow: Flow
    bias: Bias
    documents: NotRequired[DocumentFigures]
    """For pre-training, where there are any."""


def figures_of(
    gated: Gated,
    divided: Divided,
    used: dict[str, list[Row]],
    base: Knowledge,
    findings: list[LeakFinding],
    curated: Curated,
    dropped: list[Entry],
) -> Counts:
    """Every count that the card and the provenance show. dropped: all lines of `dropped.jsonl`."""
    per_source: dict[str, SourceFigures] = {}
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


def origins(uncollected: Uncollected, extra: list[Row], train: list[Row], practice: list[Row]) -> Origins:
    """Rows that training may read, by where they came from, and what became of the made ones."""
    counts = Counter(row.origin for row in (*train, *practice, *extra))
    return {"made": uncollected.figures, "training_origins": dict(sorted(counts.items()))}
