"""Governance: a registered version and a person (or a named policy) in; a recorded approval and the `champion` alias out."""

from .approvals import Approvals
from .approve import approve, approved_by_policy, champion, standing, void
from .registry import Registered, Registry, bundle_folder, candidate_in, registered

__all__ = [
    "Approvals",
    "Registered",
    "Registry",
    "approve",
    "approved_by_policy",
    "bundle_folder",
    "candidate_in",
    "champion",
    "registered",
    "standing",
    "void",
]
