"""MLflow traces of served requests: the answer, what the retriever found, what the model was asked and how many tokens that
took, where MLflow's users look for them: in the experiment, and on the page of the logged model that answered.

Written by MLflow's background thread, so that a reply does not wait for the tracking store. The traffic log is the truth;
a trace that is lost in a crash is lost. Measured with five passages of 120 words: 1.5 ms of the thread that answers (0.9 ms
with the outer span alone), and 17 ms of the one that writes to SQLite.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from components.core import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LiveSpan

    from components.application import Application
    from components.application.answer import Hit, Searcher

    from .worker import Reply


class Tracer(Protocol):
    """What the worker asks to trace its answers."""

    def watch(self, application: "Application") -> None:
        """Called once, with the loaded application."""

    def answer(self, id: str, question: str) -> "AbstractContextManager[Callable[[Reply], None]]":
        """Around each answer; what it yields is called with the reply."""


class NoTraces:
    """Traces nothing."""

    def watch(self, application: "Application") -> None:
        """Nothing."""

    @contextmanager
    def answer(self, id: str, question: str) -> Iterator["Callable[[Reply], None]"]:
        """Nothing."""
        yield lambda reply: None


class Traces:
    """One trace a request in the workspace's MLflow. Making one loads MLflow (about 2 s)."""

    def __init__(self, workspace: Workspace, model: str, version: str | None) -> None:
        """model: names the experiment. version: of the registered model, where it is one."""
        os.environ.setdefault("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "true")
        # more than one would keep each other from writing to SQLite, and give up ("database is locked")
        os.environ.setdefault("MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS", "1")
        import mlflow

        mlflow.set_tracking_uri(workspace.tracking_uri)
        client = mlflow.MlflowClient()
        if client.get_experiment_by_name(model) is None:
            client.create_experiment(model, artifact_location=workspace.artifact_root)
        mlflow.set_experiment(model)
        self._model, self._runs_on = model, "model"
        self._logged = _logged_model(client, model, version)
        self._found_at = 0
        """When the last search of the answer at hand ended, in ns."""

    def watch(self, application: "Application") -> None:
        """Have searches inside an answer leave a span each."""
        candidate = application.candidate
        self._runs_on = candidate.model.name if candidate.model else candidate.runtime.engine
        if application.retriever is not None and candidate.retriever is not None:
            shown = max(5, candidate.retriever.top_k)
            application.retriever = _Watched(application.retriever, candidate.retriever.scoring, shown, self._searched)

    @contextmanager
    def answer(self, id: str, question: str) -> Iterator["Callable[[Reply], None]"]:
        """A trace, tagged with the id of the answer."""
        import mlflow

        with mlflow.start_span(name=self._model, span_type="CHAIN") as root:
            self._found_at = root.start_time_ns
            root.set_inputs({"question": question})
            mlflow.update_current_trace(tags={"ninefold.answer_id": id}, model_id=self._logged)

            def told(reply: "Reply") -> None:
                self._asked(root, question, reply)
                root.set_outputs({"answer": reply.text, "passages": [dict(passage) for passage in reply.passages]})

            yield told

    def _searched(self) -> None:
        self._found_at = time.time_ns()

    def _asked(self, root: "LiveSpan", question: str, reply: "Reply") -> None:
        """The span of the model, from the end of the search to now; a baseline has neither messages nor tokens."""
        import mlflow
        from mlflow.tracing.constant import SpanAttributeKey

        span = mlflow.start_span_no_context(
            name=self._runs_on,
            span_type="CHAT_MODEL" if reply.messages else "CHAIN",
            parent_span=root,
            inputs={"messages": list(reply.messages)} if reply.messages else {"question": question},
            start_time_ns=self._found_at,
        )
        if reply.messages:
            tokens = {"input_tokens": reply.prompt_tokens, "output_tokens": reply.completion_tokens}
            span.set_attribute(SpanAttributeKey.CHAT_USAGE, {**tokens, "total_tokens": sum(tokens.values())})
            said = {"message": {"role": "assistant", "content": reply.text}, "finish_reason": reply.finish}
            span.end(outputs={"choices": [said]})
        else:
            span.end(outputs={"answer": reply.text})


class _Watched:
    """A retriever whose searches are spans, inside a trace."""

    def __init__(self, inner: "Searcher", name: str, shown: int, done: Callable[[], None]) -> None:
        """shown: how many documents of a search its span holds"""
        self._inner, self._name, self._shown, self._done = inner, name, shown, done

    def search(self, texts: Sequence[str], top_k: int = 5) -> "list[list[Hit]]":
        """As the retriever itself."""
        import mlflow
        from mlflow.entities import Document

        with mlflow.start_span(name=self._name, span_type="RETRIEVER") as span:
            span.set_inputs({"query": texts[0], "top_k": top_k})
            hits = self._inner.search(texts, top_k)
            span.set_outputs(
                [
                    Document(page_content=hit.text, metadata={"doc_uri": hit.passage, "score": hit.score}, id=hit.passage)
                    for hit in hits[0][: self._shown]
                ]
            )
        self._done()
        return hits

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def close(self) -> None:
        """As the retriever itself."""
        self._inner.close()


def _logged_model(client: "MlflowClient", model: str, version: str | None) -> str | None:
    """Id of the logged model that a registered version was made from; None where it is not to be found."""
    from mlflow.exceptions import MlflowException

    try:
        source = str(client.get_model_version(model, version).source) if version else ""
    except MlflowException:  # the version was made in another MLflow than is set now
        return None
    return source.removeprefix("models:/") if source.startswith("models:/m-") else None
