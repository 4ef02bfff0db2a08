"""The log-in of a workspace's servers: made once, whole, for its owner's eyes only."""

import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from components.core import BadInput, Workspace
from components.core.login import make_login, read_login


def test_everyone_who_makes_it_at_once_gets_the_same_and_nobody_else_can_read_it(tmp_path):
    path = tmp_path / "login"
    assert read_login(path) is None
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        (login,) = set(pool.map(make_login, [path] * 16))
    assert login == read_login(path) == make_login(path)
    assert len(login.removeprefix("ninefold:")) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["login"], "nothing half-written"
    assert make_login(tmp_path / "other") != login


def test_a_login_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "login"
    make_login(path)
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(BadInput, match=rf"login: others .* \(mode {mode:04o}\)\. Delete it"):
            make_login(path)


@pytest.mark.parametrize("text", ["", "ninefold:", "ninefold:short\n", "x" * 73])
def test_a_torn_login_is_refused(tmp_path, text):
    path = tmp_path / "login"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadInput, match="holds no log-in"):
        make_login(path)


def test_the_address_beside_the_workspaces_own_login_means_its_own_database(tmp_path, monkeypatch):
    """`ninefold env` sets it for notebooks; a run in that shell writes to the database as ever, under the same run key."""
    workspace = Workspace(tmp_path)
    own, digest = workspace.tracking_uri, workspace.tracking_digest
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert workspace.tracking_uri == "http://127.0.0.1:5000", "somebody else's: used as it is"
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "theirs")
    assert workspace.tracking_uri == "http://127.0.0.1:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", make_login(workspace.login))
    assert (workspace.tracking_uri, workspace.tracking_digest) == (own, digest)
