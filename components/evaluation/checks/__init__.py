"""Checks of whole applications, one small file each, found by listing this folder: `CHECK` of each says what it shows.

`evaluation.checks` says which run, on how many items; `policy.bias_at_most` and `policy.failing_at_most` what they stop.
"""

from importlib import import_module
from pathlib import Path

from ..check import Check

CHECKS: dict[str, Check] = {
    path.stem: import_module(f".{path.stem}", __package__).CHECK
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
}
