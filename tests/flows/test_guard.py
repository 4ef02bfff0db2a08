"""The guard in front of MLflow and Prefect, on the real servers: no writing route takes a call from a page of another
origin, under another host name, or without the log-in."""

import base64
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import websockets
from websockets.sync.client import connect

from components.core import Workspace
from components.core.login import USER, make_login
from flows.servers import mlflow_client, mlflow_server, prefect_client, prefect_server
from tests.conftest import prefect_api, two_ports

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
REFUSED = {400, 401, 403}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("guard"))


@pytest.fixture(scope="module")
def servers(workspace) -> Iterator[dict[str, str]]:
    """The two of `ninefold ui`, and the one of a run: name → address."""
    port = two_ports()
    with (
        mlflow_server(port, workspace) as mlflow,
        prefect_server(port + 1, workspace) as prefect,
        prefect_server(0, workspace, name="run") as run,
    ):
        yield {"mlflow": mlflow, "prefect": prefect, "run": run}


def basic(user_and_password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(user_and_password.encode()).decode()}


def let_in(name: str, address: str, workspace: Workspace) -> dict[str, str]:
    """Headers of a client with everything that it needs."""
    if name == "mlflow":
        return basic(f"{USER}:{make_login(workspace.login)}")
    return dict(prefect_api(prefect_client(address, workspace)).headers)


def writing_routes(name: str, address: str, workspace: Workspace) -> list[tuple[str, str]]:
    """(method, path) of every route that may write; parts of a path that vary are filled in."""
    if name != "mlflow":
        paths = httpx.get(f"{address}/openapi.json", timeout=60).json()["paths"]
        found = [(method.upper(), f"/api{path}") for path, methods in paths.items() for method in methods]
    else:
        from mlflow.server import app
        from mlflow.server.fastapi_app import app as outer

        found = [(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()]
        found += [(method.upper(), path) for path, methods in outer.openapi()["paths"].items() for method in methods]
    filled = {(method, path.replace("<path:", "<").translate(str.maketrans("<>{}:", "____x"))) for method, path in found}
    return sorted(one for one in filled if one[0] in WRITES)


def callers(name: str, address: str, workspace: Workspace) -> dict[str, dict[str, str]]:
    """Whoever has no business there → the headers of their calls, the best that they can have."""
    good, port = let_in(name, address, workspace), address.rpartition(":")[2]
    bare = {key: value for key, value in good.items() if key != "authorization"}
    wrong = f"{USER}:{'0' * 64}"
    return {
        "no log-in": bare,
        "nothing at all": {},
        "a wrong log-in": {**bare, **basic(f"{USER}:{wrong}" if name == "mlflow" else wrong)},
        "MLflow's default log-in": {**bare, **basic("admin:password1234")},
        "an empty log-in": {**bare, **basic(":")},
        "a log-in of another kind": {**bare, "authorization": "Bearer " + good["authorization"].split()[1]},
        "a page elsewhere": {**good, "origin": "http://evil.test"},
        "a page of another port": {**good, "origin": "http://127.0.0.1:1"},
        "a page of another port, same site": {**good, "origin": "http://localhost:1", "sec-fetch-site": "same-site"},
        "a page with a hidden origin": {**good, "origin": "null"},
        "a form elsewhere, without an origin": {**good, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        "a form elsewhere, in a tab of its own": {
            **good, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"
        },
        "another host name": {**good, "host": f"evil.test:{port}"},
        "another host name, and its page": {**good, "host": f"evil.test:{port}", "origin": f"http://evil.test:{port}"},
        "a name that starts like ours": {**good, "host": f"127.0.0.1.evil.test:{port}"},
        "another host name behind ours": {**good, "host": "evil.test", "x-forwarded-host": f"127.0.0.1:{port}"},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["mlflow", "prefect", "run"])
def test_no_writing_route_takes_a_call_of_a_stranger(servers, workspace, name):
    address = servers[name]
    routes = writing_routes(name, address, workspace)
    assert len(routes) > 90, "every one that the server has"
    taken = []
    with httpx.Client(base_url=address, timeout=60) as client:
        for who, headers in callers(name, address, workspace).items():
            for method, path in routes:
                code = client.request(method, path, headers=headers, json={}).status_code
                if code not in REFUSED:
                    taken.append((who, method, path, code))
    assert taken == []


@pytest.mark.parametrize("name", ["prefect", "run"])
@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled"])
def test_no_web_socket_takes_a_stranger(servers, workspace, name, path):
    address = servers[name].replace("http", "ws") + f"/api/{path}"
    open_ = partial(connect, address, subprotocols=[websockets.Subprotocol("prefect")])
    login = {"type": "auth", "token": make_login(workspace.login)}
    for origin in ("http://evil.test", "http://localhost:1", "null"):
        with pytest.raises(websockets.InvalidStatus), open_(origin=origin):
            pass
    with create_connection(urlsplit(address).netloc.split(":")) as plain, pytest.raises(websockets.InvalidStatus):
        connect(address.replace("127.0.0.1", "evil.test"), sock=plain)
    for said in ({"type": "auth", "token": "ninefold:wrong"}, {"type": "auth"}, {"type": "subscribe"}):
        with open_() as socket:
            socket.send(json.dumps(said))
            with pytest.raises(websockets.ConnectionClosed):
                socket.recv(timeout=20)
    with open_() as socket:
        socket.send(json.dumps(login))
        assert json.loads(socket.recv(timeout=20)) == {"type": "auth_success"}


def test_pages_are_not_shown_inside_pages_of_others_and_links_open_only_pages(servers, workspace):
    linked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    for name in ("mlflow", "prefect"):
        headers = let_in(name, servers[name], workspace)
        assert httpx.get(servers[name], headers={**headers, **linked}, follow_redirects=False).status_code in (200, 307)
        framed = {**headers, **linked, "sec-fetch-dest": "iframe"}
        assert httpx.get(servers[name], headers=framed).status_code == 403
    headers = {**let_in("mlflow", servers["mlflow"], workspace), **linked}
    for path in ("/get-artifact", "/ajax-api/2.0/mlflow/experiments/get"):
        assert httpx.get(servers["mlflow"] + path, headers=headers).status_code == 403, "the browser adds the log-in itself"


ATTACK = """async targets => Promise.all(targets.map(async ([address, path, made]) => {
  const body = JSON.stringify(made), url = address + path, sent = [];
  const kinds = {
    simple: {body, mode: "no-cors", headers: {"content-type": "text/plain"}},
    untyped: {body: new Blob([body]), mode: "no-cors"},
    json: {body, headers: {"content-type": "application/json"}},
  };
  for (const [kind, how] of Object.entries(kinds)) {
    try {
      const reply = await fetch(url, {method: "POST", credentials: "include", ...how});
      sent.push(kind + " " + reply.status);
    } catch (error) { sent.push(kind + " " + error); }
  }
  const frame = document.createElement("iframe"); frame.name = "sent to " + url; document.body.append(frame);
  const form = document.createElement("form");
  Object.assign(form, {action: url, method: "POST", target: frame.name, enctype: "text/plain"});
  const field = document.createElement("input");
  field.name = body.slice(0, -1) + ', "x": "'; field.value = '"}'; form.append(field); document.body.append(form);
  form.submit();
  await new Promise(done => { frame.onload = done; setTimeout(done, 3000); });
  return sent;
}))"""
"""What a page can send without its reader's doing: a simple request, one without a type, preflighted JSON, and a form. To
all targets at once: a form that is refused shows nothing, and is waited for."""


class Page(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><body>a page</body>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[int]:
    """A web server of somebody else: its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def browser(workspace) -> Iterator[Any]:
    """A real browser that is logged in to MLflow, and for which `evil.test` is this machine (DNS rebinding)."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if not chromium:  # `make test` needs Python and make alone
        pytest.skip("no Chromium on this machine: apt-get install chromium (.ci/run does)")
    arguments = ["--host-resolver-rules=MAP evil.test 127.0.0.1", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield opened.new_context(http_credentials={"username": USER, "password": make_login(workspace.login)})
        opened.close()


def test_a_page_of_another_origin_changes_nothing_and_their_own_pages_work(servers, workspace, browser):
    """The reader is logged in to both. Pages that they open elsewhere, one of them of another port of this machine, try it
    under every name that leads here, one of them somebody else's."""
    page = browser.new_page()
    page.goto(servers["mlflow"])
    page.get_by_text("Experiments").first.wait_for()
    page.goto(servers["prefect"])
    page.locator("input").fill(make_login(workspace.login))
    page.keyboard.press("Enter")
    page.get_by_text("Run a task or flow to get started").wait_for()
    # how a foreign page got a command run: a flow, then a deployment of it with a pull step
    targets = {"mlflow": "/api/2.0/mlflow/experiments/create", "prefect": "/api/flows/", "run": "/api/flows/"}
    with elsewhere() as port:
        for origin in (f"http://evil.test:{port}", f"http://localhost:{port}", f"http://127.0.0.1:{port}"):
            page.goto(origin)
            attacked = [
                [servers[name].replace("127.0.0.1", host), path, {"name": f"planted {origin} {host}"}]
                for name, path in targets.items()
                for host in ("127.0.0.1", "localhost", "evil.test")
            ]
            for sent in page.evaluate(ATTACK, attacked):
                assert len(sent) == 3
                assert not [line for line in sent if line.split()[1].startswith("2")], sent
        for name in targets:  # the address that the browser shows may be anybody's, the port is the server's
            reply = page.goto(servers[name].replace("127.0.0.1", "evil.test"))
            assert reply.status == 400
    assert names(servers, workspace) == {"Default"}
    page.goto(servers["mlflow"])
    (said,) = page.evaluate(ATTACK, [[servers["mlflow"], targets["mlflow"], {"name": "mine"}]])
    assert said[2] == "json 200", "the same call from its own page is taken"
    assert names(servers, workspace) == {"Default", "mine"}


def names(servers: dict[str, str], workspace: Workspace) -> set[str]:
    """Every experiment of MLflow and flow of Prefect."""
    found = httpx.post(
        servers["mlflow"] + "/api/2.0/mlflow/experiments/search",
        json={"max_results": 1000}, headers=let_in("mlflow", servers["mlflow"], workspace), timeout=20,
    ).json()["experiments"]  # fmt: skip
    for name in ("prefect", "run"):
        found += prefect_api(prefect_client(servers[name], workspace)).post("/flows/filter", json={}).json()
    return {one["name"] for one in found}


def test_a_notebooks_clients_work_with_the_log_in(servers, workspace, monkeypatch):
    for name, value in mlflow_client(servers["mlflow"], workspace).items():
        monkeypatch.setenv(name, value)
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=servers["mlflow"])
    client.create_registered_model("notebook")
    client.set_registered_model_tag("notebook", "read", "yes")
    assert client.get_registered_model("notebook").tags == {"read": "yes"}
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with pytest.raises(mlflow.exceptions.MlflowException, match="401"):
        client.delete_registered_model("notebook")
