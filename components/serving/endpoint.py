"""Server processes of this machine: start one and wait until it is ready, look whether it lives, stop it.

State is one small file an endpoint (`serving/<name>.json`); a process is taken for ours only when its id and its start
time are those of that file, so a reused process id is never signalled. Where the file is damaged, it is set aside, and the
process that serves there is found again by its command. Whoever starts or stops an endpoint holds its lock
(`serving/<name>.lock`), so that of several at once one starts it and the others find it. One that lives and does not answer
is overloaded, not dead: it is waited for, never stopped by itself.
"""

import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from components.core import Frozen, Machine, MachineFault, Workspace, report
from components.core.code import ROOT
from components.core.errors import Damaged
from components.core.files import publish_sealed, read_json, set_aside
from components.core.signature import check_signature

from .bundle import candidate_of
from .server import DRAIN_SECONDS

MODULE = "components.serving"
READY_SECONDS = 180
"""Loading a model of this size takes seconds; longer than this means that it hangs."""


class Endpoint(Frozen):
    """A server process that was ready once."""

    name: str
    model: str
    version: str | None
    candidate: str
    bundle: str
    port: int
    pid: int
    born: float
    """Start time of the process, seconds since 1970."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def start(
    workspace: Workspace,
    name: str,
    bundle: Path,
    port: int,
    *,
    model: str | None = None,
    version: str | None = None,
    machine: Machine | None = None,
    trace: bool = False,
    signer: str | None = None,
) -> Endpoint:
    """Start endpoint `name` over `bundle` on loopback `port`, detached, and return once it is ready.

    model, version: the registered model as replies show it (model defaults to `name`)
    signer: key that the release was signed by, "" where it was released unsigned, None where that is not known
            (`check_signature`)
    An endpoint of that name that already serves the same Candidate there is returned as it is; one that serves something
    else is stopped first. Raises MachineFault when the port is taken or the server does not get ready, GateRefused where the
    bundle's signature does not hold: here, so that it is said well, and again by the server before it loads anything.
    """
    check_signature(bundle, signer)
    candidate = candidate_of(bundle).digest
    with _held(workspace, name):
        running = status(workspace, name)
        if running and (running.candidate, running.port, running.version) == (candidate, port, version):
            _wait_until_ready(running, log_file(workspace, name))  # a run that was killed may have left it loading
            return running
        _stop(workspace, name)
        if not _free(port):
            raise MachineFault(
                f"deployment.port: port {port} is taken by another process. Stop that one, or set another "
                "`deployment.port` in the use case"
            )
        model = model or name
        process, log = _spawn(workspace, name, bundle, port, model, version, machine or Machine(), trace, signer)
        endpoint = record(workspace, name, bundle, port, model, version, process.pid)
        try:
            _wait_until_ready(endpoint, log)
        except BaseException:
            _stop(workspace, name)
            raise
        return endpoint


def record(workspace: Workspace, name: str, bundle: Path, port: int, model: str, version: str | None, pid: int) -> Endpoint:
    """Write down that process `pid` is endpoint `name`. Both sides do, parent and server: whichever is killed, a server
    that lives can be found."""
    endpoint = Endpoint(
        name=name, model=model, version=version, candidate=candidate_of(bundle).digest, bundle=str(bundle), port=port,
        pid=pid, born=_born(pid) or 0.0,
    )  # fmt: skip
    publish_sealed(_state(workspace, name), endpoint)
    return endpoint


def kept(workspace: Workspace, name: str) -> Endpoint | None:
    """Endpoint `name` as it was started last and was not stopped since, whether its process lives or not."""
    return _read(workspace, name)


def keep(workspace: Workspace, endpoint: Endpoint) -> None:
    """Note that `endpoint` is meant to be up."""
    publish_sealed(_state(workspace, endpoint.name), endpoint)


def all_kept(workspace: Workspace) -> list[Endpoint]:
    """Every endpoint that was not stopped since it was started."""
    names = sorted(path.stem for path in workspace.serving.glob("*.json"))
    return [endpoint for name in names if (endpoint := kept(workspace, name))]


def status(workspace: Workspace, name: str) -> Endpoint | None:
    """Endpoint `name` when its process lives, else None."""
    endpoint = _read(workspace, name)
    return endpoint if endpoint and _ours(endpoint) else None


def stop(workspace: Workspace, name: str) -> bool:
    """Stop endpoint `name`: requests in flight are answered first. Returns whether there was one."""
    with _held(workspace, name):
        return _stop(workspace, name)


@contextmanager
def _held(workspace: Workspace, name: str) -> Iterator[None]:
    """Hold the lock of endpoint `name`; waits for who has it, and dies with this process."""
    workspace.serving.mkdir(parents=True, exist_ok=True)
    with (workspace.serving / f"{name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stop(workspace: Workspace, name: str) -> bool:
    import psutil

    endpoint = _read(workspace, name)
    lived = endpoint is not None and _ours(endpoint)
    if endpoint and lived:
        try:
            process = psutil.Process(endpoint.pid)
            process.terminate()
            try:
                process.wait(DRAIN_SECONDS + 5)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(5)
        except psutil.NoSuchProcess:
            lived = False
    _state(workspace, name).unlink(missing_ok=True)
    return lived


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def log_file(workspace: Workspace, name: str) -> Path:
    """Where endpoint `name` writes what it has to say."""
    return workspace.logs / f"serving-{name}.log"


def _spawn(
    workspace: Workspace,
    name: str,
    bundle: Path,
    port: int,
    model: str,
    version: str | None,
    machine: Machine,
    trace: bool,
    signer: str | None,
) -> tuple["subprocess.Popen[bytes]", Path]:
    log = log_file(workspace, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", MODULE, "--bundle", str(bundle), "--home", str(workspace.root)]
    command += ["--endpoint", name, "--name", model, "--port", str(port)]
    command += ["--threads", str(machine.threads), "--device", machine.device]
    command += ["--version", version] if version else []
    command += ["--trace"] if trace else []
    command += [] if signer is None else ["--signer", signer]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    quiet = {"OMP_NUM_THREADS": str(machine.threads), "TOKENIZERS_PARALLELISM": "false", "DO_NOT_TRACK": "1"}
    environment = {**os.environ, **quiet, "PYTHONPATH": os.pathsep.join(paths)}
    with log.open("wb") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
        ), log


def _wait_until_ready(endpoint: Endpoint, log: Path) -> None:
    report(f"starting the endpoint on port {endpoint.port}")
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        answer = _answers(endpoint, "/ready")
        if answer == 200:
            return
        if not _ours(endpoint) or answer == 500:
            lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise MachineFault(f"the endpoint did not start: {lines[-1]} (whole log: {log})")
        time.sleep(0.1)
    raise MachineFault(
        f"the endpoint was not ready after {READY_SECONDS} s: it loads, or has more to do than it can; see {log}, or end it "
        f"with `ninefold stop {endpoint.name}`"
    )


def _answers(endpoint: Endpoint, path: str) -> int | None:
    import httpx

    try:
        return httpx.get(endpoint.url + path, timeout=5, trust_env=False).status_code
    except httpx.HTTPError:
        return None


def _ours(endpoint: Endpoint) -> bool:
    born = _born(endpoint.pid)
    return born is not None and abs(born - endpoint.born) < 1


def _born(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _state(workspace: Workspace, name: str) -> Path:
    return workspace.serving / f"{name}.json"


def _read(workspace: Workspace, name: str) -> Endpoint | None:
    path = _state(workspace, name)
    if not path.is_file():
        return None
    try:
        return Endpoint.model_validate(read_json(path))
    except (Damaged, ValidationError) as error:
        reason = error.reason if isinstance(error, Damaged) else str(error.errors()[0]["msg"])
        set_aside(path, reason, "its process is looked for; `ninefold serve` starts it where there is none")
        return _found_again(workspace, name)


def _found_again(workspace: Workspace, name: str) -> Endpoint | None:
    """Endpoint `name` as the command of a process of this user says that it is served, written down anew."""
    import psutil

    for process in psutil.process_iter(["pid", "cmdline", "uids"]):
        words = process.info["cmdline"] or []
        if MODULE not in words or not (process.info["uids"] and process.info["uids"].real == os.getuid()):
            continue
        given = dict(zip(words[words.index(MODULE) + 1 :], words[words.index(MODULE) + 2 :], strict=False))
        if (given.get("--home"), given.get("--endpoint")) == (str(workspace.root), name) and _born(process.info["pid"]):
            bundle, port = Path(given["--bundle"]), int(given["--port"])
            return record(workspace, name, bundle, port, given["--name"], given.get("--version"), process.info["pid"])
    return None
