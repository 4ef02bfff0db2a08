"""The packages that one Candidate needs to run, with the exact versions it was measured with.

Only inference: no trainer, no orchestrator. A plain baseline over BM25 needs neither torch nor transformers, which is what
keeps its image small.
"""

from importlib.metadata import PackageNotFoundError, version

from components.application import baselines
from components.core import Candidate, MissingPackage
from components.tasks import kind_of

CORE = ("pydantic", "pyyaml", "numpy")
SERVER = ("fastapi", "uvicorn", "httpx", "psutil")
SIGNED = ("model-signing", "pyopenssl")
ENGINES = {
    "transformers": ("torch", "transformers", "safetensors", "jinja2"),
    "onnx": ("onnxruntime-genai", "onnxruntime", "transformers", "jinja2"),
    "openai": ("httpx",),
    "baseline": (),
}
RETRIEVERS = {
    "bm25": ("bm25s",),
    "vector": ("lancedb", "torch", "transformers", "sentence-transformers"),
    "rrf": ("lancedb", "torch", "transformers", "sentence-transformers"),
    "convex": ("bm25s", "nltk", "torch", "transformers", "sentence-transformers"),
}


def requirements(candidate: Candidate, *, server: bool = False, signed: bool = False) -> list[str]:
    """`name==version` lines, sorted. server: with what the web application needs; signed: with what checks its folder.

    Raises MissingPackage when one is not installed here, so that nothing is pinned to a version that was not tried.
    """
    names = {*CORE, *ENGINES[candidate.runtime.engine], *(SERVER if server else ()), *(SIGNED if signed else ())}
    if candidate.retriever:
        names |= {*RETRIEVERS[candidate.retriever.scoring]}
    names |= {*kind_of(candidate.task).packages}
    if candidate.adapter:
        names |= {"peft"}
    if candidate.baseline:
        names |= {*baselines.packages(candidate.baseline.kind)}
    return [f"{name}=={_installed(name)}" for name in sorted(names)]


def _installed(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError as error:
        raise MissingPackage(name, "this application") from error
