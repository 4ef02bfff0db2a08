"""What is PostgreSQL's own: an address that nobody gets to see, connections that are cut, and two that build at once."""

import logging
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from components.application.stores import drop_form, forms_held, open_store, pgvector
from components.core import MachineFault, Store

from .pgvector import served
from .test_stores import INDEX, rows


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("pgvector")) as environment:
        yield environment[pgvector.URL]


@pytest.fixture
def store(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv(pgvector.URL, url)
    store = Store(tmp_path)
    yield store
    monkeypatch.setenv(pgvector.URL, url)
    drop_form("pgvector", INDEX, store.derived)


def changed(url: str) -> dict[str, str]:
    """Addresses that do not work, each with a password in it that libpq repeats in what it says, or may."""
    password = url.split(":")[2].split("@")[0]
    return {
        "no address": url.replace(":", "%%", 1),
        "wrong password": url.replace("@", "x@"),
        "no host": url.replace("127.0.0.1", "nosuch.invalid"),
        "no base": url.replace("/postgres", "/none"),
        "sign at": url.replace("127.0.0.1", f"{password}@127.0.0.1"),
        "sign slash": url.replace(password, f"a/{password}"),
        "space": url.replace(password, f"a {password}"),
    }


def test_the_password_is_in_no_message_no_log_and_no_file(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    password = url.split(":")[2].split("@")[0]
    open_store("pgvector", INDEX, rows(), store).close()
    for what, address in changed(url).items():
        monkeypatch.setenv(pgvector.URL, address)
        with pytest.raises(MachineFault, match=f"no connection by {pgvector.URL}") as raised:
            open_store("pgvector", INDEX, rows(), store)
        assert password not in str(raised.getrepr()), what
    assert password not in caplog.text
    files = [path for path in store.root.rglob("*") if path.is_file()]
    assert files, "the note for `ninefold forget`"
    assert not any(password.encode() in path.read_bytes() for path in files)


def test_what_the_server_refuses_is_said_without_the_password(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = secrets.token_hex(8)
    with psycopg.connect(url) as base:
        base.execute("drop extension if exists vector cascade")
        base.execute(f"create role reader login password '{word}'")
    monkeypatch.setenv(pgvector.URL, f"postgresql://reader:{word}@{url.split('@')[1]}")
    with pytest.raises(
        MachineFault, match=r"the database lacks pgvector .*its owner runs: create extension vector"
    ) as first:
        open_store("pgvector", INDEX, rows(), store)
    with psycopg.connect(url) as base:
        base.execute("create extension vector")
    with pytest.raises(MachineFault, match="refuses: permission denied for schema public") as second:
        open_store("pgvector", INDEX, rows(), store)
    assert word not in f"{first.getrepr()}{second.getrepr()}"


def test_without_an_address_only_what_was_never_there_is_forgotten(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(pgvector.URL)
    with pytest.raises(MachineFault, match=f"needs the environment variable {pgvector.URL}"):
        open_store("pgvector", INDEX, rows(), store)
    assert forms_held({INDEX}, store.derived) == []
    monkeypatch.setenv(pgvector.URL, url)
    open_store("pgvector", INDEX, rows(), store).close()
    monkeypatch.delenv(pgvector.URL)
    with pytest.raises(MachineFault, match=f"set {pgvector.URL} and repeat"):
        forms_held({INDEX}, store.derived)
    monkeypatch.setenv(pgvector.URL, url)
    (store.derived / f"pgvector-{INDEX}").unlink()
    assert forms_held({INDEX, "2" * 64}, store.derived) == [("pgvector", INDEX)], "the note may be lost"


def test_a_connection_that_was_cut_is_opened_again(store: Store) -> None:
    form = open_store("pgvector", INDEX, rows(), store)
    before = form.search(rows().vectors[:2], 3)
    with psycopg.connect(os.environ[pgvector.URL]) as base:
        base.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
    after = form.search(rows().vectors[:2], 3)
    assert [list(numbers) for numbers, _ in after] == [list(numbers) for numbers, _ in before]
    form.close()


def test_two_that_build_at_once_both_have_all_of_it(store: Store) -> None:
    whole = rows(3000)
    with ThreadPoolExecutor(2) as pool:
        forms = list(pool.map(lambda _: open_store("pgvector", INDEX, whole, store), range(2)))
    for form in forms:
        assert whole.equals(form.rows())
        form.close()
