"""Who sends feedback, as far as a server can know it.

A key that the operator made (`ninefold feedback client NAME`), sent as `Authorization: Bearer`, names the client. Any other
key names nobody: every OpenAI client sends one of its own choice, and could send another each time. Then the network peer
is the source: all of loopback is one (a process may call from any address of 127.0.0.0/8), so is an IPv6 network of 64 bits.
Headers that say for whom a request was forwarded are not believed, so behind a proxy without keys all callers are one
source. Not covered: a stranger with many addresses is as many sources.
"""

from ipaddress import IPv6Address, ip_address, ip_network

from components.core.feedback_store import FeedbackStore


def source_of(store: FeedbackStore, authorization: str | None, peer: str | None) -> str:
    """`client:<name>` or `peer:<address>`. authorization: the header of that name; peer: the address that connected."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and (name := store.client(key.strip())):
        return f"client:{name}"
    return f"peer:{_network(peer or 'unknown')}"


def _network(peer: str) -> str:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:  # a socket of this machine has no address
        return peer
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return "loopback"
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
