import os
import shutil
import stat

import pytest

from components.core import BadInput, keys
from components.core.keys import (
    key_id,
    keys_folder,
    make_keys,
    private_key,
    public_key,
    retired_keys,
    revoke_key,
    rotate_keys,
    sign,
    verified,
)


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


def test_a_retired_key_verifies_what_it_signed_and_signs_no_more(folder):
    make_keys()
    old, signature = key_id(), sign(b"card")
    assert rotate_keys() == old
    assert key_id() != old
    assert list(retired_keys()) == [old]
    assert verified(b"card", signature, old)
    assert not verified(b"card", signature), "today's key did not sign it"
    assert not verified(b"card", sign(b"card"), old)
    assert stat.S_IMODE(private_key().stat().st_mode) == 0o600
    second = key_id()
    rotate_keys()
    assert set(retired_keys()) == {old, second}
    assert verified(b"card", signature, old)


def test_a_public_key_that_was_put_under_another_name_verifies_nothing(folder):
    make_keys()
    old, signature = key_id(), sign(b"card")
    rotate_keys()
    shutil.copy(public_key(), folder / "retired" / f"{old}.pub.pem")
    with pytest.raises(BadInput, match="no public key"):
        verified(b"card", signature, old)
    assert public_key("../signing") is None


@pytest.mark.parametrize("effect", range(16))
def test_a_rotation_that_was_killed_is_finished_by_the_next(folder, monkeypatch, effect):
    """Killed before each thing that it does to the folder: one key is retired in the end, and what it signed holds."""
    make_keys()
    old, signature = key_id(), sign(b"card")
    done = []

    def dying(name, function):
        def wrapped(*given, **named):
            if len(done) == effect:
                raise KeyboardInterrupt
            done.append(name)
            return function(*given, **named)

        return wrapped

    with monkeypatch.context() as cut:
        for name in ("publish_bytes", "publish_json", "publish_private"):
            cut.setattr(keys, name, dying(name, getattr(keys, name)))
        cut.setattr(keys.Path, "unlink", dying("unlink", keys.Path.unlink))
        cut.setattr(keys.os, "replace", dying("replace", os.replace))
        try:
            rotate_keys()
        except KeyboardInterrupt:
            assert len(done) == effect
    assert rotate_keys() == old or len(retired_keys()) == 2, "a finished one is followed by another"
    assert old in retired_keys()
    assert key_id() not in retired_keys()
    assert verified(b"card", signature, old)
    assert verified(b"card", sign(b"card"))


def test_todays_key_is_replaced_before_it_is_revoked():
    make_keys()
    old = key_id()
    revoked = revoke_key(old)
    assert revoked.revoked >= revoked.at
    assert retired_keys() == {old: revoked}
    assert revoke_key(old) == revoked
    assert verified(b"card", sign(b"card"))
    with pytest.raises(BadInput, match=f"holds no key 'abc'; there are {key_id()}, {old}"):
        revoke_key("abc")
