"""Who sends feedback: known keys, else the network peer, of whose addresses a caller cannot make several sources."""

import pytest

from components.core import FeedbackStore
from components.serving.source import source_of


@pytest.fixture
def store(tmp_path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "feedback.db")


def test_a_known_key_names_the_client_and_any_other_the_peer(store):
    key = store.add_client("ada")
    assert source_of(store, f"Bearer {key}", "10.0.0.9") == "client:ada"
    assert source_of(store, f"bearer  {key} ", "10.0.0.9") == "client:ada"
    for header in (None, "", key, "Bearer", "Bearer ada", f"Basic {key}", f"Bearer {key} x"):
        assert source_of(store, header, "10.0.0.9") == "peer:10.0.0.9"


@pytest.mark.parametrize(
    ("peers", "source"),
    [
        (("127.0.0.1", "127.0.0.2", "127.9.9.9", "::1", "::ffff:127.0.0.3"), "peer:loopback"),
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::7", "2001:db8:1:2::9%eth0"), "peer:2001:db8:1:2::/64"),
        (("10.0.0.9", "::ffff:10.0.0.9"), "peer:10.0.0.9"),
        ((None,), "peer:unknown"),
    ],
)
def test_addresses_of_one_network_are_one_source(store, peers, source):
    assert {source_of(store, None, peer) for peer in peers} == {source}
