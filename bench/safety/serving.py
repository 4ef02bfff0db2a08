"""A real endpoint for rows that ask one, which they may kill and start again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from components.core import Workspace
from components.serving import Endpoint, free_port, start, stop

NAME = "desk"


class Served:
    """An endpoint over one bundle."""

    def __init__(self, workspace: Workspace, bundle: Path) -> None:
        self.workspace, self.bundle, self.port = workspace, bundle, free_port()
        self.endpoint = self.begin()

    @property
    def url(self) -> str:
        return self.endpoint.url

    def begin(self) -> Endpoint:
        """Start the server; returns once it is ready."""
        self.endpoint = start(self.workspace, NAME, self.bundle, self.port, version="1")
        return self.endpoint

    def process(self) -> psutil.Process:
        return psutil.Process(self.endpoint.pid)

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        os.kill(self.endpoint.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(self.endpoint.pid)] if psutil.pid_exists(self.endpoint.pid) else [], 30)


@contextmanager
def serving(workspace: Workspace, bundle: Path) -> Iterator[Served]:
    """An endpoint in this block."""
    served = Served(workspace, bundle)
    try:
        yield served
    finally:
        stop(workspace, NAME)
