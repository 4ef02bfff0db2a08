"""The data statement of a card: the headings of Bender and Friedman 2018 ("Data Statements for Natural Language
Processing"), filled from the contract and the provenance as far as they say it, and never guessed.
"""

from .record import Record

WRITTEN = {
    "language_variety": "B. Language variety",
    "speakers": "C. Speaker demographic",
    "annotators": "D. Annotator demographic",
    "situation": "E. Speech situation",
    "other": "H. Other",
}
"""Field of the contract's `data_statement` → heading; only people know these."""


def statement(record: Record) -> list[tuple[str, str | None]]:
    """(heading, text) in the order of the paper; None where nobody said it."""
    stated = record.use_case.get("data_statement") or {}
    provenance, task = record.provenance, record.use_case.get("task", {})
    sources = provenance.get("sources") or ()
    written: dict[str, str | None] = {heading: stated.get(field) or None for field, heading in WRITTEN.items()}
    if written["B. Language variety"] is None and task.get("language"):
        written["B. Language variety"] = f"language {task['language']} by the contract; which variety is not provided"
    synthetic = ", ".join(provenance.get("synthetic") or ()) or "none"
    texts: dict[str, str | None] = {
        "A. Curation rationale": "; ".join(f"{one['name']} as {one['role'].replace('_', ' ')}" for one in sources) or None,
        **written,
        "F. Text characteristics": _characteristics(record),
        "G. Recording quality": "does not apply: text only",
        "I. Provenance appendix": f"the tables of Data and provenance; synthetic sources: {synthetic}" if sources else None,
    }
    return sorted(texts.items())


def _characteristics(record: Record) -> str | None:
    splits = record.provenance.get("splits") or {}
    if not splits:
        return None
    kind = record.use_case.get("task", {}).get("kind", "text").replace("_", " ")
    counted = ", ".join(f"{name.replace('_', ' ')} {split['count']:,}" for name, split in splits.items())
    return f"{kind}; rows: {counted}"
