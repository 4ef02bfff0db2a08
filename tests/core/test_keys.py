import os
import stat

import pytest

from components.core import BadInput
from components.core.keys import key_id, keys_folder, make_keys, private_key, public_key, sign, verified


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_a_signature_holds_for_its_bytes_only():
    assert make_keys()
    signature = sign(b"version 3")
    assert verified(b"version 3", signature)
    assert not verified(b"version 4", signature)
    assert not verified(b"version 3", signature[:-4] + "AAA=")
    assert not verified(b"version 3", "no base64 at all")


def test_a_second_call_keeps_the_pair():
    make_keys()
    before = private_key().read_bytes()
    assert not make_keys()
    assert private_key().read_bytes() == before


def test_only_the_owner_can_read_the_private_key(folder):
    make_keys()
    assert stat.S_IMODE(private_key().stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(os.listdir(folder)) == ["signing.pem", "signing.pub.pem"]


def test_another_pair_signs_nothing_of_this_one(tmp_path, monkeypatch):
    make_keys()
    signature, name = sign(b"card"), key_id()
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "other"))
    make_keys()
    assert key_id() != name
    assert not verified(b"card", signature)


def test_without_a_key_the_message_says_how_to_make_one():
    with pytest.raises(BadInput, match="ninefold keys init"):
        sign(b"card")
    with pytest.raises(BadInput, match="ninefold keys init"):
        verified(b"card", "")
    assert key_id() is None


def test_a_call_that_was_interrupted_is_finished_by_the_next():
    make_keys()
    public_key().unlink()
    assert make_keys()
    assert verified(b"card", sign(b"card"))


def test_a_lost_private_key_is_not_replaced_in_silence(folder):
    make_keys()
    private_key().unlink()
    with pytest.raises(BadInput, match="Bring the private key back"):
        make_keys()
    assert keys_folder() == folder
