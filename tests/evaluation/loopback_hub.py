"""A stand-in for the Hugging Face hub on loopback: the few endpoints that `datasets` reads a public data set through.

One data set, made for the tests in the form of GLUE's `sst2` and `mrpc` (Parquet a split, configurations in the card's
metadata); its sentences are made too.
"""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pyarrow as pa
import pyarrow.parquet as pq

FOLDERS = ("sst2", "mrpc")
REPOSITORY, REVISION = "nyu-mll/glue", "a1b2c3d4e5" * 4
ROWS = {"train": 12, "validation": 30}
CARD = (
    "---\nlicense: cc-by-4.0\nconfigs:\n"
    + "".join(
        f"- config_name: {name}\n  data_files:\n"
        + "".join(f"  - split: {split}\n    path: {name}/{split}-*\n" for split in ROWS)
        for name in FOLDERS
    )
    + "---\nMade for a test.\n"
)


def _table(name: str, split: str) -> bytes:
    rows = range(ROWS[split])
    if name == "sst2":
        texts = {"sentence": [f"{split} film {i} is {('dull', 'a joy', 'fine')[i % 3]}" for i in rows]}
    else:
        texts = {f"sentence{j}": [f"{split}: the {i * j} {('ships', 'kings')[i % 2]} came" for i in rows] for j in (1, 2)}
    file = io.BytesIO()
    pq.write_table(pa.table({**texts, "label": [(i * 7 // 3) % 2 for i in rows], "idx": list(rows)}), file)
    return file.getvalue()


FILES = {"README.md": CARD.encode()} | {
    f"{name}/{split}-00000-of-00001.parquet": _table(name, split) for name in FOLDERS for split in ROWS
}


class _Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body)["paths"]
        self._json([_entry(path) for path in asked if path in (*FILES, *FOLDERS)])

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        about, resolved = f"/api/datasets/{REPOSITORY}", f"/datasets/{REPOSITORY}/resolve/{REVISION}/"
        if path in (about, f"{about}/revision/{REVISION}"):
            siblings = [{"rfilename": name} for name in FILES]
            self._json({"id": REPOSITORY, "sha": REVISION, "siblings": siblings, "cardData": {"license": "cc-by-4.0"}})
        elif path.startswith(f"{about}/tree/{REVISION}"):
            folder = path.removeprefix(f"{about}/tree/{REVISION}").strip("/")
            below = [name for name in (*FOLDERS, *FILES) if name.startswith(f"{folder}/" if folder else "")]
            deep = "recursive=true" in self.path.lower()
            self._json([_entry(name) for name in below if deep or name.rpartition("/")[0] == folder])
        elif path.startswith(resolved) and path.removeprefix(resolved) in FILES:
            content = FILES[path.removeprefix(resolved)]
            self._say(200, content, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": REVISION})
        else:
            self._say(404, b'{"error": "not here"}', {"X-Error-Code": "EntryNotFound"})

    def _json(self, value: Any) -> None:
        self._say(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _entry(path: str) -> dict[str, Any]:
    if path in FOLDERS:
        return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}
    return {"type": "file", "path": path, "size": len(FILES[path]), "oid": hashlib.sha1(FILES[path]).hexdigest()}


@contextmanager
def loopback_hub() -> Iterator[str]:
    """Its address, while it answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
