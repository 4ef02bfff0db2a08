"""The workspace: one folder (`.ninefold/`, or NINEFOLD_HOME) with everything that runs leave behind. Where it is made here,
only its owner can read it; one that was there keeps its mode, and its databases are their owner's all the same.

store/  ledger.db  runs/<run id>/summary.json  logs/  assets/  fetched/  mlflow.db  mlruns/  prefect/  serving/  feedback.db
forgotten.json  login  rates.json
"""

import fcntl
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .digest import digest_of
from .errors import BadInput, MachineFault
from .files import disk_faults
from .login import read_login
from .store import Store

UNFIT: dict[str, Callable[[str], bool]] = {
    "the character '?', behind which the settings of a database's address begin": lambda path: "?" in path,
    "a character that cannot be printed": lambda path: not path.isprintable(),
}
"""What the path of a workspace may not have. A file name that is no UTF-8 holds characters that cannot be printed."""


class Workspace:
    """Paths inside one workspace folder; makes the folder when first used."""

    def __init__(self, root: Path | None = None) -> None:
        """root: NINEFOLD_HOME, or `.ninefold`, where not given. Raises BadInput for a name that a library would read as
        another folder's, or as no text."""
        self.root = (root or Path(os.environ.get("NINEFOLD_HOME") or ".ninefold")).absolute()
        if wrong := next((name for name, holds in UNFIT.items() if holds(str(self.root))), None):
            raise BadInput(f"NINEFOLD_HOME: {str(self.root)!r} has {wrong}; give a folder, and folders above it, without")
        with disk_faults(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)  # logs and rows are nobody else's to read
        self.store = Store(self.root / "store")

    @property
    def name(self) -> str:
        """Tells this folder of this machine from others, where people see several."""
        return f"workspace-{digest_of([platform.node(), str(self.root.resolve())])[:8]}"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.db"

    @property
    def assets(self) -> Path:
        return self.root / "assets"

    @property
    def fetched(self) -> Path:
        """Sources that lie elsewhere, as they came."""
        return self.root / "fetched"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def serving(self) -> Path:
        """State of kept endpoints: bundle folders, process ids, request logs."""
        return self.root / "serving"

    @property
    def feedback(self) -> Path:
        """The durable feedback store (SQLite) that endpoints write."""
        return self.root / "feedback.db"

    @property
    def forgotten(self) -> Path:
        """The suppression list: what no later run may take in again."""
        return self.root / "forgotten.json"

    @property
    def login(self) -> Path:
        """The log-in of the MLflow and Prefect servers that `ninefold ui` and runs start: for its owner's eyes only."""
        return self.root / "login"

    @property
    def shared_tracking(self) -> str | None:
        """An MLflow that the user shares: MLFLOW_TRACKING_URI. None without it, and where `ninefold env` set it: the server
        that it names has this workspace's log-in and database."""
        given = os.environ.get("MLFLOW_TRACKING_URI")
        password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
        return None if given and password and password == read_login(self.login) else given

    @property
    def rates(self) -> Path:
        """What this machine computes in each dtype (rates.py)."""
        return self.root / "rates.json"

    @property
    def tracking_uri(self) -> str:
        """MLflow: the one that the user shares, else SQLite in the workspace."""
        return self.shared_tracking or f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def tracking_digest(self) -> str:
        """Names that MLflow without its address, which may hold a password; the workspace's own always has one name."""
        return digest_of(self.shared_tracking or "")

    @property
    def artifact_root(self) -> str:
        return (self.root / "mlruns").as_uri()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one run write here at a time; the lock dies with its process."""
        with (self.root / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise MachineFault(
                    f"{self.root}: another run is using this workspace. Wait for it, or set NINEFOLD_HOME to another folder"
                ) from error
            yield
