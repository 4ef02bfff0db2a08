"""Time to think: a turn that reasons before the one that answers (Kojima et al. 2022), in methods of one turn.

What the method chain_of_thought is to zero_shot, for the others of one turn: solved cases stand in the turn that answers.
"""

from collections.abc import Sequence

from components.core import Row, Task

from ..elements import Elements


def add(elements: Elements, task: Task, rows: Sequence[Row]) -> Elements:
    """One more call an answer. `task` and `rows` are not used."""
    return elements.with_added("thinking", "", thinks=True)
