"""The application of a bundle without a server: one question, or a line of JSON for each. An edge folder's `run.py` calls
it, once it has checked the folder.

    python run.py "When was the first railway opened?"     the answer, and below it the passages that it rests on
    python run.py < questions.jsonl > answers.jsonl        {"id", "question"} in; {"id", "answer", "passages", "scores"} out

Where questions come with the text that they are about it stands before the question, an empty line between them, or in
"context".
Questions are answered one by one, as they come. Nothing is written and nobody is called. Not covered: feedback, the log of
traffic, streaming.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from components.application import Application, load
from components.core import BadInput, Machine, NinefoldError, Row
from components.core.signature import check_signature
from components.text import apart, together

from .bundle import load_bundle

NO_TEXT_HERE = (
    "this use case's questions are about a text: put it before the question, an empty line between them, or in `context`"
)


def main(bundle: Path, questions: list[str]) -> int:
    """Answer `questions`, or those on standard input where there is none, with the bundle in the folder `bundle`; returns
    the exit code. NINEFOLD_THREADS and NINEFOLD_DEVICE say on what (2, cpu).

    Where NINEFOLD_KEYS holds a public key the bundle must be signed by it.
    """
    device: Literal["cpu", "cuda"] = "cuda" if os.environ.get("NINEFOLD_DEVICE") == "cuda" else "cpu"
    machine = Machine(threads=int(os.environ.get("NINEFOLD_THREADS", "2")), device=device)
    try:
        check_signature(bundle)
        with tempfile.TemporaryDirectory() as derived:
            candidate, store = load_bundle(bundle, Path(derived))
            with load(candidate, store, machine) as application:
                for row in [Row(id="", text=text, answer="") for text in questions] or _read(sys.stdin):
                    if candidate.given and not apart(row.text)[0]:
                        raise BadInput(f"question {row.id or row.text[:80]!r}: {NO_TEXT_HERE}")
                    print(_said(application, row, as_line=not questions), flush=True)
    except NinefoldError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _read(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except (ValueError, RecursionError):
            given = None
        question = given.get("question") if isinstance(given, dict) else None
        if not isinstance(question, str) or not question.strip():
            raise BadInput(
                f'standard input, line {number}: expected {{"id": …, "question": "…"}}, found {line.strip()[:80]!r}. '
                "Write one such line a question; what came before it was answered"
            )
        context = given.get("context")
        text = together(context, question) if isinstance(context, str) and context.strip() else question
        yield Row(id=str(given.get("id", number)), text=text, answer="")


def _said(application: Application, row: Row, *, as_line: bool) -> str:
    (answer,) = application.answer([row])
    if as_line:
        reply = {"id": row.id, "answer": answer.text, "passages": answer.passages, "scores": answer.scores}
        return json.dumps(reply, ensure_ascii=False)
    passages = zip(answer.passages, answer.scores, strict=True)
    return "\n".join([answer.text, *(f"  [{name}] {score:g}" for name, score in passages)])
