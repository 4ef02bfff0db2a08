"""The web application: OpenAI's chat completions over one loaded bundle, feedback, health.

    POST /v1/chat/completions   an answer (or SSE chunks), with its passages and answer id in the field `ninefold`
    GET  /v1/models             the one model, and /v1/models/{id}
    POST /v1/embeddings         vectors by the embedder of the release's retriever, where it has one
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
from pydantic import ConfigDict, ValidationError, model_validator
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from components.core import BadInput, Machine, MachineFault, Workspace
from components.core.feedback_store import Feedback, FeedbackStore
from components.text import apart
from components.text.given import NO_TEXT

from .body import NOT_TEXT, UNKNOWN, UNSUPPORTED, Body
from .body_limit import BodyLimit
from .chat import MAX_CHARACTERS, ChatRequest, Ninefold, chunk, completion, error
from .embeddings import EmbeddingRequest, embedding_list
from .source import source_of
from .tracing import NoTraces, Traces
from .traffic import Logged, Traffic, traffic_path
from .worker import Busy, Limits, Reply, Worker


class FeedbackRequest(Body):
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
        tracer = Traces(workspace, name, version) if trace else NoTraces()
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
    app.add_exception_handler(Busy, _busy)
    app.add_exception_handler(HTTPException, _no_route)
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
    return {"object": "list", "data": [_listed(served)]}


@routes.get("/v1/models/{id:path}")
def model(id: str, served: ServedHere) -> Response:
    """The one model, where that is its name."""
    return JSONResponse(_listed(served)) if id == served.name else _no_model(id, served.name)


def _listed(served: ServedModel) -> dict[str, object]:
    return {"id": served.name, "object": "model", "created": served.started, "owned_by": "ninefold"}


@routes.post("/v1/chat/completions")
def chat(request: ChatRequest, served: ServedHere, worker: WorkerHere) -> Response:
    """An answer, or a stream of chunks."""
    if refused := _refused(request, served.name, worker):
        return refused
    id, created = f"chatcmpl-{secrets.token_hex(16)}", int(time.time())
    limits = Limits(request.limit, tuple(request.stop))
    asked = _asked(request, worker)
    if request.stream:
        pieces = worker.stream(id, asked, limits)
        events = _events(pieces, id, created, served, usage=request.stream_options.include_usage)
        return StreamingResponse(events, media_type="text/event-stream")
    reply = worker.answer(id, asked, limits)
    extra = _extra(id, reply, served.version)
    return JSONResponse(completion(id, created, served.name, reply.text, reply.finish, _usage(reply), extra))


@routes.post("/v1/embeddings")
def embeddings(request: EmbeddingRequest, served: ServedHere, worker: WorkerHere) -> Response:
    """A vector for each text."""
    if not worker.ready:
        return _loading()
    if not worker.embedder:
        message = f"{served.name} has no embedder: it finds passages without vectors, or none. Ask another endpoint for them"
        return JSONResponse(error(message, code="not_found"), 404)
    if request.model not in (None, served.name, worker.embedder):
        return _no_model(request.model, served.name, worker.embedder)
    vectors, tokens = worker.embed(request.input, request.dimensions)
    return JSONResponse(embedding_list(vectors, worker.embedder, tokens, request.encoding_format))


def _asked(request: ChatRequest, worker: Worker) -> str:
    """What is answered: the last message from the user, or all of the conversation up to it."""
    return request.conversation if worker.turns else request.question


def _refused(request: ChatRequest, name: str, worker: Worker) -> Response | None:
    """Why a chat request is not answered; None where it is."""
    if request.model not in (None, name):
        return _no_model(request.model, name)
    if not request.question:
        return JSONResponse(error("messages: the last user message is missing or empty", param="messages"), 400)
    if (length := len(_asked(request, worker))) > MAX_CHARACTERS:
        message = f"messages: at most {MAX_CHARACTERS} characters, found {length}"
        return JSONResponse(error(message, code="context_length_exceeded", param="messages"), 400)
    if not worker.ready:
        return _loading()
    if worker.given and not apart(request.question)[0]:
        return JSONResponse(error(f"messages: {NO_TEXT}", param="messages"), 400)
    return None


def _loading() -> Response:
    return JSONResponse(error("the model is not loaded yet: ask /ready", "server_error"), 503, {"Retry-After": "1"})


def _no_model(asked: str | None, *served: str) -> Response:
    known = " and, for embeddings, ".join(f"'{name}'" for name in served)
    message = f"The model '{(asked or '')[:80]}' does not exist; this endpoint serves {known}"
    return JSONResponse(error(message, code="model_not_found", param="model"), 404)


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
    """The model cannot take this: its chat template refuses it or was stopped, a text is too long for the embedder."""
    param = str(fault).partition(":")[0]
    return JSONResponse(error(str(fault), param=param if re.fullmatch(r"[a-z]+(\.\d+)?", param) else None), 400)


async def _busy(_: Request, busy: Exception) -> JSONResponse:
    return JSONResponse(error("too many requests in line; try again", "server_error"), 503, {"Retry-After": "1"})


async def _no_route(request: Request, problem: Exception) -> JSONResponse:
    """No such page or method, or a body that cannot be read at all."""
    assert isinstance(problem, HTTPException)
    message = f"{request.method} {request.url.path}: {problem.detail}"
    return JSONResponse(error(message), problem.status_code, problem.headers)


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


def _events(pieces: Iterator[str | Reply], id: str, created: int, served: ServedModel, *, usage: bool) -> Iterator[str]:
    """Server-sent events: the role, each piece, then the finish with passages, with `usage` a chunk that has no choices but
    the token counts, then [DONE]."""
    uncounted = {"usage": None} if usage else {}

    def told(delta: dict[str, str]) -> str:
        return _event({**chunk(id, created, served.name, delta), **uncounted})

    yield told({"role": "assistant", "content": ""})
    try:
        for piece in pieces:
            if isinstance(piece, str):
                yield told({"content": piece})
                continue
            last = chunk(id, created, served.name, {}, finish=piece.finish)
            yield _event({**last, **uncounted, "ninefold": _extra(id, piece, served.version)})
            if usage:
                yield _event({**chunk(id, created, served.name, None), "usage": _usage(piece)})
    except Exception as fault:  # noqa: BLE001 - the status line is out already: the stream itself must carry the error
        yield _event(error(f"generation failed: {fault}", "server_error"))
    yield "data: [DONE]\n\n"


def _event(content: Mapping[str, object]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _usage(reply: Reply) -> dict[str, int]:
    total = reply.prompt_tokens + reply.completion_tokens
    return {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens, "total_tokens": total}


def _extra(id: str, reply: Reply, version: str | None) -> Ninefold:
    return {
        "answer_id": id,
        "passages": list(reply.passages),
        "citations": list(reply.citations),
        "no_answer_probability": None if reply.no_answer is None else round(reply.no_answer, 4),
        "model_version": version,
    }


async def _unprocessable(request: Request, problem: Exception) -> JSONResponse:
    """A body that is not of its route's form: 400, as OpenAI's clients expect; of feedback 422 where it is JSON of text."""
    assert isinstance(problem, RequestValidationError)
    fault = problem.errors()[0]
    named = fault.get("ctx", {}).get("param")
    # a number behind the body is where its JSON breaks off, and no field
    places = [] if fault["type"] == "json_invalid" else [*fault["loc"][1:], *([named] if named else [])]
    where = ".".join(map(str, places))
    message = f"{where or 'body'}: {str(fault['msg']).removeprefix('Value error, ')}"
    code = fault["type"] if fault["type"] in (NOT_TEXT, UNSUPPORTED, UNKNOWN) else None
    of_feedback = request.url.path == "/feedback" and fault["type"] not in ("json_invalid", NOT_TEXT)
    return JSONResponse(error(message, code=code, param=where or None), 422 if of_feedback else 400)
