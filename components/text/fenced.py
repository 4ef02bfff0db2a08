"""Text between marks that it cannot close, so that a prompt shows where material begins and ends.

As CommonMark has it (https://spec.commonmark.org, "Fenced code blocks"): a fence is closed only by one at least as long.
Not covered: a model that follows what stands between the marks nevertheless (evaluation's check `injection`).
"""

import re

SHORTEST = 3


def fenced(text: str) -> str:
    """`text` on lines of its own between two rows of backticks, longer than any row of them in it.

    The same text always gets the same marks, so that answers can be repeated; 3 backticks but where it brings as many.
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    marks = "`" * max(SHORTEST, longest + 1)
    return f"{marks}\n{text}\n{marks}"
