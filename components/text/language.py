"""What a contract's language lets be measured: some parts of the product read English alone, and say so."""

ENGLISH_ONLY = "not measured: English only"


def is_english(language: str) -> bool:
    """Whether `task.language` (a BCP 47 tag: `en`, `en-GB`) is English."""
    return language.replace("_", "-").split("-")[0].strip().lower() == "en"


def english_only(what: str, language: str) -> str:
    """One line for card and gates: `what` was not measured for a contract in `language`."""
    return f"{what}: {ENGLISH_ONLY} (task.language is '{language}')"
