"""What a card is made of. Everything in it comes from sealed results; a card measures nothing."""

from typing import Any, Literal

from components.core import Candidate, Decision, Frozen


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
    settings: dict[str, dict[str, Any]] = {}
    """Step → dump of its Config."""
    candidate: Candidate
    """What was decided on: the release, or what was refused."""
    evaluated: dict[str, Any] = {}
    """Dump of the evaluation that decided."""
    model: dict[str, Any] | None = None
    """{"name", "version", "alias"} once registered."""
    approval: dict[str, Any] | None = None
    """Dump of Approval, once there is one."""
    decision: Decision
    provenance: dict[str, Any] = {}
    """Content of the dataset's `provenance.json`."""
    environment: dict[str, Any] = {}
    """Versions and machine."""
    examples: dict[str, list[dict[str, Any]]] = {}
    """`best` and `worst`: rows of the evidence table."""
    status: Literal["draft", "final"] = "draft"
