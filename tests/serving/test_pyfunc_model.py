"""Rows that the registered model is asked with: what a table makes of them, and what is refused in words."""

from collections.abc import Iterator

import numpy as np
import pandas
import pytest

from components.core import BadInput
from components.serving.pyfunc_model import _question

ASKED = [{"role": "user", "content": "Who?"}]


def records(rows: list[dict[str, object]]) -> Iterator[str]:
    yield from map(_question, pandas.DataFrame(rows).to_dict(orient="records"))


@pytest.mark.parametrize("messages", [ASKED, tuple(ASKED), np.array(ASKED)])
def test_a_row_is_a_question_or_messages(messages) -> None:
    assert list(records([{"question": "Who?"}, {"messages": messages}])) == ["Who?", "Who?"]


@pytest.mark.parametrize(
    "row", [{}, {"other": 1}, {"question": None}, {"messages": [{"role": "system", "content": "Be brief."}]}]
)
def test_a_row_with_neither_is_refused_whatever_stands_in_the_others(row) -> None:
    for others in ([], [{"messages": ASKED}], [{"question": "Who?"}], [{"question": "Who?"}, {"messages": ASKED}]):
        with pytest.raises(BadInput, match="each row needs 'question'"):
            list(records([*others, row, {"question": 5}] if not row else [*others, row]))
