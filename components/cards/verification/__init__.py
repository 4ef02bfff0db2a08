"""Verification of cards: `verify` computes a card's figures again from their evidence and renders it again; `lint` reads its
text alone. Both return findings."""

from .finding import Finding
from .lint import UNFILLED, lint
from .sources import Standing
from .verify import Verified, rendered_again, verify

__all__ = ["UNFILLED", "Finding", "Standing", "Verified", "lint", "rendered_again", "verify"]
