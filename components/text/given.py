"""A question and the text that comes with it (a clause, a report, a form) as one input: text, empty line, question.

Where `task.context` is `given` that is what a row's text is, what a caller sends and what is logged: whatever looks at an
input looks at both. Only where one of them is meant (prompts, quotes, leaks) are they taken apart.
"""

import re

NO_TEXT = (
    "the use case's questions come with the text that they are about: send the text, an empty line and the question, or two "
    "parts of text"
)
_GAP = re.compile(r"\r?\n[ \t]*\r?\n\s*")


def together(given: str, question: str) -> str:
    """One input of both; empty lines inside the question go, so that `apart` finds it again."""
    return f"{given.strip()}\n\n{_GAP.sub(chr(10), question.strip())}"


def apart(asked: str, given: bool = True) -> tuple[str, str]:
    """(the text that comes with it, the question: what stands behind the last empty line). Without an empty line, or where
    questions come with no text (`given`), all of it is the question, and the text is empty."""
    if not given:
        return "", asked
    asked = asked.strip()
    gaps = list(_GAP.finditer(asked))
    return (asked[: gaps[-1].start()], asked[gaps[-1].end() :]) if gaps else ("", asked)
