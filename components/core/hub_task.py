"""A benchmark task of a hub with its pinned data: Parquet files in the workspace's assets, read only as it was fetched."""

from pathlib import Path
from typing import TYPE_CHECKING

from .digest import Frozen, file_digest
from .errors import MachineFault
from .workspace import Workspace

if TYPE_CHECKING:
    import pyarrow


class HubTask(Frozen):
    """One task of lm-eval's with its pinned data."""

    name: str
    dataset: str
    config: str
    asked: str = ""
    """Split whose rows are asked."""
    revision: str
    """Commit of the data set's repository."""
    licence: str
    """As its data set card states it, else "not stated"."""
    files: dict[str, str]
    """Split → SHA-256 of its Parquet file."""


def folder_of(dataset: str, config: str, workspace: Workspace) -> Path:
    """Where the Parquet files of a data set's configuration lie, and what they are."""
    return workspace.assets / "hub" / "--".join([*dataset.split("/"), config or "default"])


def read_split(task: HubTask, split: str, workspace: Workspace) -> "pyarrow.Table":
    """The Arrow table of a split; raises MachineFault where the file is not the one that was pinned."""
    import pyarrow.parquet

    folder = folder_of(task.dataset, task.config, workspace)
    path = folder / f"{split}.parquet"
    if not path.is_file() or file_digest(path) != task.files[split]:
        raise MachineFault(f"{path}: not the file that was fetched. Remove {folder} and run `ninefold fetch` again")
    return pyarrow.parquet.read_table(path)
