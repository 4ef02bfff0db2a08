"""The traffic log finds answers by their ids, also those that were logged before ids were hashed."""

import sqlite3
from contextlib import closing

from components.serving.traffic import Served, Traffic

OLD = """create table traffic (
    id text primary key, at text not null, model text not null, model_version text, candidate text not null,
    input text not null, answer text not null, passages text not null, scores text not null, seen text not null,
    seconds real not null)"""


def served(id: str) -> Served:
    given = {"model": "desk", "model_version": "1", "candidate": "c", "input": "q", "answer": "a", "seconds": 0.1}
    return Served(id=id, passages=(), scores=(), seen=(), **given)


def old_log(path, *ids: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(OLD)
        rows = [(id, "2026-01-01", "desk", "1", "c", "q", "a", "[]", "[]", "[]", 0.1) for id in ids]
        database.executemany(f"insert into traffic values ({','.join('?' * 11)})", rows)
        database.commit()


def test_an_answer_is_found_by_its_whole_id_alone(tmp_path):
    log = Traffic(tmp_path / "traffic.db")
    log.add(served("chatcmpl-abc"))
    assert log.find("chatcmpl-abc")["answer"] == "a"
    assert [log.find(id) for id in ("chatcmpl-ab", "chatcmpl-abcd", "CHATCMPL-ABC", "")] == [None] * 4


def test_the_search_goes_by_the_hash_so_that_its_time_says_nothing_of_ids(tmp_path):
    path = tmp_path / "traffic.db"
    log = Traffic(path)
    log.add(served("chatcmpl-abc"))
    with closing(sqlite3.connect(path)) as database:
        database.execute("update traffic set id_hash = 'other'")
        database.commit()
    assert log.find("chatcmpl-abc") is None


def test_a_log_from_before_keeps_its_answers_and_takes_new_ones(tmp_path):
    path = tmp_path / "traffic.db"
    old_log(path, "chatcmpl-1", "chatcmpl-2")
    log = Traffic(path)
    log.add(served("chatcmpl-3"))
    assert [log.find(f"chatcmpl-{n}")["id"] for n in (1, 2, 3)] == ["chatcmpl-1", "chatcmpl-2", "chatcmpl-3"]
    assert [row["id"] for row in Traffic(path).rows("desk")] == ["chatcmpl-1", "chatcmpl-2", "chatcmpl-3"]
    assert "id_hash" not in log.find("chatcmpl-1")
