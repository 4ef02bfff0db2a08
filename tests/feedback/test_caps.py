"""No answer and no source counts for more than its caps, and nothing that a caller chooses decides what counts."""

from collections import Counter

import pytest

from components.core import ACCEPTED, SIMULATED, Feedback, Received
from components.core.feedback_store import Review
from components.feedback.caps import OF_SOURCE, ON_ANSWER, SHARE, Caps
from components.feedback.pairs import NO_CORRECTION, REJECTED, TWICE, Paired, pairs_from

CAPS = Caps(answer_items=3, answer_items_of_source=1, source_share=0.25, seed=0)


def said(number: int, source: str, **more: object) -> Received:
    """Correction `number` of a source, on an answer of its own."""
    name = f"{source}-{number}"
    given = {"kind": "correction", "answer_id": name, "question": f"question {name}", "answer": "no", "text": f"yes {name}"}
    item = Feedback(**{**given, "id": f"id-{name}", "consent": True, **more})
    return Received(item=item, source=source, ticket=f"ticket {name}")


def paired(received: list[Received], caps: Caps = CAPS) -> Paired:
    return pairs_from(received, caps=caps, refuse=False, held_out=(), usable=None)


def by_source(found: Paired) -> Counter:
    return Counter(row["source"] for row in found.rows)


HONEST = [said(number, f"client:{name}") for name in "abcde" for number in range(4)]
STRANGER = [said(number, "peer:stranger", id=f"000-{number}") for number in range(300)]


@pytest.mark.parametrize("log", [[*STRANGER, *HONEST], [*HONEST, *STRANGER]], ids=["first", "last"])
def test_a_stranger_with_300_of_320_items_gives_the_capped_share(log):
    found = paired(log)
    counts = by_source(found)
    assert len(counts) == 6
    assert max(counts.values()) <= CAPS.source_share * len(found.rows)
    assert sum(row["id"].startswith("id-client") for row in found.rows) == 20, "no honest pair gave way"
    assert sum(row["id"].startswith("000") for row in found.rows) == 6
    assert Counter(found.quarantine.values()) == {SHARE: 294}
    assert {row["id"] for row in found.rows} | set(found.quarantine) == {one.item.key for one in log}


def test_nothing_that_a_caller_chooses_steers_the_draw():
    def chosen(log: list[Received]) -> set[str]:
        tickets = {one.item.key: one.ticket for one in log}
        return {tickets[row["id"]] for row in paired(log).rows}

    def other(one: Received, number: int) -> Received:
        changed = {
            "id": f"{number:03}",
            "text": "long " * (1 + number % 40),
            "by": f"name {number}",
            "answer_id": f"{number}",
        }
        changed["question"] = f"question {number} " + "word " * (number % 7)
        return one.model_copy(update={"item": one.item.model_copy(update=changed), "at": f"{number}"})

    told = [other(one, number) for number, one in enumerate(reversed(STRANGER))]
    assert chosen([*HONEST, *told]) == chosen([*HONEST, *STRANGER])
    assert chosen([*told, *HONEST]) == chosen([*HONEST, *STRANGER])


def test_another_seed_draws_others():
    log = [*HONEST, *STRANGER]
    first, second = paired(log), paired(log, CAPS.model_copy(update={"seed": 1}))
    assert by_source(first).most_common(1)[0][1] == by_source(second).most_common(1)[0][1]
    assert {row["id"] for row in first.rows} != {row["id"] for row in second.rows}


def test_each_source_has_its_turn_before_any_has_a_second():
    found = paired([*STRANGER, *HONEST])
    assert len({row["source"] for row in found.rows[:6]}) == 6
    assert len({row["source"] for row in found.rows[6:12]}) == 6


def test_a_single_source_alone_trains_nothing_and_waits():
    found = paired(STRANGER)
    assert found.rows == ()
    assert len(found.quarantine) == 300


def test_feedback_of_unknown_source_is_one_source():
    old = [one.model_copy(update={"source": ""}) for one in STRANGER]
    assert Counter(found := by_source(paired([*HONEST, *old])))[found.most_common(1)[0][0]] == 6


def test_simulated_pairs_are_no_source_and_take_no_callers_place():
    rater = [
        Received(item=one.item.model_copy(update={"simulated": True}), ticket=one.ticket)
        for one in (said(number, "rater") for number in range(60))
    ]
    counts = by_source(paired([*rater, *HONEST, *STRANGER]))
    assert counts.pop(SIMULATED) == 60
    assert sorted(counts.values()) == [4, 4, 4, 4, 4, 26]


def test_one_answer_counts_so_often_and_once_a_source():
    answer = {"answer_id": "one", "question": "q"}
    log = [said(n, f"peer:{n}", **answer, text=f"yes {n} {k}", id=f"{n}-{k}") for n in range(5) for k in range(4)]
    found = paired(log, CAPS.model_copy(update={"source_share": 1}))
    assert by_source(found) == {f"source {place}": 1 for place in (1, 2, 3)}
    assert Counter(found.quarantine.values()) == {OF_SOURCE: 9, ON_ANSWER: 8}


def test_ratings_have_caps_of_their_own():
    ratings = [said(n, "client:a", kind="rating", rating=1, text="", answer_id="one", id=f"r{n}") for n in range(3)]
    found = paired([*ratings, *HONEST])
    assert Counter(found.quarantine.values()) == {OF_SOURCE: 2}
    assert found.dropped == {NO_CORRECTION: 1}
    assert len(found.rows) == 20


def test_what_gives_no_pair_takes_nobodys_place():
    silent = [said(n, "client:a", answer_id="client:a-0", text="no", id=f"same-{n}") for n in range(9)]
    found = paired([*silent, *HONEST])
    assert found.quarantine == {}
    assert len(found.rows) == 20


def test_who_repeats_anothers_pair_does_not_take_it_from_him():
    theirs = [one for one in HONEST if one.source == "client:a"]
    copied = [
        Received(item=one.item.model_copy(update={"id": f"copy-{n}"}), source="peer:stranger", ticket=f"copy {n}")
        for n, one in enumerate(theirs)
    ]
    found = paired([*copied, *STRANGER, *HONEST])
    assert found.dropped == {TWICE: 4}
    assert {one.item.key for one in HONEST} <= {row["id"] for row in found.rows}


def test_what_a_person_accepts_has_no_cap_and_what_is_rejected_never_counts():
    def reviewed(one: Received, verdict: str) -> Received:
        return one.model_copy(update={"review": Review(verdict=verdict, by="Ada", reason="read", at="")})

    log = [*HONEST, *(reviewed(one, "accept") for one in STRANGER[:50]), *(reviewed(one, "reject") for one in STRANGER[50:])]
    found = paired(log)
    assert by_source(found)[ACCEPTED] == 50
    assert found.quarantine == {}
    assert found.dropped == {REJECTED: 250}
