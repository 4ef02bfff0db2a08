"""What becomes a preference pair, and why the rest does not."""

from components.core import Feedback, Received, Seen
from components.feedback import pairs
from components.feedback.caps import Caps

PASSAGE = Seen(id="p1", text="Paris is the capital of France.")


def correction(**more: object) -> Feedback:
    given = {"question": "what is the capital", "answer": "Rome", "text": "Paris", "consent": True, "passages": (PASSAGE,)}
    return Feedback(kind="correction", answer_id="a", **{**given, **more})


def made(*items: Feedback, refuse: bool = False, held_out: tuple = (), usable: tuple | None = ("p1",), labels: tuple = ()):
    """The pairs of items that no cap holds back, and what was dropped."""
    caps = Caps(answer_items=9, answer_items_of_source=9, source_share=1, seed=0)
    received = [Received(item=item, source="client:ada", ticket=item.digest) for item in items]
    found = pairs.pairs_from(received, caps=caps, refuse=refuse, held_out=held_out, usable=usable, labels=labels)
    assert found.quarantine == {}
    return list(found.rows), found.dropped


def test_a_correction_with_consent_is_a_pair():
    rows, counts = made(correction(id="x"))
    assert rows == [
        {
            "id": "x",
            "text": "what is the capital",
            "passages": [{"id": "p1", "text": PASSAGE.text}],
            "chosen": "Paris",
            "rejected": "Rome",
            "simulated": False,
            "origin": "collected",
            "source": "source 1",
        }
    ]
    assert counts == {}


def test_each_drop_has_its_reason():
    drops = {
        pairs.NO_CONSENT: correction(consent=False),
        pairs.NO_CORRECTION: Feedback(kind="rating", answer_id="a", rating=-1, consent=True),
        pairs.NOTHING_SAID: correction(answer=" "),
        pairs.SAME: correction(text="the ROME ."),
        pairs.HELD_OUT: correction(question="Who was it?"),
        pairs.NO_CONTEXT: correction(passages=(Seen(id="test-passage", text="x"),)),
        pairs.NOTHING_LEFT: correction(text="jane.doe@example.org"),
    }
    for reason, item in drops.items():
        assert made(item, held_out=("who was it",)) == ([], {reason: 1})


def test_personal_data_is_scrubbed_from_question_chosen_and_rejected():
    card, mail, iban = "4111 1111 1111 1111", "jane.doe@example.org", "DE89 3704 0044 0532 0130 00"
    (row,), counts = made(
        correction(question=f"is {mail} right", text=f"use {iban} now", answer=f"use {card} now", by="c1"),
    )
    assert (row["text"], row["chosen"], row["rejected"]) == (
        "is <EMAIL_ADDRESS> right",
        "use <IBAN_CODE> now",
        "use <CREDIT_CARD> now",
    )
    assert counts == {"scrubbed": 1}
    assert not any(secret in str(row) for secret in (card, mail, iban))


def test_a_policy_that_refuses_personal_data_drops_it():
    assert made(correction(text="mail jane.doe@example.org"), refuse=True) == ([], {pairs.PERSONAL: 1})


def test_the_order_of_items_does_not_matter():
    items = [correction(id=str(number), text=f"Paris {number}") for number in range(5)]
    assert made(*items) == made(*reversed(items))


def test_the_same_correction_from_many_callers_is_one_pair():
    rows, counts = made(*(correction(by=f"caller {number}") for number in range(4)))
    assert len(rows) == 1
    assert counts == {pairs.TWICE: 3}


def test_an_answer_given_from_a_held_out_passage_too_is_left_out():
    seen = (PASSAGE, Seen(id="test-passage", text="x"))
    assert made(correction(passages=seen)) == ([], {pairs.NO_CONTEXT: 1})


def test_a_correction_that_only_a_sign_tells_from_its_answer_is_kept():
    for answer, text in (("C", "C++"), ("-1", "1"), ("<50", ">50"), ("B-", "B+"), ("+", "-"), ("राम", "रमा")):
        rows, counts = made(correction(answer=answer, text=text))
        assert [(row["rejected"], row["chosen"]) for row in rows] == [(answer, text)], counts


def test_between_labels_a_correction_is_one_whatever_they_differ_by():
    items = [correction(answer=answer, text=text) for answer, text in (("Ham", "HAM"), ("a", "the"), ("yes", "yes."))]
    rows, _ = made(*items, labels=("x",))
    assert len(rows) == 3
    assert made(*items)[1] == {pairs.SAME: 3}
