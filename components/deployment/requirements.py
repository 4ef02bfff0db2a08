"""The packages that one Candidate needs to run, with the exact versions it was measured with.

Only inference: no trainer, no orchestrator. A plain baseline over BM25 needs neither torch nor transformers, which is what
keeps its image small.
"""

from importlib.metadata import PackageNotFoundError, version

from components.application import baselines
from components.application.engines import engine
from components.application.reading import way
from components.application.refinements import fault
from components.application.scoring import scoring
from components.application.stores import vector_store
from components.core import Candidate, MissingPackage
from components.tasks import kind_of
from components.training import technique

CORE = ("pydantic", "pyyaml", "numpy", "regex", "icu4py")
SERVER = ("fastapi", "uvicorn", "httpx", "psutil")
SIGNED = ("model-signing", "pyopenssl")


def requirements(candidate: Candidate, *, server: bool = False, signed: bool = False) -> list[str]:
    """`name==version` lines, sorted. server: with what the web application needs; signed: with what checks its folder.

    Raises MissingPackage when one is not installed here, so that nothing is pinned to a version that was not tried.
    """
    names = {*CORE, *engine(candidate.runtime.engine).PACKAGES, *(SERVER if server else ()), *(SIGNED if signed else ())}
    if candidate.retriever:
        names |= {*scoring(candidate.retriever.scoring).PACKAGES}
    if candidate.retriever and candidate.retriever.store:
        names |= {*vector_store(candidate.retriever.store).PACKAGES}
    if candidate.reading:
        names |= {*way(candidate.reading.way).PACKAGES}
    names |= {*kind_of(candidate.task).packages}
    for one in candidate.prompt.refinements if candidate.prompt else ():
        names |= {*fault(one.fault).PACKAGES}
    if candidate.adapter:
        names |= {*technique(candidate.adapter.technique).PACKAGES}
    if candidate.baseline:
        names |= {*baselines.packages(candidate.baseline.kind)}
    return [f"{name}=={_installed(name)}" for name in sorted(names)]


def _installed(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError as error:
        raise MissingPackage(name, "this application") from error
