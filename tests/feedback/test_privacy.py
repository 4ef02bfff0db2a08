"""Planted personal data is replaced; years, counts and prices are not."""

import pytest

from components.feedback.privacy import scrub


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("mail jane.doe@example.org please", "mail <EMAIL_ADDRESS> please"),
        ("call (212) 555-0123 or +44 20 7946 0958", "call <PHONE_NUMBER> or <PHONE_NUMBER>"),
        ("card 4111 1111 1111 1111 was charged", "card <CREDIT_CARD> was charged"),
        ("pay to DE89 3704 0044 0532 0130 00 today", "pay to <IBAN_CODE> today"),
        ("from 192.168.0.12", "from <IP_ADDRESS>"),
        ("ssn 536-90-4399", "ssn <US_SSN>"),
    ],
)
def test_planted_personal_data_is_replaced(text, scrubbed):
    assert scrub(text)[0] == scrubbed


@pytest.mark.parametrize(
    "text", ["in 1649", "between 1066 and 1914-1918", "121 pm", "498 kJ · mol − 1", "9.5 million people"]
)
def test_years_and_counts_stay(text):
    assert scrub(text) == (text, ())


def test_kinds_are_named_once():
    assert scrub("a@example.org b@example.org 4111 1111 1111 1111")[1] == ("CREDIT_CARD", "EMAIL_ADDRESS")
