"""Measured claims: each file holds pairs, ours and a peer's, run side by side; `make bench` runs them all."""

from components.core import Machine


def machine() -> Machine:
    """This machine; its GPU where torch finds one, for both sides of a pair."""
    import torch

    return Machine(device="cuda" if torch.cuda.is_available() else "cpu")
