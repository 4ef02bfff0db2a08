"""What a running step is handed: where it may build, the store, the machine, and a place for what it measured."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .code import code_digest, pins, words_of
from .digest import Frozen, digest_of
from .store import Seal, Store, inputs_of
from .use_case import Machine
from .workspace import Workspace

Result = TypeVar("Result", bound=Frozen)


@dataclass(frozen=True)
class Step:
    """One run of one stage. `scratch` outlives a kill: checkpoints found there may be resumed."""

    key: str
    scratch: Path
    workspace: Workspace
    machine: Machine
    measured: dict[str, Any] = field(default_factory=dict)
    """Seconds, rates, memory, energy: sealed beside the result, outside every digest."""
    read: set[str] = field(default_factory=set)
    """Objects that the step opened, sealed for lineage."""

    @property
    def store(self) -> Store:
        """The workspace's store, which notes what this step opens."""
        whole = self.workspace.store
        return Store(whole.root, whole.derived, self.read)

    def memo(
        self,
        name: str,
        kind: type[Result],
        inputs: object,
        make: Callable[["Step"], Result],
        code: tuple[str, ...],
        named: object = None,
    ) -> Result:
        """Return the sealed result of the sub-step `name` on equal `inputs`, code and pinned versions, or make and seal it.

        code: dotted modules whose import closure makes the result; with `inputs` they name it
        named: what names files of listed folders, where the inputs do not: the Candidate whose digest stands there
        Evidence uses this, so that no Candidate is measured twice on a split, in whichever stage it turns up.
        """
        key = digest_of([name, inputs, code_digest(*code, words=words_of(inputs, named)), pins()])
        seal = self.store.sealed(key)
        if seal is None:
            inner = Step(key, self.store.scratch(key), self.workspace, self.machine)
            result = make(inner)
            given = inputs_of({"inputs": inputs})
            dump, read = result.model_dump(mode="json"), tuple(sorted(inner.read))
            seal = Seal(key=key, name=name, result=dump, measured=inner.measured, inputs=given, read=read)
            self.store.seal(seal)
        self.read.update(seal.read or ())
        self.measured.setdefault(name, {})[key[:12]] = seal.measured
        return kind.model_validate(seal.result)
