"""A subject is recognised however it is written down, and never inside another word."""

import json
import urllib.parse
from html import escape

import pytest

from components.core import BadInput
from components.lineage import Subject

ADA = Subject.of("Ada.Lovelace@example.org")
JOSE = Subject.of("José Ñandú")


@pytest.mark.parametrize(
    "content",
    [
        b"write to ada.lovelace@example.org, please",
        b"ADA.LOVELACE@EXAMPLE.ORG",
        json.dumps({"text": "a\nAda.Lovelace@example.org"}).encode(),
        urllib.parse.quote("x Ada.Lovelace@example.org").encode(),
        "Ada.Lovelace@example.org".encode("utf-16-le"),
        b"Ada . Lovelace @ example . org",
        escape("<a href='mailto:Ada.Lovelace@example.org'>").encode(),
    ],
)
def test_an_address_is_found_in_every_usual_form(content):
    assert ADA.in_bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        "señor josé ñandú said".encode(),
        json.dumps("JOSÉ ÑANDÚ").encode(),
        b"jos&eacute; &#241;and&#xfa;",
        urllib.parse.quote("José Ñandú").encode(),
        "Jose\u0301 N\u0303andu\u0301".encode(),
    ],
)
def test_letters_beyond_ascii_are_found_in_every_usual_form(content):
    assert JOSE.in_bytes(content)


@pytest.mark.parametrize("content", [b"nevada.lovelace@example.org", b"ada.lovelace@example.organ", b"ada lovelace"])
def test_another_word_is_not_the_subject(content):
    assert not ADA.in_bytes(content)


def test_a_neighbour_letter_in_an_escape_makes_another_word():
    assert not Subject.of("Ada").in_bytes(json.dumps("éAda").encode())
    assert Subject.of("Ada").in_bytes(json.dumps("\u2019Ada\u2019").encode())


def test_what_is_taken_out_leaves_the_rest_and_valid_json():
    text = json.dumps({"question": "Who is Ada.Lovelace@example.org?", "n": 1})
    left = ADA.without(text)
    assert json.loads(left) == {"question": "Who is [forgotten]?", "n": 1}
    assert not ADA.holds(left)


@pytest.mark.parametrize("phrase", ["", "a.", "42"])
def test_a_subject_that_stands_everywhere_is_refused(phrase):
    with pytest.raises(BadInput, match="at least 3"):
        Subject.of(phrase)
