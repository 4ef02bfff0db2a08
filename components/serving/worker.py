"""The one thread that owns the model: it loads the application, answers in order of arrival, and logs what it answered.

Models and vector tables are not made for many threads; one thread also keeps replies equal to those that were measured.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from components.core import BadInput, Machine, Row
from components.tasks import kind_of
from components.text import apart

from .bundle import load_bundle
from .chat import Citation, Passage
from .tracing import Tracer
from .traffic import Served, Traffic

if TYPE_CHECKING:
    import numpy as np

    from components.application.ending import Ending

T = TypeVar("T")
log = logging.getLogger(__name__)
EMBEDDED = 32
"""Texts that are embedded in one turn."""
MAX_WAITING = 32
"""More requests than this in line are turned away with 503."""


@dataclass(frozen=True)
class Reply:
    """An answer with what it stands on."""

    text: str
    passages: tuple[Passage, ...] = ()
    """Best first."""
    citations: tuple[Citation, ...] = ()
    """Where a quoted answer stands in them."""
    no_answer: float | None = None
    """Probability that they hold no answer."""
    seen: tuple[dict[str, str], ...] = ()
    """{"id", "text"} of what was put into the prompt."""
    messages: tuple[dict[str, str], ...] = ()
    """What the model was asked in the turn that answers; none where there is no model."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish: Literal["stop", "length"] = "stop"


@dataclass(frozen=True)
class Limits:
    """Where the caller wants the answer to end: see `Application.stream`."""

    tokens: int | None = None
    stop: tuple[str, ...] = ()


UNLIMITED = Limits()


class Busy(Exception):
    """The line is full."""


class Worker:
    """A loaded application behind one thread.

    `loading` ends when it is ready, or with what kept it from being so.
    """

    def __init__(
        self,
        bundle: Path,
        derived: Path,
        machine: Machine,
        traffic: Traffic,
        model: str,
        version: str | None,
        tracer: Tracer,
    ) -> None:
        self.model, self.version, self.candidate = model, version, ""
        self.embedder = ""
        """Name of the embedding model, once it is loaded; empty where the release has none."""
        self.given = False
        """Whether each question comes with a text, once it is loaded."""
        self.turns = False
        """Whether inputs are conversations, once it is loaded."""
        self._traffic, self._tracer = traffic, tracer
        self._places = threading.Semaphore(MAX_WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.loading: Future[None] = self._thread.submit(self._load, bundle, derived, machine)

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.loading.done() and self.loading.exception() is None

    @property
    def fault(self) -> str:
        """Why it could not be loaded; empty while it loads and when it is ready."""
        reason = self.loading.exception() if self.loading.done() else None
        return "" if reason is None else str(reason) or type(reason).__name__

    def answer(self, id: str, question: str, limits: Limits = UNLIMITED) -> Reply:
        """Answer `question`, log it, and return; blocks until its turn has come and gone. Raises Busy."""
        return self._queued(lambda: self._answer(id, question, limits)).result()

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> "tuple[np.ndarray, int]":
        """The texts' vectors (float32 [texts, dimensions]) and how many tokens were read; not logged. In batches that each
        wait for their turn, so that a long list keeps no question waiting. Raises Busy; BadInput for a text beyond the
        model's window and for `dimensions` that are not its own."""
        import numpy as np

        places = range(0, len(texts), EMBEDDED)
        batches = [self._embedded(texts[place : place + EMBEDDED], place, dimensions) for place in places]
        return np.concatenate([vectors for vectors, _ in batches]), sum(tokens for _, tokens in batches)

    def _embedded(self, texts: Sequence[str], first: int, dimensions: int | None) -> "tuple[np.ndarray, int]":
        def work() -> "tuple[np.ndarray, int]":
            embedder = self._application.embedder
            assert embedder, "the route asks whether there is one"
            if dimensions not in (None, embedder.dimensions):
                raise BadInput(f"dimensions: {self.embedder} has {embedder.dimensions}, and gives them whole; leave it out")
            counts = embedder.count(texts)
            for place, tokens in enumerate(counts, first):
                if tokens > embedder.window:
                    raise BadInput(
                        f"input.{place}: {tokens} tokens, and {self.embedder} reads {embedder.window}; send shorter texts"
                    )
            return embedder.embed(texts), sum(counts)

        return self._queued(work).result()

    def stream(self, id: str, question: str, limits: Limits = UNLIMITED) -> Iterator[str | Reply]:
        """The answer in pieces as they are generated, then the whole Reply, by then logged. Raises Busy at once.

        A caller that leaves does not stop it: answers are short, and the log stays whole.
        """
        pieces: queue.Queue[str | Reply | Exception] = queue.Queue()

        def produce() -> None:
            try:
                pieces.put(self._answer(id, question, limits, pieces.put))
            except Exception as error:
                pieces.put(error)
                raise

        self._queued(produce)
        return _until_reply(pieces)

    def close(self) -> None:
        """Finish what is in line, then free the model."""
        self._thread.submit(lambda: self._application.close() if self.ready else None)
        self._thread.shutdown(wait=True)

    def _queued(self, work: Callable[[], T]) -> Future[T]:
        if not self._places.acquire(blocking=False):
            raise Busy
        future = self._thread.submit(work)
        future.add_done_callback(lambda _: self._places.release())
        return future

    def _load(self, bundle: Path, derived: Path, machine: Machine) -> None:
        from components.application import load

        try:
            candidate, store = load_bundle(bundle, derived)
            self._application = load(candidate, store, machine)
            self.candidate, self.given = candidate.digest, candidate.given
            self.turns = kind_of(candidate.task).turns
            if self._application.embedder and candidate.retriever and candidate.retriever.embedder:
                self.embedder = candidate.retriever.embedder.name
            # The first answer pays for thread pools and caches; nobody should wait for that.
            self._application.answer([Row(id="warm-up", text="ready?", answer="")])
            self._tracer.watch(self._application)
        except Exception:
            log.exception("the application could not be loaded")
            raise

    def _answer(self, id: str, question: str, limits: Limits, tell: Callable[[str], None] | None = None) -> Reply:
        started = time.perf_counter()
        with self._tracer.answer(id, question) as traced:
            reply = self._reply(Row(id=id, text=question, answer=""), limits, tell)
            traced(reply)
        self._traffic.add(
            Served(
                id=id,
                model=self.model,
                model_version=self.version,
                candidate=self.candidate,
                input=question,
                answer=reply.text,
                passages=tuple(passage["id"] for passage in reply.passages),
                scores=tuple(passage["score"] for passage in reply.passages),
                seen=reply.seen,
                seconds=time.perf_counter() - started,
            )
        )
        return reply

    def _reply(self, row: Row, limits: Limits, tell: Callable[[str], None] | None) -> Reply:
        pieces = self._application.stream(row, limits.tokens, limits.stop)
        while True:
            try:
                piece = next(pieces)
            except StopIteration as exhausted:
                ending: Ending = exhausted.value
                break
            if not isinstance(piece, str):
                answer = piece
            elif tell:
                tell(piece)
        passages = tuple(
            Passage(id=id, text=text, score=score)
            for id, text, score in zip(answer.passages, answer.texts, answer.scores, strict=True)
        )
        messages = self._messages(row.text, answer.context)
        asked = "\n".join(message["content"] for message in messages) if messages else row.text
        # a text that came with the question stands in what was asked already
        given, context = self._application.candidate.given, zip(answer.context_passages, answer.context, strict=True)
        return Reply(
            text=answer.text,
            passages=passages,
            citations=tuple(Citation(passage=one.passage, start=one.start, end=one.end) for one in answer.citations),
            no_answer=answer.no_answer,
            seen=() if given else tuple({"id": id, "text": text} for id, text in context),
            messages=tuple(messages),
            prompt_tokens=self._count(asked),
            completion_tokens=self._count(answer.text) if ending.tokens is None else ending.tokens,
            finish=ending.reason,
        )

    def _messages(self, question: str, context: Sequence[str]) -> list[dict[str, str]]:
        """What the model is asked in the turn that answers; nothing where there is no model."""
        from components.application import render

        candidate = self._application.candidate
        question = apart(question, candidate.given)[1]
        if candidate.prompt is None:
            return []
        return render(candidate.prompt, len(candidate.prompt.turns) - 1, question, context, whole=candidate.runtime.whole)

    def _count(self, text: str) -> int:
        """Tokens of the text by the model's own tokenizer, the chat template's marks not among them; words where the
        application has no language model."""
        tokenizer = getattr(self._application.engine, "tokenizer", None)
        return len(tokenizer(text, add_special_tokens=False)["input_ids"]) if tokenizer is not None else len(text.split())


def _until_reply(pieces: "queue.Queue[str | Reply | Exception]") -> Iterator[str | Reply]:
    while True:
        piece = pieces.get()
        if isinstance(piece, Exception):
            raise piece
        yield piece
        if isinstance(piece, Reply):
            return
