"""A simulated rater: compares answers with the references of the feedback split and says what a caller might.

Everything that it writes is marked `simulated`; no figure of this project passes it off as people. Not covered: raters who
disagree, err or hold a grudge.
"""

import hashlib
from collections.abc import Sequence

from components.core import Candidate, Example, Feedback, Seen, figure_of

NAME = "simulated rater"


def rate(
    candidate: Candidate,
    table: Sequence[Example],
    figure: str,
    good_at: float,
    consent_share: float,
) -> list[Feedback]:
    """A rating for each row of the per-example `table`, and a correction (the reference) for each answer rated bad.

    figure:        the per-example metric that is compared with `good_at`
    consent_share: share of callers who let their feedback be used, drawn by the hash of the row's id
    """
    items = []
    for row in table:
        value = figure_of(row, figure)
        assert value is not None, f"every answer has the figure that it is rated by ({figure})"
        good = value >= good_at
        context = zip(row["context_passages"], row["context"], strict=True)
        shared = {
            "answer_id": f"{candidate.digest}:{row['id']}",
            "question": row["text"],
            "answer": row["answer"],
            "passages": tuple(Seen(id=id, text=text) for id, text in context),
            "consent": _consents(row["id"], consent_share),
            "by": NAME,
            "simulated": True,
        }
        items.append(Feedback(kind="rating", rating=1 if good else -1, **shared))
        if not good and row["reference"].strip():
            items.append(Feedback(kind="correction", rating=-1, text=row["reference"], **shared))
    return items


def _consents(row: str, share: float) -> bool:
    drawn = int.from_bytes(hashlib.sha256(f"consent:{row}".encode()).digest()[:8], "big") / 2**64
    return drawn < share
