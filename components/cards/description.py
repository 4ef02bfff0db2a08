"""The description that MLflow's page of a registered version shows: the card's verdict, gates and limits.

Not covered: the card itself, which lies in MLflow as an artifact of the version's source run.
"""

from .gates import first_lines, gates
from .limits import risks
from .record import Record
from .render import environment
from .text import Markdown

LONGEST = 5000
"""Characters of a version's description that MLflow's databases hold."""


def description(record: Record) -> str:
    """Markdown of at most 5,000 characters; limits and risks that find no room are counted."""
    said = risks(record)
    for shown in range(len(said), -1, -1):
        left = len(said) - shown
        more = [f"{left} more in the card"] if left else []
        text = _rendered(record, [*said[:shown], *more])
        if len(text) <= LONGEST:
            return text
    return text[: LONGEST - 2].rpartition("\n")[0] + "\n…"


def _rendered(record: Record, said: list[str]) -> str:
    template = environment().get_template("version.md.j2")
    lines = [Markdown(line) for line in first_lines(record)]
    names = {"lines": lines, "gates": gates(record), "risks": said, "record": record, "label": record.candidate.label}
    return template.render(names).strip() + "\n"
