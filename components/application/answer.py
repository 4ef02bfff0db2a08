"""What an application is: retrieve, ask the engine turn by turn, clean the answer.

`load` (load.py) makes one from a Candidate. Not covered: HTTP, logging of traffic, feedback (components/serving).
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from components.core import Candidate, Example, Frozen, Machine, Row, Store
from components.tasks import kind_of
from components.text import apart

from .asking import Asked, Asker, Said
from .ending import Ending, limited, stop_in, until
from .prompt import clean, first_line_only
from .quotes import places
from .reading import way

if TYPE_CHECKING:
    from .embedder import Embedder

SHOWN = 5
"""Passages named in an answer; hit@5 and the reciprocal rank are computed over these."""
GIVEN = "given"
"""What a text that comes with its question is called where passages have ids; no passage of an answer."""


class Hit(Frozen):
    """One retrieved text. score: larger is better; its scale depends on the retriever's mode."""

    passage: str
    text: str
    score: float


class Citation(Frozen):
    """Where a quote stands: characters `start` to `end` (excluded) of the passage `passage` as the knowledge base has it, or
    of the text that came with the question (`GIVEN`)."""

    passage: str
    start: int
    end: int


class Answer(Frozen):
    """What the application says about one row."""

    id: str
    text: str
    passages: tuple[str, ...] = ()
    """Ids of retrieved passages, best first, at most five, each once."""
    scores: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    """What was found of each of `passages`: all of it that was put into the prompt, or its best part."""
    context: tuple[str, ...] = ()
    """The texts that were put into the prompt."""
    context_passages: tuple[str, ...] = ()
    """Of which passage each of `context` is a part."""
    margin: float | None = None
    """Quoted answers: how far the abstention lay above the best quote, in logits, before its bias."""
    no_answer: float | None = None
    """Quoted answers: probability that the texts hold no answer, where tuning fitted one."""
    citations: tuple[Citation, ...] = ()
    """Quoted answers: the first place of the quote in each text of `context` that holds it, best first; none of an
    abstention."""
    cut: bool = False
    """Whether the model was shown less than all of the input and of `context`."""

    @classmethod
    def of(cls, row: Example) -> "Answer":
        """The answer that a row of `measure`'s per-example table was made from, without its `texts`."""
        return cls(
            id=row["id"],
            text=row["answer"],
            passages=tuple(row["passages"]),
            scores=tuple(row["scores"]),
            context=tuple(row["context"]),
            context_passages=tuple(row["context_passages"]),
            margin=row["margin"],
            cut=row.get("cut", False),
        )


class Searcher(Protocol):
    """A loaded retriever."""

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]: ...

    def close(self) -> None: ...


class Application:
    """A loaded Candidate (see `load`); a context manager that frees its memory on exit."""

    def __init__(
        self,
        candidate: Candidate,
        engine: Any,
        retriever: Searcher | None,
        passages: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """passages: reads the texts of the knowledge base, by id; asked once, at the first quote"""
        self.candidate, self.engine, self.retriever = candidate, engine, retriever
        self._passages = cache(passages)

    def answer(self, rows: Sequence[Row], hits: Sequence[Sequence[Hit]] | None = None) -> list[Answer]:
        """Answers in the order of `rows`; batches inside. The same rows in one call always give the same answers.

        hits: what counts as found for each row, best first, in place of what the retriever finds or of the text that comes
              with the question (safety checks)
        """
        asked, found = self._read(rows)
        hits = found if hits is None else hits
        said = self._said(asked, hits)
        return [self._answer(row.id, one, seen) for row, one, seen in zip(rows, said, hits, strict=True)]

    def stream(self, row: Row, limit: int | None = None, stop: Sequence[str] = ()) -> Generator[str | Answer, None, Ending]:
        """The answer to one row in pieces, as they are decoded, and then whole; in one piece where it is only known at the
        end (a label, an answer of a form or after a marker, one that may be refined, no model). The pieces join to the
        model's words: the whole answer also has an abstention as the contract spells it. Returns how it ended.

        limit: tokens it may have, where those are fewer than the prompt's own limit; of an answer in one piece this many are
               given, words where there is no tokenizer
        stop: it ends before the first of these
        """
        candidate = self.candidate
        whole = bool(candidate.labels or candidate.reading) or kind_of(candidate.task).formed
        if candidate.prompt is None or whole or candidate.prompt.answer_marker or candidate.prompt.refinements:
            (answer,) = self.answer([row])
            text, ending = limited(answer.text, limit, stop, getattr(self.engine, "tokenizer", None))
            yield text
            yield answer.model_copy(update={"text": text})
            return ending
        asked, hits = self._read([row])
        whole_input = [Asked(asked[0], self._context(hits[0]))]
        asker = Asker(candidate, candidate.prompt, self.engine)
        quotes = asker.quotes(whole_input)
        (messages,), lost = asker.messages(whole_input)
        last = len(candidate.prompt.turns) - 1
        most = candidate.prompt.turns[last].max_new_tokens
        pieces = self.engine.stream(
            messages,
            most if limit is None else min(limit, most),
            first_line=first_line_only(candidate, last),
            quotes=quotes[0] if quotes else None,
        )
        generated, ending = yield from until(pieces, stop)
        text = clean(candidate, generated)
        # the contract's spelling of an abstention may hold a stop string that the model's own did not
        text = text[: stop_in(text, stop)]
        cut = bool(lost or getattr(self.engine, "cut", ()))
        yield self._answer(row.id, Said(text, cut, quotes[0].margin if quotes else None), hits[0])
        return ending

    def likelihoods(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        """The probability of each of the candidate's labels for each row, among these: [rows] of label → probability."""
        asked, hits = self._read(rows)
        if self.candidate.prompt is None:
            found: list[dict[str, float]] = self.engine.likelihoods(asked)
            return found
        asker = Asker(self.candidate, self.candidate.prompt, self.engine)
        return asker.likelihoods([Asked(text, self._context(of_row)) for text, of_row in zip(asked, hits, strict=True)])

    @property
    def embedder(self) -> "Embedder | None":
        """What the retriever embeds questions with; None where it has no vectors."""
        indexed = getattr(self.retriever, "indexed", None)
        return indexed.embedder if indexed else None

    def close(self) -> None:
        """Free the engine's memory; a second call does nothing."""
        if self.engine is not None:
            self.engine.close()
        if self.retriever is not None:
            self.retriever.close()
        self.engine = self.retriever = None

    def __enter__(self) -> "Application":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _read(self, rows: Sequence[Row]) -> tuple[list[str], list[list[Hit]]]:
        """(what is asked, what the prompt may show beside it) of each row."""
        texts = [row.text for row in rows]
        if self.candidate.given:
            parts = [apart(text) for text in texts]
            hits = [[Hit(passage=GIVEN, text=given, score=1.0)] if given else [] for given, _ in parts]
            return [question for _, question in parts], hits
        if self.retriever is None:
            return texts, [[] for _ in texts]
        # a search over chunks brings passages more than once: three for one leave five different ones
        in_prompt = self.candidate.retriever.top_k if self.candidate.retriever else 1
        return texts, self.retriever.search(texts, top_k=max(3 * SHOWN, in_prompt))

    def _context(self, hits: Sequence[Hit]) -> list[str]:
        return [hit.text for hit in hits[: self.candidate.texts_shown]]

    def _said(self, texts: Sequence[str], hits: Sequence[Sequence[Hit]]) -> list[Said]:
        """What the engine says to each of `texts`, shown with what was found for it."""
        prompt = self.candidate.prompt
        if prompt is None:
            replies = self.engine.reply(texts, hits)
            lost = getattr(self.engine, "cut", ())
            return [Said(reply, place in lost) for place, reply in enumerate(replies)]
        asked = [Asked(text, self._context(of_row)) for text, of_row in zip(texts, hits, strict=True)]
        asker, how = Asker(self.candidate, prompt, self.engine), self.candidate.reading
        return way(how.way).read(asker, asked, how) if how else asker.ask(asked)

    def _answer(self, row: str, said: Said, hits: Sequence[Hit]) -> Answer:
        shown = [] if self.candidate.given else _distinct(hits)[:SHOWN]
        context = self._context(hits)
        # a passage of which the prompt held several parts is shown with all of them
        parts = {
            hit.passage: [other.text for other in hits[: len(context)] if other.passage == hit.passage] for hit in shown
        }
        return Answer(
            id=row,
            text=said.text,
            passages=tuple(hit.passage for hit in shown),
            scores=tuple(round(hit.score, 6) for hit in shown),
            texts=tuple("\n\n".join(parts[hit.passage] or [hit.text]) for hit in shown),
            context=tuple(context),
            context_passages=tuple(hit.passage for hit in hits[: len(context)]),
            margin=None if said.margin is None else round(said.margin, 6),
            no_answer=self.candidate.quoted.no_answer(said.margin) if self.candidate.quoted else None,
            citations=tuple(self._citations(said.text, hits[: len(context)])),
            cut=said.cut,
        )

    def _citations(self, text: str, hits: Sequence[Hit]) -> Iterator[Citation]:
        if self.candidate.quoted is None or text == self.candidate.abstain:
            return
        seen = set()
        for hit in hits:
            # a chunk is cut from its passage as it is; a text that a check put in the passage's place is not of it
            whole = hit.text if self.candidate.given else self._passages().get(hit.passage, "")
            first, found = whole.find(hit.text), places(text, hit.text)
            if first >= 0 and found:
                citation = Citation(passage=hit.passage, start=first + found[0][0], end=first + found[0][1])
                if citation not in seen:  # chunks that overlap hold the same words
                    yield citation
                seen.add(citation)


class Answering:
    """`answer` of an application that is loaded at the first row that is not `known`: nothing is loaded without need."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine, known: Iterable[Answer]) -> None:
        self.candidate, self.store, self.machine = candidate, store, machine
        self._known = {answer.id: answer for answer in known}
        self._application: Application | None = None

    @property
    def application(self) -> Application:
        """The application, loaded now if it was not yet."""
        from .load import load

        if self._application is None:
            self._application = load(self.candidate, self.store, self.machine)
        return self._application

    def __call__(self, rows: Sequence[Row]) -> list[Answer]:
        fresh = [row for row in rows if row.id not in self._known]
        answers = self._known | {answer.id: answer for answer in (self.application.answer(fresh) if fresh else [])}
        return [answers[row.id] for row in rows]

    def close(self) -> None:
        """Free what was loaded; a later call loads again."""
        if self._application is not None:
            self._application.close()
        self._application = None

    def __enter__(self) -> "Answering":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def answering(candidate: Candidate, store: Store, machine: Machine, known: Iterable[Answer] = ()) -> Answering:
    """A lazy answering function for `measure`; close it, or use it in a `with`, to free the model's memory.

    known: what `candidate` says about some rows, which are then not asked again
    """
    return Answering(candidate, store, machine, known)


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.passage, hit)
    return list(best.values())
