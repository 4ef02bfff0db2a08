"""Loading a Candidate: the engine that its runtime names, with its retriever."""

from functools import partial

from components.core import BadInput, Candidate, Machine, Retriever, Split, Store, read_passages

from .answer import Application, Searcher
from .engines import engine
from .prompt import reads_turns
from .reading import way
from .refinements import fault
from .scoring import scoring


def load(candidate: Candidate, store: Store, machine: Machine) -> Application:
    """The Application that `candidate` describes, ready to answer; close it (or use `with`) to free its memory.

    store: holds every object of `candidate.objects`
    Raises BadInput when the description does not fit together, MachineFault when an object or a service is missing,
    MissingPackage when an optional engine is not installed.
    """
    if (candidate.model is None) == (candidate.baseline is None):
        raise BadInput("candidate: give either a model or a baseline")
    module = engine(candidate.runtime.engine)
    if candidate.prompt is None and not hasattr(module.Engine, "reply"):
        raise BadInput(f"candidate: engine '{candidate.runtime.engine}' needs a prompt")
    if candidate.prompt is not None and hasattr(module.Engine, "reply"):
        raise BadInput(f"candidate: engine '{candidate.runtime.engine}' takes no prompt")
    if (candidate.runtime.engine == "baseline") != (candidate.baseline is not None):
        raise BadInput(
            f"candidate: engine '{candidate.runtime.engine}' does not run this candidate; a baseline needs 'baseline'"
        )
    if candidate.adapter and candidate.runtime.engine != "transformers":
        raise BadInput(
            f"candidate: engine '{candidate.runtime.engine}' runs no adapter; merge it into the weights (stage "
            "optimization), or run it on engine 'transformers'"
        )
    if candidate.quoted and candidate.prompt and candidate.prompt.answer_marker:
        raise BadInput("candidate: quotes and an answer after a marker do not go together; let the last turn only answer")
    if candidate.quoted and candidate.prompt and candidate.prompt.refinements:
        raise BadInput("candidate: quotes and refinements do not go together: a quote has no other form than the passage's")
    for one in candidate.prompt.refinements if candidate.prompt else ():
        fault(one.fault)  # a word that is not known, or a missing package, is told before a model is loaded
    if candidate.quoted and not module.QUOTES:
        raise BadInput(
            f"candidate: engine '{candidate.runtime.engine}' cannot be held to quotes; it needs a candidate without 'quoted'"
        )
    if candidate.runtime.context and not module.CONTEXT:
        raise BadInput(
            f"candidate: engine '{candidate.runtime.engine}' cannot be told how far it reads; leave selection.context "
            "out, or run it on engine 'transformers'"
        )
    if candidate.reading and (reason := reading_refused(candidate)):
        raise BadInput(f"candidate: it cannot be read by '{candidate.reading.way}': {reason}")
    retriever = load_retriever(candidate.retriever, store, machine) if candidate.retriever else None
    return Application(candidate, module.Engine(candidate, store, machine), retriever, partial(_passages, candidate, store))


def reading_refused(candidate: Candidate) -> str:
    """Why its engine or its kind of task cannot be read as `candidate.reading` says; empty where it can."""
    if candidate.reading is None:
        return ""
    if candidate.prompt is None:
        return "it has no prompt, which shows a part of a text"
    if reads_turns(candidate.prompt):
        return "its inputs are conversations, whose turns are no parts"
    scored = hasattr(engine(candidate.runtime.engine).Engine, "score")
    return way(candidate.reading.way).refusal(candidate, scored)


def _passages(candidate: Candidate, store: Store) -> dict[str, str]:
    """The texts of the candidate's knowledge base, by id."""
    if candidate.retriever is None:
        return {}
    base = Split(name="knowledge", object=candidate.retriever.knowledge, count=0)
    return {passage.id: passage.text for passage in read_passages(base, store)}


def load_retriever(retriever: Retriever, store: Store, machine: Machine) -> Searcher:
    """A searcher (see scoring/__init__.py); close it to let go of its connections.

    Raises MachineFault when the store lacks an object, BadInput for a word that is not known or a scoring without what it
    needs, MissingPackage when one of its packages is not installed.
    """
    return scoring(retriever.scoring).Scoring(retriever, store, machine)
