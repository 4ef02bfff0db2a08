"""Governance: a registered version and a person (or a named policy) in; a recorded approval and the `champion` alias out."""

from .approvals import Approvals, Entry
from .approve import approve, approved_by_policy, champion, correct_clock, promote, reject, rollback, standing, state, void
from .evidence import evidence_in, rows_of
from .registry import (
    ALIASES,
    MARK,
    Covered,
    Registered,
    Registry,
    bundle_folder,
    candidate_in,
    card_file,
    covered,
    registered,
)
from .rules import Standing
from .tampering import tampered
from .version_page import VersionPage

__all__ = [
    "ALIASES",
    "MARK",
    "Approvals",
    "Covered",
    "Entry",
    "Registered",
    "Registry",
    "Standing",
    "VersionPage",
    "approve",
    "approved_by_policy",
    "bundle_folder",
    "candidate_in",
    "card_file",
    "champion",
    "correct_clock",
    "covered",
    "evidence_in",
    "promote",
    "registered",
    "reject",
    "rollback",
    "rows_of",
    "standing",
    "state",
    "tampered",
    "void",
]
