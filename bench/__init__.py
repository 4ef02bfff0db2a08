"""Measured claims: each file holds pairs, ours and a peer's, run side by side; `make bench` runs them all."""
