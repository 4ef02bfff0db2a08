"""One server process: a bundle on a port, until SIGTERM; requests in flight are then answered before it leaves.

    python -m components.serving --bundle FOLDER --home WORKSPACE --name voice_helpdesk --port 8000

Binds loopback. `--container` binds all addresses instead, for an image whose port is published on the host's loopback.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

from components.core import Machine, NinefoldError, Workspace

DRAIN_SECONDS = 30
"""How long requests in flight may take after SIGTERM."""


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m components.serving", description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True, help="workspace for the traffic log and feedback")
    parser.add_argument("--name", required=True, help="name of the registered model")
    parser.add_argument("--version", default=None)
    parser.add_argument("--endpoint", help="write down under this name that this process serves")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--signer", help="key that the release was signed by; empty: released unsigned")
    parser.add_argument("--trace", action="store_true", help="write MLflow traces")
    parser.add_argument("--container", action="store_true", help="bind all addresses")
    try:
        serve(parser.parse_args())
    except NinefoldError as error:  # what the log of a process or a container ends with is one message
        print(f"ninefold: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def serve(given: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT. given: the command line's values."""
    import uvicorn

    from components.core.signature import check_signature

    from .app import create_app
    from .body_limit import CONNECTIONS
    from .endpoint import record

    check_signature(given.bundle, given.signer)
    if given.endpoint:
        workspace = Workspace(given.home)
        record(workspace, given.endpoint, given.bundle, given.port, given.name, given.version, os.getpid())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app = create_app(
        given.bundle,
        Workspace(given.home),
        name=given.name,
        version=given.version,
        machine=Machine(device=given.device, threads=given.threads),
        trace=given.trace,
        hosts=("*",) if given.container else ("127.0.0.1", "localhost"),
    )
    uvicorn.run(
        app,
        host="0.0.0.0" if given.container else "127.0.0.1",
        port=given.port,
        log_level="warning",
        proxy_headers=False,  # else any caller on loopback says by a header which peer he is
        timeout_graceful_shutdown=DRAIN_SECONDS,
        limit_concurrency=CONNECTIONS,
    )
