"""Provenance: where every row came from, under which licence, who touched it, what was dropped and why. As JSON."""

from collections.abc import Mapping
from importlib.metadata import version

from components.core import Data, Frozen, Split

from .figures import Figures

STEPS = (
    ("read", "fields and values mapped to ours, texts stripped"),
    ("forget", "rows that hold what this workspace was asked to forget left out, before anything else sees them"),
    ("gate", "Great Expectations checkpoint; rows that fail a critical expectation set aside in `quarantine`"),
    ("deduplicate", "rows with equal words about one passage, and passages with equal words, kept once: the first"),
    ("split", "by hash of the seed and the group; test first, then validation, feedback, train; groups stay whole"),
    (
        "remove leaks",
        "rows that give validation, test or benchmark items away removed: equal, near-equal, shared run, whole in a longer "
        "text, paraphrase by rule",
    ),
    (
        "curate",
        "normalise, filters and duplicates as the contract asks, on passages, practice and training rows; evaluation rows, "
        "and what example rows are about, left as they are",
    ),
    (
        "practice",
        "rows of practice sources left out that leak an item, or whose passage leaks one or stands in evaluation",
    ),
    (
        "knowledge base",
        "passages of the used rows, filled with others; without passages that hold a test question with its answer; "
        "training's base lacks held-out and benchmark passages, and those that leak an item",
    ),
)
DOCUMENTS = (
    "documents",
    "texts of unlabelled sources for pre-training; those that leak validation, test or benchmark items, or stand in their "
    "passages, left out; a share held out to measure the model in its domain, and what repeats one of those left out",
)
MADE = (
    "made rows",
    "rows of synthetic sources, of a generator over training passages, and of labelling functions weighed by a label model; "
    "what has the words of another row, or leaks validation, test or benchmarks, left out; read by tuning alone, which "
    "trains without and with them",
)


def describe(
    data: Data,
    use: str,
    known: Mapping[str, Mapping[str, object]],
    figures: Figures,
    splits: dict[str, Split],
    config: Frozen,
) -> dict[str, object]:
    """The provenance of a Dataset. use: what the policy allows the result for. known: of each source, beside the contract:
    SHA-256, formats of a folder's files, when and whence it was fetched."""
    steps = [*STEPS, *([DOCUMENTS] if "documents" in figures else []), *([MADE] if data.has_made_rows else [])]
    documents = {"documents": figures["documents"]} if "documents" in figures else {}
    return {
        "sources": [
            {
                **source.model_dump(mode="json"),
                "sha256": None,
                **known.get(source.name, {}),
                **figures["sources"][source.name],
            }
            for source in data.sources
        ],
        "licences": sorted({source.licence for source in data.sources}),
        "synthetic": sorted(source.name for source in data.sources if source.synthetic),
        "use": use,
        "touched_by": [
            *({"who": source.origin, "did": f"made or collected '{source.name}'"} for source in data.sources),
            {"who": f"ninefold {version('ninefold')}, stage data", "did": "the steps below, without human edits"},
            {"who": f"great-expectations {version('great-expectations')}", "did": "the quality gate"},
        ],
        "steps": [{"step": step, "did": did} for step, did in steps],
        "settings": config.model_dump(mode="json"),
        "contract": data.model_dump(mode="json", exclude={"sources"}),
        "curation": figures["curation"],
        "flow": figures["flow"],
        "dropped": figures["dropped"],
        "overlaps_removed": figures["overlaps_removed"],
        "contamination": figures["contamination"],
        "bias": figures["bias"],
        "made": figures["made"],
        "training_origins": figures["training_origins"],
        **documents,
        "split_rows": figures["splits"],
        "training_knowledge_excluded": figures["training_knowledge_excluded"],
        "splits": {name: split.model_dump(mode="json") for name, split in splits.items()},
    }
