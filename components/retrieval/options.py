"""Ways to search, each with its table of hits on the questions that compare them."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from components.application import load_retriever
from components.core import Retriever, Row, Step, Task, progress

from .hits import SEARCHED, QuestionHits, score


class Option(NamedTuple):
    """One way to search, and what it was worth for each question."""

    retriever: Retriever
    table: list[QuestionHits]


def searched(
    options: Mapping[str, Retriever], task: Task, questions: Sequence[Row], in_texts: bool, step: Step
) -> dict[str, Option]:
    """Each option with its table of hits; one search a scoring serves every top_k."""
    import time

    tables = {}
    bases = {retriever.model_copy(update={"top_k": 1}).digest: retriever for retriever in options.values()}
    for base, retriever in progress(list(bases.items()), "comparing ways to search"):
        with closing(load_retriever(retriever, step.store, step.machine)) as searcher:
            start = time.perf_counter()
            ranked = searcher.search([row.text for row in questions], top_k=SEARCHED)
            milliseconds = 1000 * (time.perf_counter() - start) / len(questions)
        step.measured[f"milliseconds_per_search_{retriever.scoring}"] = round(milliseconds, 2)
        for name, option in options.items():
            if option.model_copy(update={"top_k": 1}).digest == base:
                tables[name] = Option(option, score(task, questions, ranked, option.top_k, in_texts=in_texts))
    return tables


def best_of(hits: Mapping[str, Mapping[str, float]], context_words: int) -> str:
    """The option with the highest support within `context_words`; of equals, the one with fewer words."""
    short = [name for name in hits if hits[name]["words"] <= context_words]
    shortest = min(hits, key=lambda name: (hits[name]["words"], name))

    def order(name: str) -> tuple[float, float, str]:
        figures = hits[name]
        return -figures.get("support", figures.get("hit@1", 0.0)), figures["words"], name

    return min(short or [shortest], key=order)
