"""The process of an MLflow or Prefect server of this workspace: `python -m flows.guard <mlflow|prefect|run> <socket>`.

Both accept any caller by default, and Prefect runs shell commands that a deployment names; so each stands behind one guard:

    host     only 127.0.0.1 and localhost: a name that somebody else's DNS points here (DNS rebinding) is refused
    origin   what a browser sends for a page of another origin, also one of another port on this machine, is refused; a
             link to a page is not, where nothing but reading can follow
    log-in   MLflow asks for it here, for everything it serves; Prefect asks itself, for everything under `/api`, web sockets
             included, and wants a CSRF token with whatever changes something

MLflow's own `basic-auth` is not used: it keeps users in one more database, and pages of any port of this machine may still
call it and read its answers. Not covered: programs of the same user, who can read the log-in's file.
"""

import base64
import hmac
import os
import signal
import socket
import sys
import threading

import uvicorn
from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from components.core import Workspace
from components.core.login import USER, read_login
from components.core.moved_tracking import follow_move

HOSTS = ("127.0.0.1", "localhost")
HEALTH = "/health"


class Guard:
    """Refuses what does not come from a program with the log-in or from this server's own pages.

    login: what every request must bring (HTTP Basic), but for GET /health; None where the server behind asks itself
    """

    def __init__(self, app: ASGIApp, login: str | None) -> None:
        self.app = app
        self.basic = b"Basic " + base64.b64encode(f"{USER}:{login}".encode()) if login else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, web socket or start of the server."""
        refused = self._refused(scope) if scope["type"] in ("http", "websocket") else None
        await (refused or self.app)(scope, receive, send)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._from_here(scope, headers):
            reason = f"refused: a page of another origin ({headers.get('origin', 'not named')}) sent this\n"
            return PlainTextResponse(reason, 403)
        if self.basic is None or (scope["path"] == HEALTH and scope.get("method") == "GET"):
            return None
        if hmac.compare_digest(headers.get("authorization", "").encode(), self.basic):
            return None
        asks = {"WWW-Authenticate": f'Basic realm="Ninefold, user {USER}", charset="UTF-8"'}
        return PlainTextResponse("log in as `ninefold ui` says; for programs: `ninefold env`\n", 401, asks)

    def _from_here(self, scope: Scope, headers: Headers) -> bool:
        """What a browser says of the page that asked (`Sec-Fetch-…`, `Origin`). Other programs say nothing of that."""
        if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            return headers.get("origin") in (None, f"http://{headers.get('host')}")
        # A link to a page. Where the browser adds the log-in by itself, to the first page alone.
        opens = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        reads = scope.get("method") == "GET" and "origin" not in headers
        return opens and reads and (self.basic is None or scope["path"] == "/")


def app_of(name: str, workspace: Workspace) -> ASGIApp:
    """The guarded server: MLflow, Prefect, or Prefect for one run, whose environment leaves its pages out."""
    login = read_login(workspace.login)
    assert login, "made by the process that starts this one"
    if name == "mlflow":
        guarded = Guard(_mlflow(workspace), login)
    else:
        from prefect.server.api.server import create_app

        guarded = Guard(create_app(), None)
    return TrustedHostMiddleware(guarded, allowed_hosts=[*HOSTS], www_redirect=False)


def _mlflow(workspace: Workspace) -> ASGIApp:
    """MLflow as `mlflow server` sets it up, without its proxy for artifacts and without its queue of jobs: nothing here uses
    them."""
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR
    from mlflow.server.handlers import initialize_backend_stores

    follow_move(workspace)
    os.environ |= {BACKEND_STORE_URI_ENV_VAR: workspace.tracking_uri, ARTIFACT_ROOT_ENV_VAR: workspace.artifact_root}
    initialize_backend_stores(workspace.tracking_uri, workspace.tracking_uri, workspace.artifact_root)
    from mlflow.server.fastapi_app import app

    return app


def main(name: str, descriptor: int) -> None:
    """Serve on the socket `descriptor` until SIGTERM, or until the process at the other end of standard input is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = app_of(name, Workspace())
    config = uvicorn.Config(app, log_level="warning", access_log=False, proxy_headers=False, lifespan="on")
    uvicorn.Server(config).run([socket.socket(fileno=descriptor)])


def _end_with_parent() -> None:
    """However that process ended: a server is never left over without anybody who knows of it."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
