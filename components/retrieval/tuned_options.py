"""The best way to search by vectors once more, with the embedder tuned on the training questions.

It is offered to the comparison of the stage only where it finds better than with the embedder as it came: nDCG@10 on
questions that it was not tuned on, paired, the interval above 0. What a scoring learned (`rerank`) stays as it was learned
over that embedder: the tuned one has seen the training questions, and is surer of them than of any others.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from components.core import Checkpoint, Comparison, Dataset, Example, Frozen, Row, Step, Task, figure_of
from components.measure import compared, significant

from .embedder_tuning import EmbedderTuning, TunedEmbedder, tune
from .hits import means
from .index import Index, build
from .options import Option, best_of, searched

FIGURE = "ndcg@10"
OVER = "the embedder as it came"


class EmbedderGain(Frozen):
    """What it was worth to tune the embedder."""

    tuned: TunedEmbedder
    index: Index | None = None
    """The knowledge base embedded by it; None: it was not trained."""
    scoring: str = ""
    """The best way to search by vectors, with the embedder as it came."""
    gains: dict[str, Comparison] = {}
    """Of that scoring, which decides, and of the vectors alone (`vector`): nDCG@10 before and after."""
    offered: bool = False
    """Whether the stage compared it with the other ways to search."""
    said: str
    """All of it in a sentence."""


def tuned_options(
    tuning: EmbedderTuning,
    dataset: Dataset,
    index: Index,
    embedder: Checkpoint,
    found: Mapping[str, Option],
    context_words: int,
    task: Task,
    questions: Sequence[Row],
    in_texts: bool,
    step: Step,
) -> tuple[EmbedderGain | None, dict[str, Option]]:
    """(What tuning was worth, the options with the tuned embedder); (None, {}) where none of those `found` uses `index`.

    questions: those that `found` was compared on; the embedder is tuned on none of them
    """
    by_vectors = {name: option for name, option in found.items() if option.retriever.index == index.object}
    if not by_vectors:
        return None, {}
    best = best_of({name: means(option.table) for name, option in by_vectors.items()}, context_words)
    tuned = tune(tuning, dataset, index, embedder, task, step)
    if tuned.checkpoint is None:
        few = f"embedder not tuned: {tuned.rows} training questions name a passage that training may read, too few"
        return EmbedderGain(tuned=tuned, said=few), {}
    assert dataset.knowledge
    new = build(dataset.knowledge, tuned.checkpoint, index.chunk_words, index.overlap_words, step, index.dtype)
    parts = {"index": new.object, "embedder": tuned.checkpoint}
    scoring = by_vectors[best].retriever.scoring
    alike = {
        f"{name}, tuned embedder": option.retriever.model_copy(update=parts)
        for name, option in by_vectors.items()
        if option.retriever.scoring == scoring
    }
    after = searched(alike, task, questions, in_texts, step)
    pairs = {scoring: (by_vectors[best], after[f"{best}, tuned embedder"])}
    if scoring != "vector":
        alone = by_vectors[best].retriever.model_copy(update={"scoring": "vector", "fitted": None})
        both = {"before": alone, "after": alone.model_copy(update=parts)}
        tables = searched(both, task, questions, in_texts, step)
        pairs["vector"] = tables["before"], tables["after"]
    gains = {name: gain for name, (one, other) in pairs.items() if (gain := _gain(one, other))}
    offered = scoring in gains and significant(gains[scoring])
    said = _said(tuned, gains, offered)
    return EmbedderGain(tuned=tuned, index=new, scoring=scoring, gains=gains, offered=offered, said=said), after


def _gain(before: Option, after: Option) -> Comparison | None:
    """None where no question names its passage."""
    if not any(figure_of(row, FIGURE) is not None for row in before.table):
        return None
    # of rows that are no answers it reads the id and the figure, which these have too
    return compared(cast(list[Example], before.table), cast(list[Example], after.table), FIGURE, over=OVER)


def _said(tuned: TunedEmbedder, gains: Mapping[str, Comparison], offered: bool) -> str:
    rows = ", ".join(f"{one.rows} of {name} ({one.licence or 'no licence known'})" for name, one in tuned.sources.items())
    figures = "; ".join(
        f"{name} {one.before:.3f} → {one.after:.3f} "
        f"(gain {one.gain.value:+.3f} [{one.gain.low:+.3f}, {one.gain.high:+.3f}], n = {one.gain.n})"
        for name, one in gains.items()
    )
    end = "compared with the other ways to search" if offered else "left out, since it may be chance"
    return f"embedder tuned on training questions, {rows}; nDCG@10 by {figures or 'no question with a passage'}: {end}"
