"""A signed bundle is served as it was signed, or not at all."""

import os
import shutil
from pathlib import Path

import pytest

from components.core import GateRefused, MachineFault, Workspace
from components.core.keys import key_id, make_keys, revoke_key, rotate_keys
from components.core.signature import SIGNATURE, check_signature
from components.deployment.bundle import export, sign
from components.serving import free_port, start
from tests.serving.bundles import candidate


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "keys"))
    make_keys()
    return tmp_path / "keys"


def released(folder: Path, below: float | None = None) -> Path:
    """A bundle as deployment makes it, signed where there is a key; another `below` is another release."""
    store = Workspace(folder / "home").store
    made = candidate(store, folder, below)
    bundle = export(made, store, folder / "bundle", [])
    sign(made, bundle, [])
    return bundle


@pytest.fixture
def bundle(tmp_path: Path, keys: Path) -> Path:
    return released(tmp_path)


def passages(bundle: Path) -> Path:
    return next((bundle / "store").rglob("passages.jsonl"))


def flip(bundle: Path) -> None:
    path = bundle / "reference.json"  # no digest covers it, only the signature
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def flip_an_object(bundle: Path) -> None:
    path = passages(bundle)
    path.write_bytes(path.read_bytes()[:-1] + b" ")


def swap(bundle: Path) -> None:
    first, second = bundle / "candidate.json", bundle / "reference.json"
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)


def link(bundle: Path) -> None:
    path, elsewhere = bundle / "reference.json", bundle.parent / "elsewhere.json"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


def link_the_signature(bundle: Path) -> None:
    path, elsewhere = bundle / SIGNATURE, bundle.parent / "elsewhere.json"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


CHANGES = {
    "one byte": flip,
    "one byte of an object": flip_an_object,
    "a file added": lambda bundle: (bundle / "store" / "more.json").write_text("{}"),
    "a hidden file added": lambda bundle: (bundle / ".gitignore").write_text("*"),
    "a file in a git folder": lambda bundle: ((bundle / ".git").mkdir(), (bundle / ".git" / "hook").write_text("x")),
    "a file removed": lambda bundle: (bundle / "reference.json").unlink(),
    "a file renamed": lambda bundle: os.rename(passages(bundle), passages(bundle).with_name("others.jsonl")),
    "two files swapped": swap,
    "a link in place of a file": link,
    "a link to a folder added": lambda bundle: (bundle / "more").symlink_to("/etc"),
    "a link in place of the signature": link_the_signature,
    "the signature removed": lambda bundle: (bundle / SIGNATURE).unlink(),
    "an empty signature": lambda bundle: (bundle / SIGNATURE).write_text(""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_folder_is_refused(bundle: Path, change: str) -> None:
    check_signature(bundle, key_id())
    CHANGES[change](bundle)
    with pytest.raises(GateRefused, match=r"signature|not signed"):
        check_signature(bundle, key_id())
    with pytest.raises(GateRefused):
        check_signature(bundle)  # where nobody can be asked


def test_a_refusal_names_the_changed_file_and_prints_no_raw_bytes(bundle: Path) -> None:
    flip(bundle)
    flip_an_object(bundle)
    with pytest.raises(GateRefused) as refused:
        check_signature(bundle, key_id())
    said = str(refused.value)
    assert "does not hold: Hash mismatch for 'reference.json', Hash mismatch for 'store/objects/" in said
    assert "b'" not in said
    assert "Digest(" not in said


def test_a_copy_elsewhere_still_holds(bundle: Path, tmp_path: Path) -> None:
    check_signature(Path(shutil.copytree(bundle, tmp_path / "copied" / "another_name")), key_id())


def test_the_signature_of_another_key_is_refused(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = key_id()
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "other"))
    make_keys()
    with pytest.raises(GateRefused, match=f"key {mine}, and here is key {key_id()}"):
        check_signature(bundle, mine)
    with pytest.raises(GateRefused, match="does not hold"):
        check_signature(bundle)


def test_without_the_key_a_signed_release_is_not_served(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = key_id()
    monkeypatch.setenv("NINEFOLD_KEYS", "/nonexistent")
    with pytest.raises(GateRefused, match="holds no public key"):
        check_signature(bundle, mine)


def test_a_folder_that_a_retired_key_signed_is_served_until_the_key_is_revoked(bundle: Path) -> None:
    old = rotate_keys()
    check_signature(bundle, old)
    check_signature(bundle)
    flip(bundle)
    for signer in (old, None):
        with pytest.raises(GateRefused, match="does not hold"):
            check_signature(bundle, signer)
    flip(bundle)
    revoke_key(old)
    with pytest.raises(GateRefused, match=f"signed by key {old}, which was revoked"):
        check_signature(bundle, old)
    with pytest.raises(GateRefused, match="does not hold"):
        check_signature(bundle)


def test_the_signature_of_another_release_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = released(tmp_path / "other", below=0.5)
    check_signature(other, key_id())
    shutil.copy(other / SIGNATURE, bundle / SIGNATURE)
    with pytest.raises(GateRefused, match=r"does not hold: Hash mismatch for 'candidate\.json'[,.]"):
        check_signature(bundle, key_id())


def test_what_was_released_unsigned_is_served_only_on_the_registrys_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "keys"))
    bundle = released(tmp_path)
    assert not (bundle / SIGNATURE).exists()
    check_signature(bundle)  # no key, nothing to verify with
    make_keys()
    check_signature(bundle, "")
    with pytest.raises(GateRefused, match="not signed, and key"):
        check_signature(bundle)


def test_deployment_signs_nothing_that_it_did_not_write(bundle: Path, tmp_path: Path) -> None:
    made = candidate(Workspace(tmp_path / "home").store, tmp_path)
    flip(bundle)
    sign(made, bundle, [])  # what no digest covers is written anew
    check_signature(bundle, key_id())
    (bundle / "store" / "more.json").write_text("{}")
    with pytest.raises(MachineFault, match=r"more\.json: no part of the bundle"):
        sign(made, bundle, [])
    (bundle / "store" / "more.json").unlink()
    flip_an_object(bundle)
    with pytest.raises(MachineFault, match="the bundle was changed"):
        sign(made, bundle, [])


def test_a_server_starts_over_a_signed_folder_and_not_over_a_changed_one(bundle: Path, tmp_path: Path) -> None:
    from components.serving import status, stop

    workspace = Workspace(tmp_path / "home")
    start(workspace, "desk", bundle, free_port(), signer=key_id())
    stop(workspace, "desk")
    flip(bundle)
    with pytest.raises(GateRefused, match=r"reference\.json"):
        start(workspace, "desk", bundle, free_port(), signer=key_id())
    assert status(workspace, "desk") is None


def test_what_is_deployed_again_keeps_its_signature_until_the_key_is_another(bundle: Path, tmp_path: Path) -> None:
    first = (bundle / SIGNATURE).read_bytes()
    assert (released(tmp_path) / SIGNATURE).read_bytes() == first
    rotate_keys()
    assert (released(tmp_path) / SIGNATURE).read_bytes() != first
    check_signature(bundle, key_id())
    (bundle / SIGNATURE).write_text("{}")
    assert (released(tmp_path) / SIGNATURE).read_bytes() != b"{}"
    check_signature(bundle, key_id())
