"""The retrieval stage: chunk, embed and index the knowledge base, choose how to search, measure what that does to answers.

The scoring and the number of chunks are chosen by how often the reference answer stands in the context, on questions that no
retriever was fitted to; the answers are then measured, against the candidate at hand and against closed book. What the first
rows of validation do not settle is looked at again on more of them, then on training rows too. That is fair: no model and no
retriever was fitted to any row, the knowledge base answers rows of both splits, and training rows that the prompt shows are
left out (measure/deciding.py). The option is the best of few on questions of both splits, so that rows of one are no more
flattering than those of the other. A scoring that learns (`rerank`) is fitted on the training rows first, and the embedder
tuned on them where the settings say so (tuned_options.py): then those compare nothing and decide nothing, and validation
stands alone.
Not covered: cross-encoders (one costs more than the reader on a CPU), query rewriting.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from components.application import Answer, answering, checkpoint
from components.application.scoring import NAMES as SCORINGS
from components.application.scoring import learned
from components.application.scoring import scoring as scoring_named
from components.application.stores import NAMES as STORES
from components.application.stores import vector_store
from components.core import (
    BadInput,
    Candidate,
    Checkpoint,
    Comparison,
    Dataset,
    Evidence,
    Frozen,
    Metrics,
    Retriever,
    Split,
    StageResult,
    Step,
    Task,
    UseCase,
    read_passages,
)
from components.measure import compare, deciding_rows, examples, measure, note_of_cut, settled, sizes_of_looks
from components.measure.answer_kinds import stand_in_texts

from .decide import decide
from .embedder_tuning import EmbedderTuning
from .hits import QuestionHits, means
from .index import Index, build
from .options import Option, best_of, searched
from .tuned_options import EmbedderGain, tuned_options

FIGURES = ("hit@1", "hit@5", "mrr", "ndcg@10", "support")


class Config(Frozen):
    """Settings of the retrieval stage."""

    embedder: str = "asset:minilm/all_minilm_l6_v2/model.zip"
    """Where the embedding model comes from: asset:, hub: or folder:."""
    embedder_name: str = "all-minilm-l6-v2"
    embedder_licence: str = "apache-2.0"
    embedder_dtype: Literal["float32", "bfloat16", "int8"] | None = Field(None, exclude_if=lambda named: named is None)
    """What the embedder computes in. int8 is the fastest, and costs a search a little (docs/benchmarks.md); None: bfloat16
    where the candidate runs in it, else float32."""
    embedder_tuning: EmbedderTuning | None = None
    """Tune it on the training questions, and take that where it finds better ({}: by the defaults); None: as it comes."""
    chunk_words: int = Field(100, ge=0)
    """Most words in a chunk; 0 keeps passages whole."""
    overlap_words: int = Field(0, ge=0)
    """Words that neighbouring chunks may share."""
    scoring: tuple[str, ...] = Field(("bm25", "vector", "rrf", "convex"), min_length=1)
    """Ways to rank that are compared: files of application/scoring."""
    store: str = "numpy"
    """What keeps and searches the vectors: a file of application/stores. Every store gives the same hits."""
    top_k: tuple[Annotated[int, Field(ge=1)], ...] = Field((1, 2), min_length=1)
    """How many texts the prompt may hold; each is compared."""
    context_words: int = Field(170, ge=1)
    """Options whose context has more words than this on average are not taken: 170 words are about 230 tokens."""
    questions: tuple[Literal["train", "feedback", "validation"], ...] = Field(("train", "validation"), min_length=1)
    """Splits whose questions compare the ways to search; never test, nor train where one of them learns from it."""
    rows: int | None = Field(None, ge=1)
    """Validation rows that are answered at the first look, and closed book; None: all."""
    rows_at_most: int | None = Field(None, ge=1)
    """Rows of the last look: where fewer settle nothing they double up to here; None: to all of validation and training
    that may decide. As many as `rows`: one look."""

    @field_validator("scoring")
    @classmethod
    def _scorings_are_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for word in given:
            _known(word, SCORINGS)
        return given

    @field_validator("store")
    @classmethod
    def _store_is_known(cls, given: str) -> str:
        _known(given, STORES)
        return given

    @model_validator(mode="after")
    def _chunks_go_on(self) -> "Config":
        if 0 < self.chunk_words <= self.overlap_words:
            raise ValueError(
                f"key 'overlap_words': must be below 'chunk_words' ({self.chunk_words}; found {self.overlap_words})"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _old_words_name_the_new(cls, given: object) -> object:
        if isinstance(given, dict) and "modes" in given:
            raise ValueError("'modes' is now 'scoring', and its 'hybrid' is 'rrf' (reciprocal rank fusion)")
        return given


def check_settings(config: Config, contract: UseCase) -> None:
    """Raise MissingPackage or MachineFault where a scoring or the store cannot run here."""
    _compared_on(config)
    vectors = [word for word in config.scoring if scoring_named(word).VECTORS]
    if vectors:
        vector_store(config.store)
    elif config.embedder_tuning:
        raise BadInput(
            "retrieval.embedder_tuning: no scoring that is listed reads vectors, so that there is no embedder to tune; add "
            "vector, rrf or convex to retrieval.scoring, or leave it out"
        )


def _compared_on(config: Config) -> tuple[str, ...]:
    """The splits whose questions compare the options."""
    learns = [f"scoring '{word}' is fitted" for word in config.scoring if learned(word)]
    learns += ["the embedder is tuned"] if config.embedder_tuning else []
    splits = tuple(name for name in config.questions if not (learns and name == "train"))
    if not splits:
        raise BadInput(
            f"retrieval.questions: {learns[0]} on train, so that other questions have to compare it; "
            "add validation or feedback"
        )
    return splits


def _known(word: str, names: tuple[str, ...]) -> None:
    if word not in names:
        raise ValueError(f"'{word}' is not known; allowed: {', '.join(names)}")


class Retrieved(StageResult):
    """The Candidate that goes on, and what the search finds."""

    candidate: Candidate
    proposed: Candidate
    """With the best search, adopted or not."""
    hits: dict[str, dict[str, float]]
    """`scoring, top k` → hit@1, hit@5, mrr, support, words (see hits.py)."""
    gain: Comparison | None = None
    """What retrieval gives over closed book, on the primary metric."""
    index: Index
    """Provenance of the index that was proposed."""
    embedder_gain: EmbedderGain | None = None
    """What tuning the embedder was worth, where the settings asked for it."""


def retrieve(
    config: Config, *, task: Task, metrics: Metrics, candidate: Candidate, dataset: Dataset, step: Step
) -> Retrieved:
    """Give `candidate` the retriever that puts the answer into the context most often; see `decide` for when it is adopted.

    dataset: needs a knowledge base. Result: `candidate` (unchanged unless adopted), the table of hits, the gain over closed
    book. Raises BadInput when the embedder cannot be read.
    """
    assert dataset.knowledge, "the retrieval stage is only called with a knowledge base"
    embedder = checkpoint(config.embedder, config.embedder_name, config.embedder_licence, step)
    dtype = config.embedder_dtype or ("bfloat16" if candidate.runtime.dtype == "bfloat16" else "float32")
    index = build(dataset.knowledge, embedder, config.chunk_words, config.overlap_words, step, dtype)
    questions = [row for name in _compared_on(config) for row in dataset.rows(name, step.store)]
    options, untaught = _options(config, dataset, index, embedder, candidate.retriever, step)
    passages = {passage.id: passage.text for passage in read_passages(dataset.knowledge, step.store)}
    answerable = [row for row in questions if row.answer != task.abstain]
    in_texts = stand_in_texts(answerable, passages)
    tables = searched(options, task, questions, in_texts, step)
    gain_of_embedder: EmbedderGain | None = None
    tuned: dict[str, Option] = {}
    if config.embedder_tuning:
        gain_of_embedder, tuned = tuned_options(
            config.embedder_tuning, dataset, index, embedder, tables, config.context_words, task, questions, in_texts, step
        )
    hits = {name: means(option.table) for name, option in (tables | tuned).items()}
    if gain_of_embedder and gain_of_embedder.offered:
        tables |= tuned
    best = best_of({name: hits[name] for name in tables}, config.context_words)
    proposed = candidate.model_copy(update={"retriever": tables[best].retriever})
    if gain_of_embedder and gain_of_embedder.index and best in tuned:
        index = gain_of_embedder.index

    validation = dataset.splits["validation"]
    more = validation if proposed == candidate else deciding_rows(dataset, (candidate, proposed), task, step)
    first = min(config.rows or validation.count, validation.count)
    known: dict[str, Evidence] = {}

    def answered(rows: int) -> dict[str, Evidence]:
        for which, one in (("at hand", candidate), ("proposed", proposed)):
            part = validation if rows <= validation.count else more
            known[which] = _measure(one, part, task, rows, step, earlier=known.get(which))
        return known

    at_hand = _hand_table(candidate, tables)
    decision, _ = settled(
        sizes_of_looks(first, max(first, min(config.rows_at_most or more.count, more.count))),
        answered,
        lambda found, level: decide(metrics, found, at_hand, tables[best].table, best, step.store, level),
    )
    taken = proposed if decision.adopted else candidate
    closed = _measure(candidate.model_copy(update={"retriever": None}), validation, task, first, step)
    used = _measure(taken, validation, task, first, step)
    gain = compare(closed, used, metrics, step.store, over="closed book").comparison
    return Retrieved(
        decision=decision,
        candidate=taken,
        proposed=proposed,
        hits=hits,
        gain=gain,
        index=index,
        embedder_gain=gain_of_embedder,
        objects=tuple(sorted({index.object, embedder.object, more.object, *_learned(options, gain_of_embedder)})),
        metrics=_figures(hits[best], used, gain, metrics),
        notes=(
            *_notes(config, index, hits, gain, len(questions), untaught),
            *([gain_of_embedder.said] if gain_of_embedder else []),
            *note_of_cut(best, used, step.store),
        ),
    )


def _options(
    config: Config, dataset: Dataset, index: Index, embedder: Checkpoint, at_hand: Retriever | None, step: Step
) -> tuple[dict[str, Retriever], list[str]]:
    """(`scoring, top k` → retriever, the scorings that had too few rows to learn from)."""
    assert dataset.knowledge
    options, untaught = {}, []
    for scoring in config.scoring:
        retriever = Retriever(scoring=scoring, knowledge=dataset.knowledge.object)
        if scoring_named(scoring).VECTORS:
            parts = {"index": index.object, "embedder": embedder, "store": config.store}
            retriever = retriever.model_copy(update=parts)
        if module := learned(scoring):
            fitted = module.fit(retriever, dataset.rows("train", step.store), step)
            if fitted is None:
                untaught.append(scoring)
                continue
            retriever = retriever.model_copy(update={"fitted": fitted})
        for top_k in config.top_k:
            options[f"{scoring}, top {top_k}"] = retriever.model_copy(update={"top_k": top_k})
    if at_hand and at_hand not in options.values():
        options[f"{at_hand.scoring}, top {at_hand.top_k} (at hand)"] = at_hand
    if not options:
        raise BadInput(
            f"retrieval.scoring: '{untaught[0]}' finds too few training questions that name a passage to learn from; list "
            "another scoring beside it"
        )
    return options, untaught


def _learned(options: dict[str, Retriever], tuned: EmbedderGain | None) -> set[str]:
    """The objects that were learned from training rows, and the index made by one of them."""
    objects = {retriever.fitted for retriever in options.values() if retriever.fitted}
    if tuned and tuned.index and tuned.tuned.checkpoint:
        objects |= {tuned.index.object, tuned.tuned.checkpoint.object}
    return objects


def _measure(
    candidate: Candidate, split: Split, task: Task, rows: int, step: Step, earlier: Evidence | None = None
) -> Evidence:
    """Evidence on the first `rows` rows; only what `earlier`, of the same candidate, did not answer is asked."""
    answers = [Answer.of(row) for row in examples(earlier, step.store)] if earlier else []
    with answering(candidate, step.store, step.machine, answers) as answer:
        return measure(candidate, answer, split, task, step, rows=rows)


def _hand_table(candidate: Candidate, tables: dict[str, Option]) -> list[QuestionHits] | None:
    """The table of hits of the retriever at hand, where it was among the options."""
    return next((option.table for option in tables.values() if option.retriever == candidate.retriever), None)


def _figures(hits: dict[str, float], used: Evidence, gain: Comparison | None, metrics: Metrics) -> dict[str, float]:
    figures: dict[str, float] = {name: hits[name] for name in FIGURES if name in hits}
    if metrics.primary in used.metrics:
        figures[metrics.primary] = used.metrics[metrics.primary].value
    if gain:
        figures["gain_over_closed_book"] = gain.gain.value
    return figures


def _chosen_by(figures: dict[str, float]) -> str:
    """The figure that the options were compared by, in words."""
    name = next((name for name in ("support", "hit@1") if name in figures), None)
    return f"{name} {figures[name]:.2f}" if name else "no figure: no question has a passage"


def _notes(
    config: Config,
    index: Index,
    hits: dict[str, dict[str, float]],
    gain: Comparison | None,
    questions: int,
    untaught: list[str],
) -> tuple[str, ...]:
    lines = [
        f"index: {index.chunks} chunks of at most {config.chunk_words} words from {index.passages} passages, "
        f"embedded by {index.embedder_name}",
        f"search compared on {questions} questions of {' and '.join(_compared_on(config))}: "
        + "; ".join(f"{name} {_chosen_by(figures)}" for name, figures in hits.items()),
    ]
    lines += [f"{word}: left out, too few training questions name a passage that was found" for word in untaught]
    if gain:
        lines.append(f"over closed book: {gain.metric} {gain.before:.3f} → {gain.after:.3f}")
    return tuple(lines)
