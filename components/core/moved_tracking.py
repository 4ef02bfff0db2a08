"""A workspace that was renamed or copied: MLflow's database keeps whole addresses of its files, and they go along."""

import sqlite3
from contextlib import closing

from .database import LOST, TORN, keep_private
from .errors import Damaged, MachineFault
from .workspace import Workspace

KEY = "ninefold.key"
"""Tag of MLflow's runs by which one of ours is found again."""
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
"""Tables and columns in which MLflow keeps whole addresses of artifacts."""


def follow_move(workspace: Workspace) -> None:
    """Make MLflow's database readable to its owner alone, before MLflow opens it. Where the workspace was renamed or copied
    since it was written, put this folder in the place of the earlier one: MLflow would go on to read and write artifacts
    there.

    Raises Damaged where it is no whole database, or is empty.
    """
    path, root = workspace.root / "mlflow.db", workspace.artifact_root
    if workspace.shared_tracking:
        return
    keep_private(path)
    ours = (
        "select distinct artifact_location from experiments join runs using (experiment_id) join tags using (run_uuid) "
        f"where tags.key = '{KEY}' and artifact_location like 'file:%' and artifact_location <> ?"
    )
    with closing(sqlite3.connect(path, timeout=30)) as database:
        try:
            moved = [earlier for (earlier,) in database.execute(ours, [root])]
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise MachineFault(f"{path}: is in use ({error}); stop what uses it, or wait, and try again") from error
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in TORN:
                raise Damaged(path, str(error), LOST) from error
            return  # new, or older than these tables
        for earlier in moved:
            stores = [f"{address.removesuffix('/mlruns')}/store/" for address in (earlier, root)]
            database.execute("update datasets set dataset_source = replace(dataset_source, ?, ?)", stores)
            for table, column in PLACES:
                below = f"substr({column}, 1, {len(earlier) + 1}) = ?"
                database.execute(
                    f"update {table} set {column} = ? || substr({column}, {len(earlier) + 1}) where {column} = ? or {below}",
                    [root, earlier, f"{earlier}/"],
                )
        database.commit()
