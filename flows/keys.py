"""`ninefold keys init`: make the key that signs approvals and served folders."""

from typing import Any

from rich.console import Console

from components.core.keys import key_id, keys_folder, make_keys


def init() -> dict[str, Any]:
    """Make the pair unless there is one; returns its folder and name."""
    made = make_keys()
    return {"folder": str(keys_folder()), "key": key_id(), "made": made}


def show(report: dict[str, Any]) -> None:
    """Print where the key is."""
    said = "made" if report["made"] else "is there already; nothing changed"
    line = f"signing key {report['key']} {said}: {report['folder']}"
    Console().print(line, highlight=False, markup=False, soft_wrap=True)
