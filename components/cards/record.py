"""What a card is made of. Everything in it comes from sealed results; a card measures nothing.

The record lies beside its card (`v1.record.json`), so that the card can be rendered again, verified and compared.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from pydantic import model_validator

from components.core import BadInput, Candidate, Decision, Frozen, digest_of, file_digest, parse
from components.ladder import NotClimbed

TEMPLATES = Path(__file__).parent / "templates"


class MetricDump(TypedDict):
    """Dump of a Metric."""

    value: float
    low: NotRequired[float | None]
    high: NotRequired[float | None]
    n: NotRequired[int]


class EvidenceDump(TypedDict):
    """Dump of an Evidence, as far as a card is made from it."""

    split: str
    split_object: str
    table: str
    metrics: dict[str, MetricDump]


class ComparisonDump(TypedDict):
    """Dump of a Comparison, as far as a card is made from it."""

    metric: str
    over: str
    before: float
    after: float
    gain: MetricDump
    minimum_effect: NotRequired[float]
    p_value: NotRequired[float | None]
    power: NotRequired[dict[str, object] | None]


class Record(Frozen):
    """One run of one use case, as far as it came. What is missing is shown as "not measured"."""

    use_case: dict[str, Any]
    """The contract: a dump of UseCase."""
    profile: str
    run_id: str
    results: dict[str, dict[str, Any]] = {}
    """Step (`tuning`, `feedback.align`, `optimization.evaluate` …) → dump of its result, in the order they were done."""
    measured: dict[str, dict[str, Any]] = {}
    """Step → seconds, rates, memory."""
    keys: dict[str, str] = {}
    """Step → its key: the seal under which the store keeps all of its result."""
    settings: dict[str, dict[str, object]] = {}
    """Step → dump of its Config."""
    unclimbed: dict[str, NotClimbed] = {}
    """Rungs of the ladder that were not climbed."""
    profile_settings: dict[str, object] = {}
    """What the profile sets for the stages; with the contract it is what a release is decided with."""
    candidate: Candidate
    """What was decided on: the release, or what was refused."""
    evaluated: dict[str, Any] = {}
    """Dump of the evaluation that decided; a file names the step of `results` that it is."""
    model: dict[str, Any] | None = None
    """{"name", "version", "alias"} once registered."""
    approval: dict[str, Any] | None = None
    """Dump of Approval, once there is one."""
    decision: Decision
    provenance: dict[str, Any] = {}
    """Content of the dataset's `provenance.json`."""
    store: str | None = None
    """The store's folder as the card's own folder sees it, where both lie in one place: for links to reports."""
    environment: dict[str, object] = {}
    """Versions and machine."""
    examples: dict[str, list[dict[str, object]]] = {}
    """`best` and `worst`: rows of the evidence table."""
    failed: dict[str, list[dict[str, object]]] = {}
    """Safety check → some of the items that failed."""
    libraries: dict[str, str] = {}
    """Packages that serve it → version."""
    files: dict[str, dict[str, str]] = {}
    """Object that the candidate names → its files with their SHA-256."""
    template: str = ""
    """What it was rendered by: `template_version`; set when the card is written."""
    status: Literal["draft", "final"] = "draft"

    @model_validator(mode="before")
    @classmethod
    def _evaluation_by_its_step(cls, given: object) -> object:
        if not isinstance(given, dict) or not isinstance(step := given.get("evaluated"), str):
            return given
        if step not in given.get("results", {}):
            raise ValueError(f"key 'evaluated': '{step}' is no step of 'results'")
        return {**given, "evaluated": given["results"][step]}

    @property
    def decided_with(self) -> str:
        """Digest of the contract and of what the profile sets, as the registry keeps it."""
        return digest_of([self.use_case, self.profile_settings])


def record_path(card: Path) -> Path:
    """Where the record of `card` lies."""
    return card.with_name(f"{card.stem}.record.json")


def as_file(record: Record) -> str:
    """What `record_path` holds, in the record's own order: canonical JSON would sort it. The evaluation that decided is a
    fifth of it, and stands there once."""
    content = record.model_dump(mode="json")
    content["evaluated"] = next(
        (step for step, result in record.results.items() if record.evaluated and result == record.evaluated),
        content["evaluated"],
    )
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_record(card: Path) -> Record:
    """The record of the card `card` (`v1.md`). Raises BadInput when that is no card, or its record is gone or is none."""
    if card.suffix != ".md" or not card.is_file():
        raise BadInput(f"{card}: not a model card. Give the path of one (`model_cards/<use case>/v1.md`)")
    path = record_path(card)
    if not path.is_file():
        raise BadInput(
            f"{path}: no such file: without its record a card can be neither verified nor compared. Bring it back, or run "
            "the use case again: a run writes both"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{path}: not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path}: expected keys and values at the top, found {type(content).__name__}")
    return parse(Record, content, str(path))


def record_digest(record: Record) -> str:
    """SHA-256 of all that a record says, in its order: what is registered with its version, so that any later edit shows.

    Without the template, which may change, and without fields at their defaults: one that is added later changes nothing.
    """
    return hashlib.sha256(record.model_dump_json(exclude={"template"}, exclude_defaults=True).encode()).hexdigest()


def template_version() -> str:
    """Names the templates of cards by their content."""
    names = ("card.md.j2", "page.html.j2", "annex.md.j2")
    return "-".join(file_digest(TEMPLATES / name)[:12] for name in names)
