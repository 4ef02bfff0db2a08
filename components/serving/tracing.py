"""MLflow traces of served requests: question, answer, passages and answer id, where MLflow's users look for them.

Written by MLflow's background thread, so that a reply does not wait for the tracking store. The traffic log is the truth;
a trace that is lost in a crash is lost.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from components.core import Workspace

if TYPE_CHECKING:
    from .worker import Reply, Span


@contextmanager
def no_span(id: str, model: str, question: str) -> Iterator[Callable[["Reply"], None]]:
    """No trace."""
    yield lambda reply: None


def span(workspace: Workspace, experiment: str) -> "Span":
    """A function that opens one trace a request in the workspace's MLflow, in `experiment`."""
    os.environ.setdefault("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "true")
    import mlflow

    mlflow.set_tracking_uri(workspace.tracking_uri)
    client = mlflow.MlflowClient()
    if client.get_experiment_by_name(experiment) is None:
        client.create_experiment(experiment, artifact_location=workspace.artifact_root)
    mlflow.set_experiment(experiment)

    @contextmanager
    def opened(id: str, model: str, question: str) -> Iterator[Callable[["Reply"], None]]:
        with mlflow.start_span(name=model, span_type="CHAIN") as current:
            current.set_inputs({"question": question})
            mlflow.update_current_trace(tags={"ninefold.answer_id": id})
            yield lambda reply: current.set_outputs({"answer": reply.text, "passages": [dict(p) for p in reply.passages]})

    return opened
