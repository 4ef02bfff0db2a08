"""Feedback is never lost, never doubled, and a mark names the same rows for ever."""

import os
import signal
import subprocess
import sys
import threading

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
    assert [item.answer_id for item in store.at(mark, "desk")] == ["answer-1"]
    assert store.count(simulated=False) == 2


def test_feedback_on_another_model_is_not_read(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add(rating(1))
    mark = store.mark("desk")
    store.add(rating(2, model="film_reviews"))
    assert store.mark("desk") == mark
    assert [item.answer_id for item in store.at(store.mark("film_reviews"), "film_reviews")] == ["answer-2"]


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
