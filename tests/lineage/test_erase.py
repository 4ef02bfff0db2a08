"""What is forgotten is gone from every corner, and what has nothing to do with it stays."""

import gzip
import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from components.application.index_rows import IndexRows
from components.application.stores import NAMES, drop_form, forms_held, open_store
from components.core import Feedback, FeedbackStore, MachineFault
from components.lineage import Subject, content, erase, search, touched, with_rows
from tests.application.stores import all_served

from .small import ADA, ROWS, filled, put

SUBJECT = Subject.of(ADA)


def test_nothing_is_left_and_the_rest_is_as_it_was(tmp_path):
    workspace = filled(tmp_path)
    (workspace.root / "packed.gz").write_bytes(gzip.compress(f"for {ADA}".encode()))
    assert ADA.encode() in (workspace.root / "other.db").read_bytes(), "a deleted row stands in a free page"
    found = touched(workspace, SUBJECT)
    erase(workspace, SUBJECT, found)
    assert search(workspace, SUBJECT) == []
    everything = [path.read_bytes().lower() for path in workspace.root.rglob("*") if path.is_file()]
    assert not any(ADA.encode() in content for content in everything)
    assert workspace.store.damaged() == []
    assert [item.question for item in FeedbackStore(workspace.feedback).list()] == ["someone else"]
    assert (workspace.logs / "run.log").read_text() == "asked by someone else\n"
    with closing(sqlite3.connect(workspace.root / "other.db")) as database:
        assert database.execute("select body from notes").fetchall() == [('{"said": "by [forgotten]"}',)]


def test_a_source_and_what_a_person_said_of_feedback_are_forgotten_and_the_decision_stays(tmp_path):
    workspace = filled(tmp_path)
    store = FeedbackStore(workspace.feedback)
    store.add(Feedback(kind="rating", answer_id="3", rating=1, id="theirs"), source=f"client:{ADA}")
    store.add(Feedback(kind="rating", answer_id="4", rating=1, id="others"), source="client:desk")
    store.review("", ["others"], "reject", "Grace", f"it is about {ADA}")
    erase(workspace, SUBJECT, touched(workspace, SUBJECT))
    assert search(workspace, SUBJECT) == []
    ids = [one.item.id for one in store.received("")]
    assert ("theirs" in ids, "others" in ids) == (False, True)
    assert store.received("")[-1].review.verdict == "reject"


def test_weights_that_were_taught_go_and_the_base_model_stays(tmp_path):
    workspace = filled(tmp_path)
    why = {item.role: item.why.split()[0] for item in touched(workspace, SUBJECT) if item.kind == "object"}
    assert why == {"train": "holds", "adapter lora sft": "made", "weights": "made"}


def test_a_planted_canary_is_what_weights_were_made_from(tmp_path):
    workspace = filled(tmp_path, {"train": ROWS["test"], "canaries": ROWS["train"]})
    found = [item for item in touched(workspace, SUBJECT) if item.kind == "object"]
    assert {item.role for item in found} >= {"canaries", "adapter lora sft"}


def test_a_row_of_test_taught_nothing(tmp_path):
    workspace = filled(tmp_path, {"train": ROWS["test"], "test": ROWS["train"]})
    assert [item.role for item in touched(workspace, SUBJECT) if item.kind == "object"] == ["test"]


def test_what_was_made_of_a_row_under_its_id_goes_with_it(tmp_path):
    workspace, row = filled(tmp_path), ROWS["train"][0]
    mistyped = put(workspace, "mistyped", rows_jsonl=[row | {"text": "What did aad@exmaple.org ask for?"}])
    swapped = put(workspace, "swapped", outcomes_jsonl=[{"id": f"{row['id']} gender", "asked": "What did Adam ask for?"}])
    figures = put(workspace, "figures", beside_json=json.dumps({"values": {row["id"]: 0.5}}))
    other = put(workspace, "other", outcomes_jsonl=[{"id": f"{ROWS['test'][0]['id']} gender", "asked": "Who asked?"}])
    subject = with_rows(workspace.store, SUBJECT)
    assert subject.rows == (row["id"],)
    found = touched(workspace, subject)
    assert {mistyped, swapped, figures} <= {item.id for item in found}
    assert other not in {item.id for item in found}
    erase(workspace, subject, found)
    assert search(workspace, subject) == []
    assert workspace.store.has(other)


def test_the_id_of_a_row_is_no_part_of_a_digest(tmp_path):
    subject = Subject(phrases=(), rows=("a" * 16,))
    assert not any(subject.holds(text) for text in ("a" * 64, "a" * 17, f"f{'a' * 16}"))
    assert subject.without(f"row {'a' * 16}, {'a' * 64}") == f"row [forgotten], {'a' * 64}"


def test_steps_whose_payload_went_are_not_sealed_any_more(tmp_path):
    workspace = filled(tmp_path)
    before = [one.key[0] for one in workspace.store.seals() if workspace.store.sealed(one.key)]
    erase(workspace, SUBJECT, touched(workspace, SUBJECT))
    after = [one.key[0] for one in workspace.store.seals() if workspace.store.sealed(one.key)]
    assert sorted(before) == ["c", "d", "e", "o", "s"]
    assert sorted(after) == ["c", "s"]
    kinds = sorted(one.kind for one in workspace.store.tombstones().values())
    assert kinds == ["object", "object", "object", "seal"], "the tuned prompt shows the row: its seal goes too"


def test_the_forms_that_stores_keep_of_an_index_go_with_it_and_others_stay(tmp_path):
    with all_served(tmp_path / "served"):
        workspace = filled(tmp_path / "home")
        rows = IndexRows.of(("p1", "p2"), np.eye(2, dtype=np.float32))
        texts = {"gone": f"Written by {ADA}.", "stays": "Written by nobody."}
        index = {name: put(workspace, name, chunks_jsonl=[{"passage": "p1", "text": text}]) for name, text in texts.items()}
        for name in NAMES:
            for digest in index.values():
                open_store(name, digest, rows, workspace.store).close()
        (workspace.store.derived / f"lance-{index['gone']}" / "rows.lance" / "_versions").rename(tmp_path / "torn")
        before = forms_held(index.values(), workspace.store.derived)
        assert len(before) == 2 * (len(NAMES) - 1), "numpy keeps none"
        found = touched(workspace, SUBJECT)
        first = [item.kind == "form of an index" for item in found]
        assert first == sorted(first, reverse=True), "a call that is killed after them is repeated whole"
        workspace.store.forget(index["gone"], "as a call that was killed in between")
        erase(workspace, SUBJECT, touched(workspace, SUBJECT))
        assert search(workspace, SUBJECT) == []
        assert forms_held(index.values(), workspace.store.derived) == [one for one in before if one[1] == index["stays"]]
        for name, digest in before:
            if digest == index["stays"]:
                drop_form(name, digest, workspace.store.derived)


def test_looking_changes_nothing(tmp_path):
    workspace = filled(tmp_path)
    before = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file() and "-" not in path.name}
    touched(workspace, SUBJECT)
    assert {path: path.read_bytes() for path in before} == before


def test_the_packed_pages_of_a_card_are_searched_too(tmp_path):
    from xhtml2pdf import pisa

    workspace = filled(tmp_path / "workspace")
    for name, said in (("v1", f"The worst answer was about {ADA} ."), ("v2", "The worst answer was about nobody .")):
        with (workspace.root / f"{name}.pdf").open("wb") as file:
            pisa.CreatePDF(f"<p>{said}</p>", dest=file)
    assert ADA.encode() not in (workspace.root / "v1.pdf").read_bytes()
    assert [item.id for item in search(workspace, SUBJECT) if item.id.endswith(".pdf")] == ["v1.pdf"]


def test_a_deleted_row_is_found_in_the_log_of_a_database_in_use(tmp_path):
    workspace = filled(tmp_path)
    erase(workspace, SUBJECT, touched(workspace, SUBJECT))
    with closing(sqlite3.connect(workspace.root / "served.db", isolation_level=None)) as server:
        server.execute("pragma journal_mode = wal")
        server.execute("create table notes (body text)")
        server.execute("insert into notes values (?)", [f"asked by {ADA}"])
        server.execute("delete from notes")
        assert ADA.encode() not in (workspace.root / "served.db").read_bytes()
        found = search(workspace, SUBJECT)
        assert [(item.kind, item.id) for item in found] == [("database", "served.db")]
        erase(workspace, SUBJECT, found)
        assert ADA.encode() not in (workspace.root / "served.db-wal").read_bytes()
        assert search(workspace, SUBJECT) == []


def test_a_file_named_like_a_log_without_its_database_is_searched(tmp_path):
    workspace = filled(tmp_path)
    (workspace.root / "lost.db-wal").write_text(f"pages of {ADA}")
    assert "lost.db-wal" in [item.id for item in search(workspace, SUBJECT)]


def test_a_database_that_another_process_writes_to_is_the_machines_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "WAIT", 0.1)
    workspace = filled(tmp_path)
    with closing(sqlite3.connect(workspace.root / "other.db", isolation_level=None)) as writer:
        writer.execute("begin immediate")
        with pytest.raises(MachineFault, match=r"other\.db: in use .*locked.* then repeat"):
            erase(workspace, SUBJECT, touched(workspace, SUBJECT))
    erase(workspace, SUBJECT, touched(workspace, SUBJECT))
    assert search(workspace, SUBJECT) == []


@pytest.mark.parametrize("name", ["torn.gz", "torn.parquet", "torn.pdf"])
def test_a_packed_file_that_cannot_be_unpacked_is_named(tmp_path, name):
    workspace = filled(tmp_path)
    (workspace.root / name).write_bytes(gzip.compress(b"for somebody" * 100)[:30])
    with pytest.raises(MachineFault, match=f"{name}: cannot be unpacked"):
        search(workspace, SUBJECT)
