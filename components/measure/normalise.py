"""The form in which metrics compare two texts."""

from components.text import same, scored


def normalise(text: str) -> str:
    """The scored words of `text` (components.text), single spaces between them."""
    return " ".join(scored(text))


def abstains(abstain: str | None, answer: str) -> bool:
    """Whether `answer` is the contract's abstention: in the same words, or where that has none, the same text."""
    if abstain is None:
        return False
    return scored(answer) == scored(abstain) if scored(abstain) else same(answer) == same(abstain)
