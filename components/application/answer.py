"""What an application is: retrieve, ask the engine turn by turn, clean the answer.

`load` (load.py) makes one from a Candidate. Not covered: HTTP, logging of traffic, feedback (components/serving).
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import exp
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from components.core import Candidate, Example, Frozen, Machine, Prompt, Row, Store
from components.tasks import kind_of
from components.text import apart, matching_label

from .ending import Ending, limited, stop_in, until
from .prompt import MAX_CONTEXT_WORDS, clean, cut, first_line_only, render, without_control_tokens
from .quotes import Quotes, places

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
    citations: tuple[Citation, ...] = ()
    """Quoted answers: the first place of the quote in each text of `context` that holds it, best first; none of an
    abstention."""

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
        quotes = self._quotes(hits)
        texts = self._answers(asked, hits, quotes)
        margins = [one.margin for one in quotes] if quotes else [None] * len(texts)
        answered = zip(rows, texts, hits, margins, strict=True)
        return [self._answer(row.id, text, seen, margin) for row, text, seen, margin in answered]

    def stream(self, row: Row, limit: int | None = None, stop: Sequence[str] = ()) -> Generator[str | Answer, None, Ending]:
        """The answer to one row in pieces, as they are decoded, and then whole; in one piece where it is only known at the
        end (a label, an answer of a form or after a marker, no model). The pieces join to the model's words: the whole
        answer also has an abstention as the contract spells it. Returns how it ended.

        limit: tokens it may have, where those are fewer than the prompt's own limit; of an answer in one piece this many are
               given, words where there is no tokenizer
        stop: it ends before the first of these
        """
        candidate = self.candidate
        whole = bool(candidate.labels) or kind_of(candidate.task).formed
        if candidate.prompt is None or whole or candidate.prompt.answer_marker:
            (answer,) = self.answer([row])
            text, ending = limited(answer.text, limit, stop, getattr(self.engine, "tokenizer", None))
            yield text
            yield answer.model_copy(update={"text": text})
            return ending
        asked, hits = self._read([row])
        quotes = self._quotes(hits)
        (messages,) = self._asked(candidate.prompt, asked, [self._context(hits[0])])
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
        yield self._answer(row.id, text, hits[0], quotes[0].margin if quotes else None)
        return ending

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

    def _answer(self, row: str, text: str, hits: Sequence[Hit], margin: float | None) -> Answer:
        shown = [] if self.candidate.given else _distinct(hits)[:SHOWN]
        context = self._context(hits)
        # a passage of which the prompt held several parts is shown with all of them
        parts = {
            hit.passage: [other.text for other in hits[: len(context)] if other.passage == hit.passage] for hit in shown
        }
        return Answer(
            id=row,
            text=text,
            passages=tuple(hit.passage for hit in shown),
            scores=tuple(round(hit.score, 6) for hit in shown),
            texts=tuple("\n\n".join(parts[hit.passage] or [hit.text]) for hit in shown),
            context=tuple(context),
            context_passages=tuple(hit.passage for hit in hits[: len(context)]),
            margin=None if margin is None else round(margin, 6),
            citations=tuple(self._citations(text, hits[: len(context)])),
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

    def _answers(self, texts: Sequence[str], hits: Sequence[Sequence[Hit]], quotes: Sequence[Quotes] | None) -> list[str]:
        candidate, prompt = self.candidate, self.candidate.prompt
        if prompt is None:
            return self.engine.reply(texts, hits)
        contexts = [self._context(of_row) for of_row in hits]
        asked = self._asked(prompt, texts, contexts)
        if candidate.labels:
            return self._labels(prompt, asked)
        last = len(prompt.turns) - 1
        generated = self.engine.generate(
            asked,
            prompt.turns[last].max_new_tokens,
            first_line=first_line_only(candidate, last),
            quotes=quotes,
        )
        return [clean(candidate, text) for text in generated]

    def _quotes(self, hits: Sequence[Sequence[Hit]]) -> list[Quotes] | None:
        """What each answer is held to, where answers are quotes; None without a text (closed book, measured beside)."""
        candidate = self.candidate
        if candidate.quoted is None or not candidate.texts_shown or candidate.prompt is None:
            return None
        tokenizer, bias = self.engine.tokenizer, candidate.quoted.abstain_bias
        longest = candidate.prompt.turns[-1].max_new_tokens
        # of a long text only what the prompt shows of it can be quoted
        shown = [
            [without_control_tokens(tokenizer, text) for text in cut(self._context(of_row), MAX_CONTEXT_WORDS)]
            for of_row in hits
        ]
        return [Quotes(tokenizer, texts, candidate.abstain, bias, longest) for texts in shown]

    def _asked(self, prompt: Prompt, texts: Sequence[str], contexts: Sequence[Sequence[str]]) -> list[list[dict[str, str]]]:
        """The messages of the last turn."""
        previous = self._earlier_turns(prompt, texts, contexts)
        last = len(prompt.turns) - 1
        return [
            render(prompt, last, text, context, before)
            for text, context, before in zip(texts, contexts, previous, strict=True)
        ]

    def _earlier_turns(self, prompt: Prompt, texts: Sequence[str], contexts: Sequence[Sequence[str]]) -> list[str]:
        previous = [""] * len(texts)
        for turn, asked in enumerate(prompt.turns[:-1]):
            messages = [
                render(prompt, turn, text, context, before)
                for text, context, before in zip(texts, contexts, previous, strict=True)
            ]
            previous = [text.strip() for text in self.engine.generate(messages, asked.max_new_tokens, first_line=False)]
        return previous

    @property
    def _endings(self) -> list[str]:
        """The labels as they are scored: with the end of the answer where one label begins with another, which without it
        could never lose."""
        labels = self.candidate.labels
        begins = any(one != other and one.startswith(other) for one in labels for other in labels)
        return [label + self.engine.end for label in labels] if begins else list(labels)

    def likelihoods(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        """The probability of each of the candidate's labels for each row, among these: [rows] of label → probability."""
        asked, hits = self._read(rows)
        prompt = self.candidate.prompt
        if prompt is None:
            found: list[dict[str, float]] = self.engine.likelihoods(asked)
            return found
        scored = self.engine.score(self._asked(prompt, asked, [self._context(of_row) for of_row in hits]), self._endings)
        return [dict(zip(self.candidate.labels, _shares(scores), strict=True)) for scores in scored]

    def _labels(self, prompt: Prompt, asked: list[list[dict[str, str]]]) -> list[str]:
        """The most likely label; where the prompt asks for reasoning first, the label that the reasoning ends in."""
        candidate = self.candidate
        chosen: list[str | None] = [None] * len(asked)
        if prompt.answer_marker or not hasattr(self.engine, "score"):
            texts = self.engine.generate(asked, prompt.turns[-1].max_new_tokens, first_line=False)
            chosen = [matching_label(candidate.labels, clean(candidate, text)) for text in texts]
        if not hasattr(self.engine, "score"):
            return [label or candidate.labels[0] for label in chosen]
        open_rows = [i for i, label in enumerate(chosen) if label is None]
        for i, scores in zip(open_rows, self.engine.score([asked[i] for i in open_rows], self._endings), strict=True):
            chosen[i] = candidate.labels[scores.index(max(scores))]
        return [label or candidate.labels[0] for label in chosen]


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


def _shares(scores: Sequence[float]) -> list[float]:
    """Log-likelihoods as probabilities of one among them."""
    weights = [exp(score - max(scores)) for score in scores]
    return [weight / sum(weights) for weight in weights]


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.passage, hit)
    return list(best.values())
