"""Sources by URL, from real servers on loopback: what is fetched once, and what a contract or a page cannot make us ask.

Each test names the one loopback address that may be reached; a trap listens on another, and nothing may ever come there.
"""

import gzip
import io
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.core import BadInput, MachineFault, Workspace, file_digest
from components.core.errors import Damaged
from components.core.files import read_json
from components.data.fetched import fetched
from components.data.places import web
from components.data.places.web import Guard, is_public

from .conftest import QUESTIONS, Bench, question_rows, write
from .test_readers import PAGE

SERVER, TRAP = "127.0.0.1", "127.0.0.2"


class Site:
    """A server on loopback. pages: path → (status, headers, body); asked: paths, in their order."""

    def __init__(self, address: str) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, headers, body = site.pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests are quiet."""

        class Server(ThreadingHTTPServer):
            def verify_request(self, request: object, client_address: object) -> bool:
                site.connections += 1
                return True

        self.connections = 0
        self.server = Server((address, 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def page(self, path: str, body: bytes | str = PAGE, media: str = "text/html", status: int = 200, **headers: str) -> str:
        """Put a page there; its URL, at a host that `guard` resolves."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, {"Content-Type": media} | named, body.encode() if isinstance(body, str) else body)
        return f"http://pages.example:{self.port}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site(SERVER)
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def trap() -> Iterator[Site]:
    """What a forged request would reach. Nothing may come here, not even a connection."""
    one = Site(TRAP)
    yield one
    one.server.shutdown()
    one.server.server_close()
    assert one.connections == 0


def guard(*answers: str, **more: Any) -> Guard:
    """Lets SERVER alone be reached. answers: of the name server, the last one again and again."""
    left = list(answers or (SERVER,))

    def resolve(host: str, port: int) -> list[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            return [left.pop(0) if len(left) > 1 else left[0]]

    return Guard(reachable=lambda address: address == SERVER, resolve=resolve, **more)


def get(url: str, given: Guard | None = None) -> tuple[str, bytes, dict[str, str]]:
    file = io.BytesIO()
    got = web.fetch(url, file, given or guard())
    return got.name, file.getvalue(), got.facts


def test_a_page_becomes_passages_and_its_provenance_says_whence(bench: Bench, site: Site) -> None:
    url = site.page("/wall", ETag='"7"')
    fetched(url, bench.workspace, partial(web.fetch, guard=guard()))
    write(bench.folder / "calls.jsonl", question_rows())
    calls = {"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"}
    page = {"name": "wall", "path": url, "role": "knowledge", "licence": "CC-BY-4.0"}
    done = bench.prepare(QUESTIONS, bench.data(calls, page))
    assert site.asked == ["/wall"], "fetched once"
    known = read_json(bench.store.file(done.dataset.provenance))["sources"][1]
    assert (known["path"], known["licence"], known["formats"]) == (url, "CC-BY-4.0", ["html"])
    assert known["sha256"] == known["fetched"]["sha256"]
    assert (known["fetched"]["url"], known["fetched"]["etag"]) == (url, '"7"')
    assert datetime.fromisoformat(known["fetched"]["at"]) > datetime.now(UTC) - timedelta(minutes=5)


def test_what_was_fetched_is_read_again_without_the_server(tmp_path: Path, site: Site) -> None:
    workspace, url = Workspace(tmp_path), site.page("/a.txt", "Boats.", "text/plain")
    path = fetched(url, workspace, partial(web.fetch, guard=guard()))
    assert (path.name, path.read_text()) == ("a.txt", "Boats.")
    assert fetched(url, workspace) == path
    path.unlink()  # as `ninefold forget` does
    assert fetched(url, workspace, partial(web.fetch, guard=guard())).read_text() == "Boats."
    assert site.asked == ["/a.txt", "/a.txt"]
    path.write_text("Other boats.")
    with pytest.raises(Damaged, match=r"not that of what was fetched.*delete .* and run again"):
        fetched(url, workspace)


def test_nothing_is_kept_of_what_did_not_come_whole(tmp_path: Path, site: Site) -> None:
    url = site.page("/a.txt", "Boats.", "text/plain", Content_Length="100")
    with pytest.raises(MachineFault, match="cannot be fetched"):
        fetched(url, Workspace(tmp_path), partial(web.fetch, guard=guard()))
    assert list(Workspace(tmp_path).fetched.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "media", "name"),
    [
        ("/wall", "text/html; charset=utf-8", "wall.html"),
        ("/", "text/html", "page.html"),
        ("/wall.php", "text/html", "wall.php.html"),
        ("/a.md", "text/plain", "a.md"),
        ("/a", "text/plain", "a.txt"),
        ("/a.pdf", "application/octet-stream", "a.pdf"),
        ("/a.JSONL", "application/json", "a.JSONL"),
        ("/%2e%2e%2fabout.json", "application/json", "about.json"),
        ("/a%00b.csv", "text/csv", "a_b.csv"),
    ],
)
def test_a_file_is_named_by_what_the_server_says_it_is(site: Site, path: str, media: str, name: str) -> None:
    assert get(site.page(path, "x", media))[0] == name


@pytest.mark.parametrize("media", ["image/png", "application/zip", "application/x-python-pickle", "text/javascript"])
def test_what_no_reader_reads_is_refused(site: Site, media: str) -> None:
    with pytest.raises(BadInput, match=rf"says that it is '{media}', which is not read; allowed: text/html"):
        get(site.page("/a", "x", media))


REFUSED = (
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "192.0.0.1"),
    *("192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:0:7f00:1::", "2606:4700::1%eth0"),
)


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_inside_is_refused_before_a_connection(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(BadInput, match="not on the public internet"):
        get("http://pages.example/", Guard(resolve=lambda host, port: ["8.8.8.8", address]))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_a_public_address_is_let_through(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.2:{port}/", "http://127.2:{port}/", "http://2130706434:{port}/", "http://0x7f000002:{port}/"),
        *("http://0177.0.0.2:{port}/", "http://127.0.0.2.:{port}/", "http://[::ffff:127.0.0.2]:{port}/"),
        *(
            "http://[::ffff:7f00:2]:{port}/",
            "http://１２７.０.０.２:{port}/",
            "http://127。0。0。2:{port}/",
            "http://localhost:{port}/",
        ),
        *("http://pages.example@127.0.0.2:{port}/", "http://127.0.0.2:{port}#@pages.example/", "HTTP://127.0.0.2:{port}/"),
        *("http://127.0.0.2:{port}\\@pages.example/", "http:127.0.0.2:{port}/", "http:///127.0.0.2:{port}/"),
        *("ftp://127.0.0.2:{port}/", "file:///etc/passwd", "gopher://127.0.0.2:{port}/", "//127.0.0.2:{port}/"),
        *(
            "http://127.0.0.2:{port}/ HTTP/1.1\r\nX: y",
            "http://127.0.0.2%00.example:{port}/",
            "http://[fe80::1%25lo]:{port}/",
        ),
        *(
            "http://" + "a" * 70 + ".example/",
            "http://:{port}/",
            "http://127.0.0.2:99999/",
            "http://127.0.0.2:0/",
            "http://",
        ),
    ],
)
def test_no_spelling_of_an_inner_address_is_asked(trap: Site, site: Site, url: str) -> None:
    """As the contract's URL with the real resolver and the real rule, and as where a page redirects to."""
    there = url.format(port=trap.port)
    with pytest.raises((BadInput, MachineFault)) as caught:
        get(there, Guard())
    assert len(str(caught.value)) < 600
    if not any(letter in there for letter in "\r\n") and there.isascii():
        with pytest.raises((BadInput, MachineFault)):
            get(site.page("/go", status=302, Location=there))


def test_a_redirect_is_followed_and_told(site: Site) -> None:
    site.page("/there/a.txt", "Boats.", "text/plain")
    name, body, facts = get(site.page("/go", status=301, Location="there/a.txt"))
    assert (name, body) == ("a.txt", b"Boats.")
    assert facts["through"] == f"http://pages.example:{site.port}/there/a.txt"


def test_redirects_without_end_are_not_followed(site: Site) -> None:
    with pytest.raises(BadInput, match="redirects more than 5 times"):
        get(site.page("/go", status=307, Location="/go"))
    assert len(site.asked) == 6


def test_a_host_that_moves_after_it_was_checked_is_not_asked_there(site: Site, trap: Site) -> None:
    """DNS rebinding: the second answer would be the trap; on a redirect to itself it is asked for, and refused."""
    site.page("/b.txt", "Boats.", "text/plain")
    moving = guard(SERVER, TRAP)
    assert get(f"http://pages.example:{site.port}/b.txt", moving)[1] == b"Boats."
    with pytest.raises(BadInput, match=r"the host pages\.example is 127\.0\.0\.2, which is not on the public internet"):
        get(site.page("/go", status=302, Location=f"http://pages.example:{trap.port}/"), guard(SERVER, TRAP))
    one_of_two = Guard(reachable=lambda address: address == SERVER, resolve=lambda host, port: [SERVER, TRAP])
    with pytest.raises(BadInput, match="not on the public internet"):
        get(f"http://pages.example:{site.port}/b.txt", one_of_two)


@pytest.mark.parametrize(
    "url", ["http://me:secret@pages.example/", "http://me@pages.example/", "http://pages.example/?token=secret"]
)
def test_a_url_with_a_password_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(BadInput, match="holds a name or a password") as caught:
        get(url)
    assert "secret" not in str(caught.value)


def test_too_much_is_refused_while_it_comes_packed_or_not(site: Site) -> None:
    assert get(site.page("/a.txt", gzip.compress(b"Boats."), "text/plain", Content_Encoding="gzip"))[1] == b"Boats."
    with pytest.raises(BadInput, match="it is larger than 1 MB"):
        get(site.page("/a.txt", b"a" * 1_000_001, "text/plain"), guard(bytes=1_000_000))
    bomb = gzip.compress(b"a" * 50_000_000)
    with pytest.raises(BadInput, match="it is larger than 1 MB"):
        get(site.page("/a.txt", bomb, "text/plain", Content_Encoding="gzip"), guard(bytes=1_000_000))
    with pytest.raises(MachineFault, match="broke off"):
        get(site.page("/a.txt", bomb[:-9], "text/plain", Content_Encoding="gzip"), guard(bytes=100_000_000))
    with pytest.raises(BadInput, match="packs it as 'br'"):
        get(site.page("/a.txt", b"x", "text/plain", Content_Encoding="br"))


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 999\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for(head: bytes) -> None:
    stop = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with closing(connection):
            connection.sendall(head)
            while not stop.wait(0.05):
                connection.send(b"x")

    with closing(socket.create_server((SERVER, 0))) as listening:
        thread = threading.Thread(target=drip, args=(listening,), daemon=True)
        thread.start()
        start = time.monotonic()
        with pytest.raises(MachineFault, match=r"not read within 0\.5 seconds"):
            get(f"http://pages.example:{listening.getsockname()[1]}/a.txt", guard(seconds=0.5))
        assert time.monotonic() - start < 2
        stop.set()
        thread.join(5)


@pytest.mark.parametrize(("status", "kind"), [(404, BadInput), (403, BadInput), (429, MachineFault), (503, MachineFault)])
def test_what_the_server_refuses_is_said(site: Site, status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"the server answers {status}"):
        get(site.page("/a", status=status))


def test_a_server_that_cannot_be_reached_is_the_machines_fault_with_its_key(bench: Bench) -> None:
    """This machine is offline, or the name does not exist anywhere (RFC 6761)."""
    page = {"name": "wall", "path": "https://pages.invalid/wall", "role": "knowledge"}
    with pytest.raises(
        MachineFault, match=r"data\.sources\.0\.path: https://pages\.invalid/wall: it cannot be fetched .*Check"
    ):
        bench.prepare(QUESTIONS, bench.data(page))


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(of the server, of a client that trusts it), for the host `pages.example` alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pages.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime.now(UTC) - timedelta(1)).not_valid_after(datetime.now(UTC) + timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("pages.example")]), critical=False)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


def test_the_certificate_is_that_of_the_host_although_an_address_is_asked(tmp_path: Path, site: Site) -> None:
    server, client = certificate(tmp_path)
    site.server.socket = server.wrap_socket(site.server.socket, server_side=True)
    url = site.page("/a.txt", "Boats.", "text/plain").replace("http:", "https:")
    assert get(url, guard(trusted=client))[1] == b"Boats."
    for other in (guard(), guard(trusted=client)):
        where = url if other.trusted is not client else url.replace("pages.example", "other.example")
        with pytest.raises(MachineFault, match="certificate verify failed"):
            get(where, other)
    with pytest.raises(BadInput, match="redirects from https to http"):
        get(site.page("/go", status=302, Location="http://pages.example/").replace("http:", "https:"), guard(trusted=client))


def test_a_fetched_file_is_the_one_that_came(tmp_path: Path, site: Site) -> None:
    url = site.page("/about.json", '[{"passage": "x"}]', "application/json")
    path = fetched(url, Workspace(tmp_path), partial(web.fetch, guard=guard()))
    known = read_json(path.parents[1] / "about.json")
    assert (path.name, known["sha256"], known["url"]) == ("about.json", file_digest(path), url)
