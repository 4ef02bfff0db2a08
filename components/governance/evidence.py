"""The evidence behind a registered version: found by its digest, and read only as it was measured."""

from components.core import Evidence, Example, MachineFault, Store, read_jsonl


def evidence_in(store: Store, digest: str) -> Evidence | None:
    """The Evidence with this digest among the sealed measurements of a store, else None."""
    measured = (Evidence.model_validate(seal.result) for seal in store.seals() if seal.name == "measure")
    return next((evidence for evidence in measured if evidence.digest == digest), None)


def unchanged(store: Store, evidence: Evidence) -> None:
    """Raise MachineFault where the table behind `evidence` is in the store and is no longer what was measured."""
    if changed := store.damaged([evidence.table]) if store.has(evidence.table) else []:
        raise MachineFault(f"{store.root}: the evidence is no longer what was measured: {changed[0]} was changed. Run again")


def rows_of(store: Store, evidence: Evidence | None) -> list[Example]:
    """The rows behind `evidence`; none where its table is not here. Raises what `unchanged` does."""
    if evidence is None or not store.has(evidence.table):
        return []
    unchanged(store, evidence)
    return read_jsonl(store.file(evidence.table))
