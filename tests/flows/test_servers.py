"""The servers behind the guard: a run has its own, whose end comes with the run's, however that comes."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from components.core import MachineFault, Workspace
from components.core.code import ROOT
from components.core.errors import Damaged
from components.core.login import make_login
from flows.servers import mlflow_server, prefect_client, prefect_server
from flows.start import QUIET
from tests.conftest import environment, two_ports

FLOW = """
import os, sys
from pathlib import Path
from components.core import Workspace
from flows.servers import prefect_for_run
from prefect import flow, task

@task
def step(number):
    return number

@flow
def steps():
    return [step(number) for number in range(5)]

with prefect_for_run(Workspace()):
    print(sum(steps()), os.environ["PREFECT_API_URL"], flush=True)
    if "wait" in sys.argv:
        sys.stdin.read()
print(os.environ.get("PREFECT_API_URL", "as before"), os.environ.get("PREFECT_API_AUTH_STRING", "as before"))
"""


def own(home: Path, **servers: str) -> dict[str, str]:
    return {**environment(home), **QUIET, "PREFECT_HOME": str(home / "prefect"), **servers}


def flow_in(home: Path, *arguments: str, **servers: str) -> "subprocess.Popen[str]":
    """A process that reports a flow of five tasks as a run does; `wait`: and then waits inside for its end."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", FLOW, *arguments]
    return subprocess.Popen(command, env=own(home, **servers), cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def recorded(home: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(home / "prefect/prefect.db")) as database:
        return database.execute("SELECT state_type, COUNT(*) FROM task_run GROUP BY 1").fetchall()


def test_a_runs_own_server_is_guarded_records_every_step_and_ends_with_it(tmp_path):
    with flow_in(tmp_path, "wait") as process:
        assert process.stdout
        total, api = process.stdout.readline().split()
        assert total == "10"
        (server,) = psutil.Process(process.pid).children(recursive=True)
        assert server.cmdline()[-4:-1] == ["-m", "flows.guard", "run"], "no other server of Prefect's making"
        assert httpx.post(f"{api}/flows/", json={"name": "planted"}, timeout=60).status_code in (401, 403)
        out, said = process.communicate("", timeout=120)
    assert (process.returncode, out.split("\n")[0], said) == (0, "as before as before", "")
    assert psutil.wait_procs([server], timeout=30)[1] == []
    assert recorded(tmp_path) == [("COMPLETED", 5)]
    assert (tmp_path / "logs/server-run.log").read_text() == ""


def test_a_run_that_is_killed_leaves_no_server(tmp_path):
    with flow_in(tmp_path, "wait") as process:
        assert process.stdout
        assert process.stdout.readline()
        servers = psutil.Process(process.pid).children(recursive=True)
        assert servers
        process.kill()
    assert psutil.wait_procs(servers, timeout=60)[1] == []


def test_a_run_reports_to_the_server_of_ninefold_ui_while_it_is_up_and_else_to_its_own(tmp_path, caplog):
    """Prefect's database is torn before each of the two servers starts: both begin a new one, and say so."""
    workspace, port = Workspace(tmp_path), two_ports()
    client = prefect_client(f"http://127.0.0.1:{port}", workspace)
    (database := tmp_path / "prefect/prefect.db").parent.mkdir()
    database.touch()
    with prefect_server(port, workspace):
        assert f"{database}: damaged (it is empty); set aside as prefect.db.damaged: a new one is begun" in caplog.text
        out, said = flow_in(tmp_path, **client).communicate("", timeout=120)
        assert (out.split()[:2], said) == (["10", client["PREFECT_API_URL"]], "")
        files = [path for path in database.parent.iterdir() if path.name.startswith("prefect.db")]
        assert {path.name: path.stat().st_mode & 0o777 for path in files if path.stat().st_size} == {
            "prefect.db": 0o600, "prefect.db-wal": 0o600, "prefect.db-shm": 0o600
        }  # fmt: skip
    assert recorded(tmp_path) == [("COMPLETED", 5)]
    os.truncate(database, database.stat().st_size // 2)
    out, said = flow_in(tmp_path, **client).communicate("", timeout=120)
    total, api, *after = out.split()
    assert total == "10"
    (line,) = said.splitlines()
    assert f"{database}: damaged (" in line
    assert "Results and releases are kept" in line
    assert recorded(tmp_path) == [("COMPLETED", 5)], "a new one"
    assert api != client["PREFECT_API_URL"]
    assert after == [client["PREFECT_API_URL"], make_login(workspace.login)]


def test_a_server_that_does_not_start_says_where_its_log_is(tmp_path):
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute("create table alembic_version as select 'of a later MLflow' as version_num")
    with (
        pytest.raises(MachineFault, match=r"ended with code 1; see its log: .*server-mlflow\.log"),
        mlflow_server(two_ports(), Workspace(tmp_path)),
    ):
        pass


def test_a_torn_database_of_mlflows_is_named_before_its_server_starts(tmp_path):
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(Damaged, match=r"mlflow\.db: damaged .it is empty"), mlflow_server(two_ports(), Workspace(tmp_path)):
        pass


def test_a_proxy_is_never_asked_for_what_is_on_this_machine(tmp_path):
    """Nothing listens at port 9: whatever is sent there is lost."""
    proxy = "http://127.0.0.1:9"
    given = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": ""}
    out, said = flow_in(tmp_path, **given).communicate("", timeout=120)
    assert (out.split()[0], said) == ("10", "")
    assert recorded(tmp_path) == [("COMPLETED", 5)]


@pytest.mark.parametrize("address", ["http://ada:hush@127.0.0.1:9/api", "127.0.0.1:9/api"])
def test_a_prefect_that_is_not_there_is_one_sentence(tmp_path, address):
    _, said = flow_in(tmp_path, PREFECT_API_URL=address).communicate("", timeout=120)
    last = said.splitlines()[-1]
    assert "MachineFault: PREFECT_API_URL: no Prefect API answers at" in last
    assert "127.0.0.1:9/api" in last
    assert "hush" not in last
