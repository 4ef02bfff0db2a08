"""Personal data in free text, found by presidio's pattern recognisers and replaced by its kind: `<EMAIL_ADDRESS>`.

Patterns and check digits only: presidio's default engine loads a spaCy model, which it downloads at run time. Measured on
the 1,000 questions and answers of Disfl-QA: nothing is found by mistake. Not covered: names, addresses, dates of birth in
words; a person must look where those may turn up.
"""

from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from presidio_analyzer import RecognizerResult

LEAST_DIGITS = 7
"""Phone numbers with fewer digits are years and counts (`1649` passes as a number of some country)."""


class Recogniser(Protocol):
    """A recogniser of presidio's that reads patterns alone, and so needs no `nlp_artifacts`."""

    supported_entities: list[str]

    def analyze(self, text: str, entities: list[str]) -> "list[RecognizerResult]": ...


def scrub(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` with personal data replaced, and the kinds that were found (sorted, each once)."""
    items = [item for recogniser in _recognisers() for item in recogniser.analyze(text, recogniser.supported_entities)]
    sure = [item for item in items if item.score >= 0.4 and not _is_short_number(item, text)]
    # where two overlap, the surer and then the longer one names the kind
    sure.sort(key=lambda item: (-item.score, item.start - item.end, item.start, item.entity_type))
    spans: list[RecognizerResult] = []
    for item in sure:
        if all(item.end <= other.start or item.start >= other.end for other in spans):
            spans.append(item)
    for item in sorted(spans, key=lambda item: -item.start):
        text = f"{text[: item.start]}<{item.entity_type}>{text[item.end :]}"
    return text, tuple(sorted({item.entity_type for item in spans}))


def _is_short_number(item: "RecognizerResult", text: str) -> bool:
    digits = sum(character.isdigit() for character in text[item.start : item.end])
    return item.entity_type == "PHONE_NUMBER" and digits < LEAST_DIGITS


@cache
def _recognisers() -> tuple[Recogniser, ...]:
    import logging

    import tldextract
    from presidio_analyzer import predefined_recognizers as known

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    # the suffix list that comes with tldextract: the recogniser's own call would download one
    domains = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class OfflineEmailRecognizer(known.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(domains(pattern_text).fqdn)

    return (
        OfflineEmailRecognizer(),
        known.PhoneRecognizer(),
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.UsSsnRecognizer(),
        known.CryptoRecognizer(),
    )
