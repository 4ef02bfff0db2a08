"""`ninefold fetch`: bring the assets that a use case and the shipped models need, so that a run needs no network."""

from pathlib import Path
from typing import Any

from rich.console import Console

from components.core import ASSETS, UseCase, Workspace, fetch, read_yaml


def fetch_assets(use_case: Path) -> dict[str, Any]:
    """Fetch and check each asset; {name: {folder, megabytes, licence}}."""
    contract = read_yaml(use_case, UseCase)
    named = {
        source.path.removeprefix("asset:").split("/")[0]
        for source in contract.data.sources
        if source.path.startswith("asset:")
    }
    workspace = Workspace()
    found = {}
    for name in sorted(named | set(ASSETS)):
        folder = fetch(name, workspace)
        found[name] = {"folder": str(folder), "megabytes": ASSETS[name].megabytes, "licence": ASSETS[name].licence}
    return found


def show(report: dict[str, Any]) -> None:
    """Print where the assets lie."""
    for name, asset in report.items():
        Console().print(
            f"[green]✓[/] {name:<9} {asset['megabytes']:>4} MB  {asset['folder']}", highlight=False, soft_wrap=True
        )
