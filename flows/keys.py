"""`ninefold keys …`: make, replace and revoke the key that signs approvals and served folders."""

from typing import Any

from rich.console import Console

from components.core.keys import key_id, keys_folder, make_keys, revoke_key, rotate_keys


def init() -> dict[str, Any]:
    """Make the pair unless there is one; returns its folder and name."""
    made = make_keys()
    return {"folder": str(keys_folder()), "key": key_id(), "made": made}


def rotate() -> dict[str, Any]:
    """Put a new pair in place of today's; returns both names."""
    old = rotate_keys()
    return {"folder": str(keys_folder()), "key": key_id(), "made": True, "retired": old}


def revoke(key: str) -> dict[str, Any]:
    """Call a key lost or stolen; returns its name, and that of today's."""
    before = key_id()
    revoked = revoke_key(key)
    return {"folder": str(keys_folder()), "key": key_id(), "made": key_id() != before, "revoked": key, "at": revoked.revoked}


def show(report: dict[str, Any]) -> None:
    """Print where the key is, and what became of another one."""
    said = "made" if report["made"] else "is there already; nothing changed"
    line = f"signing key {report['key']} {said}: {report['folder']}"
    Console().print(line, highlight=False, markup=False, soft_wrap=True)
    if old := report.get("retired"):
        said = f"key {old} is retired: what it signed until now holds, and nothing that it signs from now on"
    elif old := report.get("revoked"):
        said = (
            f"key {old} was revoked at {report['at']}: approvals that it signed hold; folders that it signed are not served"
        )
    if old:
        Console().print(said, highlight=False, markup=False, soft_wrap=True)
