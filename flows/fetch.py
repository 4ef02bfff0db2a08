"""`ninefold fetch`: bring the assets, the hub's benchmarks and the sources elsewhere that a use case needs, so that a run
needs no network."""

from pathlib import Path
from typing import TypedDict

from rich.console import Console

from components.core import ASSETS, Profile, UseCase, Workspace, fetch, read_yaml, stage_config
from components.core.hub_task import folder_of
from flows.run import profile_path, use_case_path


class Fetched(TypedDict):
    """Where something that was fetched lies."""

    folder: str
    megabytes: int
    licence: str


def fetch_assets(use_case: Path, profile: str = "cpu") -> dict[str, Fetched]:
    """Fetch and check each asset, each source that lies elsewhere, and the data of each benchmark of the hub;
    {name: {folder, megabytes, licence}}."""
    from components.data.fetched import fetched as bring
    from components.data.fetched import is_elsewhere
    from components.evaluation.hub import fetch_benchmarks
    from components.evaluation.stage import Config

    contract = read_yaml(use_case_path(use_case), UseCase)
    named = {
        source.path.removeprefix("asset:").split("/")[0]
        for source in contract.data.sources
        if source.path.startswith("asset:")
    }
    workspace = Workspace()
    fetched: dict[str, Fetched] = {}
    for name in sorted(named | set(ASSETS)):
        folder = fetch(name, workspace)
        fetched[name] = {"folder": str(folder), "megabytes": ASSETS[name].megabytes, "licence": ASSETS[name].licence}
    for source in filter(is_elsewhere, contract.data.sources):
        path = bring(source.path, workspace)
        files = path.rglob("*") if path.is_dir() else [path]
        size = round(sum(file.stat().st_size for file in files) / 1e6)
        fetched[source.name] = {"folder": str(path.parent), "megabytes": size, "licence": source.licence}
    benchmarks = stage_config(Config, "evaluation", contract, read_yaml(profile_path(profile), Profile)).benchmarks
    for tasks in fetch_benchmarks([name for name, count in benchmarks.items() if count], workspace).values():
        for task in tasks:
            folder = folder_of(task.dataset, task.config, workspace)
            size = sum(path.stat().st_size for path in folder.iterdir())
            name = f"{task.dataset}@{task.revision[:12]} {task.config}".strip()
            fetched[name] = {"folder": str(folder), "megabytes": round(size / 1e6), "licence": task.licence}
    return fetched


def show(report: dict[str, Fetched]) -> None:
    """Print where the assets lie."""
    for name, asset in report.items():
        Console().print(
            f"[green]✓[/] {name:<9} {asset['megabytes']:>4} MB  {asset['folder']}", highlight=False, soft_wrap=True
        )
