"""How many inputs of a measurement the model was shown less than whole.

The application says it of each answer, so the count stands in the per-example table and is the same after a resume.
"""

from components.core import Evidence, Store

from .compare import examples


def shown_in_part(evidence: Evidence, store: Store) -> int:
    """Rows whose input, or the text beside it, lost a part on its way into the prompt or the model's window."""
    return sum(row.get("cut", False) for row in examples(evidence, store))


def note_of_cut(label: str, evidence: Evidence, store: Store) -> tuple[str, ...]:
    """One line for a stage's notes; none where all was shown. label: of what was measured"""
    cut, rows = shown_in_part(evidence, store), len(examples(evidence, store))
    if not cut:
        return ()
    return (
        f"{label}: of {rows} inputs {cut} are longer than what the model is shown, and lost a part: give "
        "selection.context a length that holds them, or name ways to read them in parts (prompting.readings)",
    )
