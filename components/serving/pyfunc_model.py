"""The registered model: MLflow loads this file ("models from code") and hands it the bundle.

    model = mlflow.pyfunc.load_model("models:/voice_helpdesk@candidate")
    model.predict([{"question": "..."}])            or rows {"messages": [{"role": "user", "content": "..."}]}

No object is pickled: the bundle is JSON, safetensors, ONNX and JSONL.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

import mlflow
import numpy as np
import pandas
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from components.application import load
from components.core import BadInput, Machine, Row
from components.core.signature import check_signature
from components.serving.bundle import load_bundle
from components.serving.chat import ChatRequest
from components.tasks import kind_of
from components.text import apart, together


class _Record(TypedDict, total=False):
    """What is asked in a row: one of the two, and the text that it is about where the use case's questions come with one."""

    question: object
    context: object
    messages: Sequence[dict[str, str]] | None


class Answers:
    """What the model does. It is not MLflow's class itself: a predict() that is defined there without type hints is warned
    about at each load, and the signature that is logged with the model says more than hints could."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the application of the bundle. NINEFOLD_THREADS and NINEFOLD_DEVICE say on what (2, cpu).

        Where this machine holds the operator's public key the bundle must be signed by it; NINEFOLD_UNSIGNED=1 lets one
        load that was released unsigned: nobody can be asked here.
        """
        bundle = Path(context.artifacts["bundle"])
        check_signature(bundle, "" if os.environ.get("NINEFOLD_UNSIGNED") == "1" else None)
        self._derived = tempfile.TemporaryDirectory()  # goes with the model
        candidate, store = load_bundle(bundle, Path(self._derived.name))
        threads = int(os.environ.get("NINEFOLD_THREADS", "2"))
        device: Literal["cpu", "cuda"] = "cuda" if os.environ.get("NINEFOLD_DEVICE") == "cuda" else "cpu"
        self._application = load(candidate, store, Machine(threads=threads, device=device))
        self._turns = kind_of(candidate.task).turns

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Rows with `question` or `messages` in, and `context` where questions come with a text; {"answer", "passages" (ids,
        best first), "scores"} a row out."""
        rows = [
            Row(id=str(number), text=self._input(record), answer="")
            for number, record in enumerate(pandas.DataFrame(model_input).to_dict(orient="records"))
        ]
        answers = self._application.answer(rows)
        return [{"answer": one.text, "passages": list(one.passages), "scores": list(one.scores)} for one in answers]

    def _input(self, record: _Record) -> str:
        question, context = _question(record, self._turns), record.get("context")
        asked = together(context, question) if isinstance(context, str) and context.strip() else question
        if self._application.candidate.given and not apart(asked)[0]:
            raise BadInput("each row needs 'context' (a text) beside its question: this use case's questions are about one")
        return asked


class NinefoldModel(Answers, PythonModel):
    """A Candidate behind MLflow's predict()."""


def _question(record: _Record, turns: bool = False) -> str:
    """What is asked; turns: of messages all up to the user's last one."""
    question, messages = record.get("question"), record.get("messages")
    if isinstance(question, str):
        return question
    # a table of rows with either has NaN where a row has neither
    said = [dict(message) for message in messages] if isinstance(messages, (Sequence, np.ndarray)) else []
    if last := next((place for place in range(len(said), 0, -1) if said[place - 1]["role"] == "user"), 0):
        return (
            ChatRequest.model_validate({"messages": said[:last]}).conversation if turns else str(said[last - 1]["content"])
        )
    raise BadInput("each row needs 'question' (a text) or 'messages' with one from the user")


mlflow.models.set_model(NinefoldModel())
