"""A page or file of the web, by its URL, fetched so that a contract cannot make this machine ask its own network.

A contract may come from a stranger, and so may the page it names, or where that page redirects to (server-side request
forgery, CWE-918). The host is resolved once; every address of it must be a public one; the connection goes to the address
that was checked, so a second answer of the name server changes nothing; each redirect is checked as the first URL was.
Limits on bytes (packed and unpacked), on redirects and on the time of the whole. Not covered: pages that a script writes,
logins, and proxies, which would resolve the host themselves: HTTP_PROXY is not followed.
"""

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network, ip_address
from pathlib import PurePosixPath
from typing import IO

import httpcore
import httpx
from httpcore import NetworkBackend, NetworkStream, SyncBackend

from components.core import BadInput, MachineFault
from components.core.address import holds_secret, without_secrets

from ..readers import SUFFIXES
from . import Got, file_name

NAMES = ("http", "https")
PACKAGES = ()
MOST_BYTES = 200_000_000
MOST_SECONDS = 120.0
MOST_REDIRECTS = 5
TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.apache.parquet": ".parquet",
}
"""Media type → ending of a file's name. What a server sends as a mere text or as bytes is read by the ending in the URL."""
_UNTYPED = ("application/octet-stream", "binary/octet-stream", "text/plain", "")
_REDIRECTS = (301, 302, 303, 307, 308)
_UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 that IANA has given out. Tunnels into IPv4 (6to4, NAT64, mapped addresses) are refused too."""
_NOT_PUBLIC = [IPv6Network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]

_ADVICE = "Check the network; or save it by hand, and give the file's path"

Resolve = Callable[[str, int], Iterable[str]]


def is_public(address: str) -> bool:
    """Whether a packet to an IP address leaves for the internet: no loopback, private, shared, link-local (a cloud's
    metadata), multicast, reserved or documentation address, and none that carries an IPv4 address inside."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        return ip in _UNICAST and not any(ip in network for network in _NOT_PUBLIC) and ip.scope_id is None
    return ip.is_global and not ip.is_multicast


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, as the machine's resolver has them; raises OSError."""
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Guard:
    """What may be reached, how long and how much of it. Tests hand in a resolver, a loopback address and a certificate;
    nothing else does, and no setting can."""

    reachable: Callable[[str], bool] = is_public
    resolve: Resolve = resolved
    seconds: float = MOST_SECONDS
    bytes: int = MOST_BYTES
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context)


def below(url: str) -> None:
    """A page may well end with `/`, and no web server lists what lies there."""


def fetch(url: str, file: IO[bytes], guard: Guard | None = None) -> Got:
    """See the folder's `__init__`; follows redirects. Facts: ETag, date of change, and the last URL after a redirect."""
    guard = guard or Guard()
    deadline = time.monotonic() + guard.seconds
    at = _url(url)
    for _ in range(MOST_REDIRECTS + 1):
        _check(at, url)
        with _reply(at, url, guard, deadline) as reply:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in reply.headers}
            if reply.status in _REDIRECTS and "location" in headers:
                at = _onward(at, headers["location"], url)
                continue
            if reply.status != 200:
                kind = MachineFault if reply.status >= 500 or reply.status == 429 else BadInput
                raise kind(f"{_shown(url)}: the server answers {reply.status}. Correct the address, or try again later")
            name = _name(at, headers.get("content-type", ""), url)
            for block in _unpacked(reply.iter_stream(), headers.get("content-encoding", ""), guard.bytes, url):
                file.write(block)
        through = "" if at == _url(url) else _shown(str(at))
        facts = {"etag": headers.get("etag"), "changed": headers.get("last-modified"), "through": through}
        return Got(name, {key: value for key, value in facts.items() if value})
    raise BadInput(f"{_shown(url)}: it redirects more than {MOST_REDIRECTS} times")


def _shown(url: str) -> str:
    return without_secrets(url)[:300]


def _url(text: str) -> httpx.URL:
    try:
        return httpx.URL(text)
    except httpx.InvalidURL as error:
        raise BadInput(f"{_shown(text)}: is no URL ({error})") from error


def _onward(at: httpx.URL, location: str, url: str) -> httpx.URL:
    """Where a redirect leads."""
    try:
        onward = at.join(location)
    except httpx.InvalidURL as error:
        raise BadInput(f"{_shown(url)}: it redirects to what is no URL ({error})") from error
    if at.scheme == "https" and onward.scheme == "http":
        raise BadInput(f"{_shown(url)}: it redirects from https to http ({_shown(str(onward))}), which is not followed")
    return onward


def _check(at: httpx.URL, url: str) -> None:
    """Raise BadInput for an address, on the way from `url`, that is not to be asked. Its host is checked when connecting."""
    where = _shown(url) if at == _url(url) else f"{_shown(url)}: it redirects to {_shown(str(at))}"
    if at.scheme not in NAMES or not at.host:
        raise BadInput(f"{where}: give an address such as https://example.org/page.html")
    if at.userinfo or holds_secret(str(at)):
        raise BadInput(
            f"{where}: it holds a name or a password, which would be kept with every run. Save the page, and give its path"
        )


class _Checked(NetworkBackend):
    """Connects to addresses that were checked, and to nothing that is looked up again."""

    def __init__(self, guard: Guard, deadline: float, url: str) -> None:
        self._guard, self._deadline, self._url = guard, deadline, url

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        addresses = list(dict.fromkeys(self._guard.resolve(host, port)))
        if refused := [one for one in addresses if not self._guard.reachable(one)]:
            raise BadInput(
                f"{_shown(self._url)}: the host {host} is {refused[0]}, which is not on the public internet. A contract "
                "cannot ask this machine's own network: save the page, and give its path"
            )
        failed: Exception = httpcore.ConnectError(f"the host {host} has no address")
        for address in addresses:
            try:
                return _Timed(SyncBackend().connect_tcp(address, port, _left(self._deadline)), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class _Timed(NetworkStream):
    """A connection whose every part ends by one deadline: a server that sends a byte a second is not waited for."""

    def __init__(self, stream: NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    """Seconds until the deadline; raises httpcore's timeout where there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("it takes too long")
    return left


@contextmanager
def _reply(at: httpx.URL, url: str, guard: Guard, deadline: float) -> Iterator[httpcore.Response]:
    """The answer to one request. Raises MachineFault for a server that cannot be reached or breaks off."""
    where = httpcore.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=at.raw_path)
    asked = [("User-Agent", "ninefold"), ("Accept", "*/*"), ("Accept-Encoding", "gzip")]
    backend = _Checked(guard, deadline, url)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=guard.trusted, network_backend=backend) as pool,
            pool.stream("GET", where, headers=asked) as reply,
        ):
            yield reply
    except httpcore.TimeoutException as error:
        raise MachineFault(f"{_shown(url)}: it was not read within {guard.seconds:g} seconds. {_ADVICE}") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, socket.gaierror, UnicodeError) as error:
        reason = str(error) or type(error).__name__
        raise MachineFault(f"{_shown(url)}: it cannot be fetched ({reason}). {_ADVICE}") from error


def _unpacked(blocks: Iterable[bytes], encoding: str, at_most: int, url: str) -> Iterator[bytes]:
    """The body without its packing. Raises BadInput for more than `at_most` bytes, packed or not, and for other packings."""
    if encoding.lower() not in ("", "identity", "gzip"):
        raise BadInput(f"{_shown(url)}: the server packs it as {encoding[:40]!r}, which was not asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding.lower() == "gzip" else None
    came = given = 0
    for block in blocks:
        came += len(block)
        try:
            data = unpack.decompress(block, at_most - given + 1) if unpack else block
        except zlib.error as error:
            raise MachineFault(f"{_shown(url)}: what came is not packed as the server says ({error})") from error
        given += len(data)
        if max(came, given) > at_most:
            raise BadInput(f"{_shown(url)}: it is larger than {at_most / 1e6:g} MB")
        yield data
    if unpack and not unpack.eof:
        raise MachineFault(f"{_shown(url)}: it broke off. {_ADVICE}")


def _name(at: httpx.URL, said: str, url: str) -> str:
    """A file's name, with the ending of what the server says that it is. Raises BadInput for what no reader reads."""
    media = said.partition(";")[0].strip().lower()
    last = PurePosixPath(file_name(PurePosixPath(at.path).name))
    ending = last.suffix.lower()
    if media in _UNTYPED and (ending in SUFFIXES or media != "text/plain"):
        return last.name
    if media not in TYPES:
        raise BadInput(
            f"{_shown(url)}: the server says that it is '{media[:60]}', which is not read; allowed: {', '.join(TYPES)}"
        )
    known = SUFFIXES.get(ending) == SUFFIXES[TYPES[media]]
    return last.name if known else f"{last.name}{TYPES[media]}"
