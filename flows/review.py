"""`ninefold review`: the page on which a reviewer reads a version and approves or rejects it. Plain HTML, no script.

    GET  /                       versions, newest first, and what each waits for
    GET  /<model>/<version>      verdict and gates, what changed since the champion, evidence with a filter, card, the form
    GET  /<model>/<version>/digest/<digest>     the table or the step that a digest of the page names
    GET  /<model>/<version>/picture/<number>    a plot of the card's key figures
    POST /<model>/<version>      the decision, then back to the page

Loopback only. Whoever opens it needs the key in the address that the command prints; it is then kept in a cookie that no
other site can send, named by the port, since two of these servers in one browser would share it. A decision needs a token of
the page besides, the browser's word that it comes from this page, and the digest of what was read: what changed meanwhile is
not approved. Not covered: another server on this machine's loopback that the same browser opens is sent the cookie too,
whatever its port.
"""

import hmac
import secrets
import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from rich.console import Console
from starlette.middleware.base import RequestResponseEndpoint
from starlette.middleware.trustedhost import TrustedHostMiddleware

from components import cards, governance
from components.core import BadInput, GateRefused, MachineFault, NinefoldError, Workspace
from components.governance import approvals
from flows.approve import decide
from flows.review_evidence import LINES, opened
from flows.review_page import render, version_page

HOSTS = ("127.0.0.1", "localhost")
LARGEST = 20_000
"""Bytes of a form."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STYLE = Path(__file__).parent / "templates/review.css"


def review(port: int) -> None:
    """Serve the pages on loopback until Ctrl-C or SIGTERM."""
    import uvicorn

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise MachineFault(f"port {port} is taken: stop what listens there, or give another with --port")
    key = secrets.token_urlsafe(24)
    Console().print(f"  review   http://127.0.0.1:{port}/?key={key}", soft_wrap=True, highlight=False)
    Console().print("  Ctrl-C stops it; the address lets its reader approve, so keep it to yourself")
    uvicorn.run(create_app(Workspace(), key), host="127.0.0.1", port=port, log_level="warning", access_log=False)


def create_app(workspace: Workspace, key: str) -> FastAPI:
    """The pages over one workspace. key: what the first request must bring in its address."""
    app = FastAPI(title="Ninefold review", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*HOSTS])
    token = secrets.token_urlsafe(24)

    @app.middleware("http")
    async def guarded(request: Request, go_on: RequestResponseEndpoint) -> Response:
        response = _entered(request, key) or await go_on(request)
        response.headers.update(HEADERS)
        return response

    @app.get("/review.css")
    def style() -> Response:
        return Response(STYLE.read_text(), media_type="text/css")

    @app.get("/")
    def versions() -> HTMLResponse:
        registry = governance.Registry(workspace)
        rows, lines = [], []
        for model in registry.models():
            lines += [f"{model}: {line}" for line in governance.tampered(workspace, model)]
            rows += [_row(workspace, registry, version) for version in reversed(registry.versions(model))]
        return HTMLResponse(render("review_index.html.j2", rows=rows, tampered=lines))

    @app.get("/{model}/{version}")
    def page(model: str, version: int, words: str = "", show: str = "all", done: str = "") -> HTMLResponse:
        asked = {"words": words[:200], "show": show}
        return HTMLResponse(version_page(workspace, model, version, token, asked, done=done))

    @app.get("/{model}/{version}/digest/{name}")
    def digest(model: str, version: int, name: str) -> HTMLResponse:
        chosen = governance.registered(workspace, model, version)
        shown = opened(workspace, chosen, name)
        return HTMLResponse(render("review_digest.html.j2", version=chosen, opened=shown, lines=LINES))

    @app.get("/{model}/{version}/picture/{number}")
    def picture(model: str, version: int, number: int) -> Response:
        card = governance.card_file(workspace, governance.registered(workspace, model, version))
        drawn = cards.pictures(cards.read_record(card)) if card else []
        if not 0 <= number < len(drawn):
            raise BadInput(f"{model} version {version} has no picture {number}")
        return Response(drawn[number][0], media_type="image/svg+xml")

    @app.post("/{model}/{version}")
    async def decided(model: str, version: int, request: Request) -> Response:
        form = await _form(request)
        _same_site(request, form, token)
        fields = {name: form.get(name, "") for name in ("by", "role", "reason", "decision", "seen")}
        try:
            if fields["decision"] not in ("approve", "reject"):
                raise BadInput("choose Approve or Reject")
            decide(
                fields["decision"], model, version, fields["by"], fields["reason"], role=fields["role"],
                seen=fields["seen"] or "not stated", workspace=workspace,
            )  # fmt: skip
        except (BadInput, GateRefused, MachineFault) as error:
            shown = version_page(
                workspace, model, version, token, {"words": "", "show": "all"}, filled=fields, error=str(error)
            )
            return HTMLResponse(shown, 422)
        return RedirectResponse(f"/{model}/{version}?done={fields['decision']}", 303)

    @app.exception_handler(NinefoldError)
    def explained(_: Request, error: NinefoldError) -> HTMLResponse:
        return HTMLResponse(render("review_error.html.j2", error=str(error)), 404 if isinstance(error, BadInput) else 409)

    return app


class Forbidden(NinefoldError):
    """The request did not come from a page of this server."""


def _entered(request: Request, key: str) -> Response | None:
    """None for a reader who brought the key; else the answer that sets the cookie, or turns them away."""
    given = request.query_params.get("key", "")
    if given and hmac.compare_digest(given.encode(), key.encode()):
        response = RedirectResponse(request.url.path, 303)
        response.set_cookie(_cookie(request), key, httponly=True, samesite="strict")
        return response
    brought = request.cookies.get(_cookie(request), "")
    if request.url.path == "/review.css" or hmac.compare_digest(brought.encode(), key.encode()):
        return None
    message = "Open the address that `ninefold review` printed: it holds the key to these pages."
    return HTMLResponse(render("review_error.html.j2", error=message), 403)


def _cookie(request: Request) -> str:
    return f"ninefold_review_{request.url.port or 80}"


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise Forbidden(f"the form is larger than {LARGEST} bytes")
    return {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _same_site(request: Request, form: dict[str, str], token: str) -> None:
    """Raise Forbidden unless a page of this very server sent the form."""
    origin = urlsplit(request.headers.get("origin", ""))
    if origin.netloc != request.headers.get("host") or origin.scheme != request.url.scheme:
        raise Forbidden("the decision came from another site and was not recorded")
    if not hmac.compare_digest(form.get("token", "").encode(), token.encode()):
        raise Forbidden("this page was opened before the server was started anew: load it again. Nothing was recorded")


def _row(workspace: Workspace, registry: governance.Registry, version: governance.Registered) -> dict[str, object]:
    standing = governance.state(workspace, version, approvals.now())
    aliases = [alias for alias in governance.ALIASES if registry.holder(version.model, alias) == version.version]
    return {
        "model": version.model,
        "version": version.version,
        "aliases": aliases,
        "state": standing.lacks or f"approved until {standing.until}",
        "tier": version.risk_tier,
    }
