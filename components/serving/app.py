"""The web application: OpenAI's chat completions over one loaded bundle, feedback, health.

    POST /v1/chat/completions   an answer (or SSE chunks), with its passages and answer id in the field `ninefold`
    GET  /v1/models             the one model
    POST /feedback              a rating or a correction of an answer, named by the random id that came with it (`id` of the
                                completion, `ninefold.answer_id`); durable when acknowledged
    GET  /health                the process lives        GET /ready   the model is loaded

It has no log-in and is meant for loopback, where `server` binds it; requests that name another host are refused, so that
a web page cannot reach it by rebinding a name. Rate limits and TLS belong to a proxy in front.
"""

import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from starlette.middleware.trustedhost import TrustedHostMiddleware

from components.core import BadInput, Machine, MachineFault, Workspace
from components.core.feedback_store import Feedback, FeedbackStore

from .body_limit import BodyLimit
from .chat import MAX_CHARACTERS, ChatRequest, Ninefold, chunk, completion, error
from .source import source_of
from .tracing import no_span, span
from .traffic import Logged, Traffic, traffic_path
from .worker import Busy, Reply, Worker


class FeedbackRequest(BaseModel):
    """POST /feedback: a rating (1 or -1), or a correction (what the answer should have been), of one answer."""

    model_config = ConfigDict(extra="forbid")

    answer_id: str
    """The `id` of the completion."""
    rating: Literal[-1, 1] | None = None
    correction: str | None = None
    consent: bool = False
    """Whether it may be used to improve the application."""
    by: str = "anonymous"
    """A name that nobody checks: caps go by who is known to send it (source.py)."""
    id: str = ""
    """Idempotency key: sending the same again changes nothing. Not of the form of the ids that the store itself gives."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "FeedbackRequest":
        if (self.rating is None) == (self.correction is None):
            raise ValueError("give either 'rating' (1 or -1) or 'correction' (a text)")
        if re.fullmatch(r"[0-9a-f]{64}", self.id):
            raise ValueError("64 hexadecimal digits name items that came without an id; send another 'id', or none")
        return self


@dataclass
class ServedModel:
    """What the routes share. `worker` is there while the application runs."""

    name: str
    version: str | None
    traffic: Traffic
    feedback: FeedbackStore
    started: int
    worker: Worker | None = None


def create_app(
    bundle: Path,
    workspace: Workspace,
    *,
    name: str,
    version: str | None = None,
    machine: Machine | None = None,
    trace: bool = False,
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
) -> FastAPI:
    """The application over the bundle in folder `bundle`; the model is loaded in the background when it starts.

    name, version: the registered model, as replies and logs show it
    trace: also write MLflow traces (experiment `name`), in the background
    hosts: Host headers that are answered
    """
    traffic = Traffic(traffic_path(workspace))
    served = ServedModel(name, version, traffic, FeedbackStore(workspace.feedback), int(time.time()))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tracer = span(workspace, name) if trace else no_span
        served.worker = Worker(bundle, workspace.store.derived, machine or Machine(), traffic, name, version, tracer)
        yield
        served.worker.close()

    app = FastAPI(title=f"Ninefold: {name}", version=version or "unregistered", lifespan=lifespan)
    app.state.served = served
    app.include_router(routes)
    app.add_middleware(BodyLimit)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*hosts])
    app.add_exception_handler(RequestValidationError, _unprocessable)
    app.add_exception_handler(MachineFault, _machine_fault)
    app.add_exception_handler(BadInput, _unanswerable)
    return app


def _served(request: Request) -> ServedModel:
    served: ServedModel = request.app.state.served
    return served


def _worker(request: Request) -> Worker:
    worker = _served(request).worker
    assert worker, "the application answers only while it runs"
    return worker


routes = APIRouter()
ServedHere = Annotated[ServedModel, Depends(_served)]
WorkerHere = Annotated[Worker, Depends(_worker)]


@routes.get("/health")
def health(served: ServedHere) -> dict[str, str | None]:
    """The process lives."""
    return {"status": "alive", "model": served.name, "version": served.version}


@routes.get("/ready")
def ready(served: ServedHere, worker: WorkerHere) -> Response:
    """The model is loaded: 200; not yet: 503; it cannot be: 500."""
    if worker.fault:
        return JSONResponse(error(worker.fault, "server_error"), 500)
    if not worker.ready:
        return JSONResponse({"status": "loading", "model": served.name}, 503)
    state = {"status": "ready", "model": served.name, "version": served.version, "candidate": worker.candidate}
    return JSONResponse(state)


@routes.get("/v1/models")
def models(served: ServedHere) -> dict[str, object]:
    """The one model, as OpenAI lists models."""
    one = {"id": served.name, "object": "model", "created": served.started, "owned_by": "ninefold"}
    return {"object": "list", "data": [one]}


@routes.post("/v1/chat/completions")
def chat(request: ChatRequest, served: ServedHere, worker: WorkerHere) -> Response:
    """An answer, or a stream of chunks."""
    if refused := _refused(request, served.name, worker):
        return refused
    id, created = f"chatcmpl-{secrets.token_hex(16)}", int(time.time())
    try:
        if request.stream:
            pieces = worker.stream(id, request.question)
            events = _events(pieces, id, created, served.name, served.version)
            return StreamingResponse(events, media_type="text/event-stream")
        reply = worker.answer(id, request.question)
    except Busy:
        return JSONResponse(error("too many requests in line; try again", "server_error"), 503, {"Retry-After": "1"})
    extra = _extra(id, reply, served.version)
    return JSONResponse(completion(id, created, served.name, reply.text, _usage(reply), extra))


def _refused(request: ChatRequest, name: str, worker: Worker) -> Response | None:
    """Why a chat request is not answered; None where it is."""
    if request.model not in (None, name):
        message = f"The model '{request.model}' does not exist; this endpoint serves '{name}'"
        return JSONResponse(error(message, code="model_not_found"), 404)
    if not request.question:
        return JSONResponse(error("messages: the last user message is missing or empty"), 400)
    if len(request.question) > MAX_CHARACTERS:
        message = f"messages: at most {MAX_CHARACTERS} characters, found {len(request.question)}"
        return JSONResponse(error(message, code="context_length_exceeded"), 400)
    if not worker.ready:
        return JSONResponse(error("the model is not loaded yet: ask /ready", "server_error"), 503, {"Retry-After": "1"})
    return None


@routes.post("/feedback")
def give_feedback(request: FeedbackRequest, caller: Request, served: ServedHere) -> Response:
    """Keep a rating or a correction of an answer that this release gave. How much of it counts is the feedback stage's."""
    answered = served.traffic.find(request.answer_id)
    # another release's answer is refused in the same words: whether there is one is nobody's to find out
    if answered is None or (answered["model"], answered["model_version"]) != (served.name, served.version):
        message = f"answer_id: {served.name} gave no such answer; send the `id` of one of its replies"
        return JSONResponse(error(message, code="not_found"), 404)
    source = source_of(served.feedback, caller.headers.get("authorization"), caller.client.host if caller.client else None)
    try:
        (id,) = served.feedback.add(_feedback(request, answered), source=source)
    except ValidationError as bad:
        return JSONResponse(error(bad.errors()[0]["msg"]), 422)
    except BadInput as conflict:
        return JSONResponse(error(str(conflict), code="conflict"), 409)
    return JSONResponse({"id": id, "status": "kept"}, 201)


async def _machine_fault(_: Request, fault: Exception) -> JSONResponse:
    return JSONResponse(error(str(fault), "server_error"), 507)


async def _unanswerable(_: Request, fault: Exception) -> JSONResponse:
    """The model cannot take this conversation: its chat template refuses it, or was stopped."""
    return JSONResponse(error(str(fault)), 422)


def _feedback(request: FeedbackRequest, answered: Logged) -> Feedback:
    return Feedback(
        kind="rating" if request.correction is None else "correction",
        answer_id=request.answer_id,
        model=answered["model"],
        question=answered["input"],
        answer=answered["answer"],
        passages=answered["seen"],
        rating=request.rating,
        text=request.correction or "",
        consent=request.consent,
        by=request.by,
        id=request.id,
    )


def _events(pieces: Iterator[str | Reply], id: str, created: int, name: str, version: str | None) -> Iterator[str]:
    """Server-sent events: the role, each piece, then the finish with usage and passages, then [DONE]."""
    yield _event(chunk(id, created, name, {"role": "assistant", "content": ""}))
    try:
        for piece in pieces:
            if isinstance(piece, str):
                yield _event(chunk(id, created, name, {"content": piece}))
            else:
                last = chunk(id, created, name, {}, finish="stop")
                yield _event({**last, "usage": _usage(piece), "ninefold": _extra(id, piece, version)})
    except Exception as fault:  # noqa: BLE001 - the status line is out already: the stream itself must carry the error
        yield _event(error(f"generation failed: {fault}", "server_error"))
    yield "data: [DONE]\n\n"


def _event(content: Mapping[str, object]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _usage(reply: Reply) -> dict[str, int]:
    total = reply.prompt_tokens + reply.completion_tokens
    return {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens, "total_tokens": total}


def _extra(id: str, reply: Reply, version: str | None) -> Ninefold:
    return {"answer_id": id, "passages": list(reply.passages), "model_version": version}


async def _unprocessable(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, RequestValidationError)
    faults = problem.errors()
    where = ".".join(str(part) for part in faults[0]["loc"] if part != "body") if faults else ""
    status = 400 if faults and faults[0]["type"] == "json_invalid" else 422
    return JSONResponse(error(f"{where or 'body'}: {faults[0]['msg'] if faults else 'not valid'}"), status)
