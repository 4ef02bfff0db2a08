"""`ninefold keys …`: make, replace and revoke the key that signs approvals and served folders."""

from typing import NotRequired, TypedDict

from rich.console import Console

from components.core import MachineFault, Workspace
from components.core.keys import key_id, keys_folder, make_keys, revoke_key, rotate_keys
from components.governance import Approvals, approvals


class SigningKey(TypedDict):
    """Today's key, whether it was made just now, and the one whose place it took or that was revoked (`at`: when)."""

    folder: str
    key: str | None
    made: bool
    retired: NotRequired[str | None]
    revoked: NotRequired[str]
    at: NotRequired[str]


def init() -> SigningKey:
    """Make the pair unless there is one; returns its folder and name."""
    new = make_keys()
    return {"folder": str(keys_folder()), "key": key_id(), "made": new}


def rotate() -> SigningKey:
    """Put a new pair in place of today's; returns both names. Raises MachineFault where this workspace's record is dated
    ahead of the clock."""
    _in_time()
    old = rotate_keys()
    return {"folder": str(keys_folder()), "key": key_id(), "made": True, "retired": old}


def revoke(key: str) -> SigningKey:
    """Call a key lost or stolen; returns its name, and that of today's. Raises what `rotate` does."""
    before = key_id()
    if key == before:
        _in_time()
    revoked = revoke_key(key)
    return {"folder": str(keys_folder()), "key": key_id(), "made": key_id() != before, "revoked": key, "at": revoked.revoked}


def _in_time() -> None:
    """Raise MachineFault where the record has lines of a time that is still to come: their key would be put aside before
    it signed them, and they would be believed no more. A record that is broken already stops nobody."""
    workspace = Workspace()
    if not (workspace.root / "approvals.db").is_file():
        return
    lines, faults = Approvals(workspace).verify()
    last = lines[-1].at if lines else ""
    if not faults and last > approvals.now():
        raise MachineFault(
            f"{workspace.root}: line {len(lines)} of the record of approvals is of {last}, which the clock has not reached: "
            "a key that is put aside now would not hold for it. Wait until then, or say that the clock had run ahead: "
            "`ninefold approvals --correct-clock WHY`"
        )


def show(report: SigningKey) -> None:
    """Print where the key is, and what became of another one."""
    state = "made" if report["made"] else "is there already; nothing changed"
    line = f"signing key {report['key']} {state}: {report['folder']}"
    Console().print(line, highlight=False, markup=False, soft_wrap=True)
    if old := report.get("retired"):
        consequence = f"key {old} is retired: what it signed until now holds, and nothing that it signs from now on"
    elif old := report.get("revoked"):
        consequence = (
            f"key {old} was revoked at {report['at']}: approvals that it signed hold; folders that it signed are not served"
        )
    if old:
        Console().print(consequence, highlight=False, markup=False, soft_wrap=True)
