"""Loading a Candidate: the engine that its runtime names, with its retriever."""

from components.core import BadInput, Candidate, Machine, Retriever, Store

from .answer import Application, Searcher
from .engines import engine


def load(candidate: Candidate, store: Store, machine: Machine) -> Application:
    """The Application that `candidate` describes, ready to answer; close it (or use `with`) to free its memory.

    store: holds every object of `candidate.objects`
    Raises BadInput when the description does not fit together, MachineFault when an object or a service is missing,
    MissingPackage when an optional engine is not installed.
    """
    if (candidate.model is None) == (candidate.baseline is None):
        raise BadInput("candidate: give either a model or a baseline")
    if candidate.baseline is None and candidate.prompt is None:
        raise BadInput("candidate: a model needs a prompt")
    if (candidate.runtime.engine == "baseline") != (candidate.baseline is not None):
        raise BadInput(
            f"candidate: engine '{candidate.runtime.engine}' does not run this candidate; a baseline needs 'baseline'"
        )
    if candidate.quoted and candidate.prompt and candidate.prompt.answer_marker:
        raise BadInput("candidate: quotes and an answer after a marker do not go together; let the last turn only answer")
    if candidate.quoted and candidate.runtime.engine == "openai":
        raise BadInput("candidate: an endpoint cannot be held to quotes; engine 'openai' needs a candidate without 'quoted'")
    retriever = load_retriever(candidate.retriever, store, machine) if candidate.retriever else None
    return Application(candidate, engine(candidate.runtime.engine)(candidate, store, machine), retriever)


def load_retriever(retriever: Retriever, store: Store, machine: Machine) -> Searcher:
    """A searcher: `.search(texts, top_k=5) -> list[list[Hit]]`, best first.

    bm25 finds passages (each once). The other modes find chunks, so a passage may come more than once.
    Raises MachineFault when the store lacks an object, BadInput when a vector mode has no index or no embedder.
    """
    if retriever.scoring == "bm25":
        from .retrievers.bm25 import Bm25

        return Bm25(retriever.knowledge, store)
    if retriever.scoring == "convex":
        from .retrievers.convex import Convex

        return Convex(retriever, store, machine)
    from .retrievers.lance import Lance

    return Lance(retriever, store, machine)
