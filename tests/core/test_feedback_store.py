"""Feedback is never lost, never doubled, and a mark names the same rows and decisions for ever."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from pydantic import ValidationError

from components.core import BadInput, Feedback, FeedbackStore, MachineFault

WRITER = """
import sys
from pathlib import Path
from components.core import Feedback, FeedbackStore
store = FeedbackStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 200):
    (key,) = store.add(Feedback(kind="rating", answer_id=f"answer-{number}", rating=1, id=f"post-{number}"))
    print(key, flush=True)
"""


def rating(number: int, **more: object) -> Feedback:
    return Feedback(**{"kind": "rating", "answer_id": f"answer-{number}", "model": "desk", "rating": 1, **more})


def test_each_acknowledged_id_is_there_exactly_once_after_kill_9(tmp_path):
    path, acknowledged, kills = tmp_path / "feedback.db", [], 0
    while len(set(acknowledged)) < 200:
        # each new writer repeats the post before the last acknowledged one, as a client that saw no reply would
        start = max(0, len(set(acknowledged)) - 1)
        command = [sys.executable, "-c", WRITER, str(path), str(start)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in writer.stdout:
            acknowledged.append(line.strip())
            if len(set(acknowledged)) in (23, 61, 62, 150) and kills < 4:
                os.kill(writer.pid, signal.SIGKILL)
                kills += 1
                break
        acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
    assert kills >= 2
    kept = [item.id for item in FeedbackStore(path).list()]
    assert len(kept) == len(set(kept)) == 200
    assert set(kept) >= set(acknowledged)


def test_the_same_item_twice_is_kept_once(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    assert store.add(rating(1)) == store.add(rating(1)) == [rating(1).digest]
    assert store.count() == 1


def test_an_id_taken_by_other_content_is_refused_and_nothing_of_the_call_is_kept(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add(rating(1, id="a"))
    with pytest.raises(BadInput, match="'a' is already kept"):
        store.add(rating(7), rating(2, id="a"))
    assert store.count() == 1


def test_threads_may_write_at_once(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    threads = [
        threading.Thread(target=lambda part=part: [store.add(rating(part * 10 + n)) for n in range(10)]) for part in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count() == 80


def test_a_mark_names_the_same_rows_whatever_comes_later(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    assert store.mark("desk") == ""
    assert store.at("", "desk") == ()
    store.add(rating(1), rating(2, simulated=True))
    mark = store.mark("desk")
    store.add(rating(3, simulated=True))
    assert store.mark("desk") == mark
    store.add(rating(4))
    assert store.mark("desk") != mark
    assert [one.item.answer_id for one in store.at(mark, "desk")] == ["answer-1"]
    assert store.count(simulated=False) == 2


def test_feedback_on_another_model_is_not_read(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add(rating(1))
    mark = store.mark("desk")
    store.add(rating(2, model="film_reviews"))
    assert store.mark("desk") == mark
    assert [one.item.answer_id for one in store.at(store.mark("film_reviews"), "film_reviews")] == ["answer-2"]


def test_a_mark_of_another_store_is_refused(tmp_path):
    one, other = FeedbackStore(tmp_path / "one.db"), FeedbackStore(tmp_path / "other.db")
    one.add(rating(1))
    other.add(rating(2))
    with pytest.raises(MachineFault, match="run again"):
        other.at(one.mark("desk"), "desk")


@pytest.mark.parametrize("given", [{"kind": "rating"}, {"kind": "correction", "text": " "}, {"kind": "rating", "rating": 5}])
def test_feedback_that_says_nothing_is_refused(given):
    with pytest.raises(ValidationError):
        Feedback(answer_id="a", **given)


def test_the_source_is_that_of_the_first_who_sent_it_and_tickets_are_random(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add(rating(1), source="client:ada")
    store.add(rating(1), source="peer:10.0.0.9")
    store.add(rating(2), source="peer:10.0.0.9")
    first, second = store.received("desk")
    assert (first.source, second.source) == ("client:ada", "peer:10.0.0.9")
    assert {len(first.ticket), len(second.ticket)} == {32}
    assert first.ticket != second.ticket
    other = FeedbackStore(tmp_path / "other.db")
    other.add(rating(1))
    (elsewhere,) = other.received("desk")
    assert elsewhere.ticket != first.ticket, "the same content draws another ticket: no caller can choose it"


def test_a_decision_is_appended_and_a_mark_holds_those_of_its_time(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add(rating(1, id="a"), rating(2, id="b"))
    before = store.mark("desk")
    assert store.review("desk", ["a", "a"], "reject", "Ada", "spam") == ("a",)
    assert store.review("desk", ["a"], "reject", "Ada", "spam") == (), "the same again is no news"
    rejected = store.mark("desk")
    assert rejected != before
    store.review("desk", ["a"], "accept", "Grace", "read it")
    store.add(rating(3, model="other", id="c"))
    store.review("other", ["c"], "reject", "Ada", "spam")
    assert [one.review for one in store.at(before, "desk")] == [None, None]
    assert [one.review and one.review.verdict for one in store.at(rejected, "desk")] == ["reject", None]
    assert [one.review and one.review.by for one in store.received("desk")] == ["Grace", None]


def test_a_decision_on_an_unknown_id_records_nothing(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add(rating(1, id="a"), rating(2, id="told", simulated=True), rating(3, id="other", model="film_reviews"))
    for unknown in ("b", "told", "other"):
        with pytest.raises(BadInput, match=f"'{unknown}': not among the feedback on 'desk'"):
            store.review("desk", ["a", unknown], "accept", "Ada", "fine")
    assert [one.review for one in store.received("desk")] == [None]


def test_a_store_from_before_sources_keeps_its_rows_as_of_an_unknown_source(tmp_path):
    path = tmp_path / "feedback.db"
    old = [rating(number, id=f"old-{number}") for number in range(3)]
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "create table feedback (number integer primary key autoincrement, id text not null unique,"
            " simulated integer not null, consent integer not null, body text not null, at text not null)"
        )
        rows = [(item.key, 0, 0, item.model_dump_json(), "2026-01-01T00:00:00.000+00:00") for item in old]
        database.executemany("insert into feedback (id, simulated, consent, body, at) values (?, ?, ?, ?, ?)", rows)
        database.commit()
    store = FeedbackStore(path)
    assert [one.item for one in store.received("desk")] == old
    assert {one.source for one in store.received("desk")} == {""}
    tickets = [one.ticket for one in store.received("desk")]
    assert len(set(tickets)) == 3
    store.add(*old, source="client:ada")
    assert [one.ticket for one in FeedbackStore(path).received("desk")] == tickets
    assert store.count() == 3


def test_a_clients_key_names_it_until_it_is_revoked_and_is_kept_nowhere(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    key = store.add_client("help-page")
    assert (store.client(key), store.client(key + "x"), store.client("")) == ("help-page", "", "")
    assert len(key) > 43
    assert not any(key.encode() in file.read_bytes() for file in tmp_path.iterdir())
    with pytest.raises(BadInput, match="has a key already"):
        store.add_client("help-page")
    with pytest.raises(BadInput, match="allowed are"):
        store.add_client("help page")
    store.revoke_client("help-page")
    assert store.client(key) == ""
    with pytest.raises(BadInput, match="has no key here"):
        store.revoke_client("help-page")
