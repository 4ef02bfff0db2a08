"""What a contract can get wrong although each key by itself is fine: metrics, thresholds, slices that cannot be.

Cheap and needs no data, so that a run can refuse it before anything heavy loads.
"""

from collections.abc import Iterator

from components.core import BadInput, Duplicates, UseCase
from components.measure import METRICS
from components.measure.metrics import definition
from components.tasks import check_task, kind_of, names
from components.text import same
from components.text.turns import ROLES

_MEANS = {"abstain": ", the words that say there is no answer"}
TO_FILL_IN = "<fill in "
"""How a text begins that `ninefold init` left to be written."""


def check_contract(contract: UseCase, where: str = "") -> None:
    """Raise BadInput naming every key that does not fit its kind of task or the rest of the contract, what is allowed and
    what to do. where: starts each line, the use case's name where not given."""
    where = where or f"use case '{contract.name}'"
    if unfilled := [(key, text) for key, text in texts(contract.model_dump(mode="json")) if text.startswith(TO_FILL_IN)]:
        lines = [f"{where}: key '{key}': still holds '{text}': write what is meant" for key, text in unfilled]
        raise BadInput("\n".join(lines))
    check_task(contract.task, where)
    checks = (_metrics, _slices, _sources, _labels, _speakers, _practice, _quotes, _given)
    if wrong := [line for check in checks for line in check(contract)]:
        raise BadInput("\n".join(f"{where}: {line}" for line in wrong))


def texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every text in a contract's dump."""
    if isinstance(value, str):
        yield key, value
        return
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield from texts(one, f"{key}.{name}" if key else str(name))


def _missing(metric: str, contract: UseCase) -> list[str]:
    """Keys of the task of which `metric` needs one, as far as its kind has them; none where one is there."""
    needs = definition(metric).needs
    there = any(contract.task.own.get(key) is not None for key in needs)
    return [] if there else [key for key in needs if key in kind_of(contract.task.kind).fields.model_fields]


def _metrics(contract: UseCase) -> list[str]:
    kind, metrics = contract.task.kind, contract.metrics
    allowed = METRICS[kind]
    wrong = []
    for key, name in [("metrics.primary", metrics.primary), *((f"metrics.floors.{name}", name) for name in metrics.floors)]:
        if name not in allowed:
            wrong.append(f"key '{key}': '{name}' is not measured for {kind}; allowed: {', '.join(allowed)}")
        elif missing := _missing(name, contract):
            needed = " or ".join(f"task.{one}{_MEANS.get(one, '')}" for one in missing)
            wrong.append(f"key '{key}': '{name}' needs {needed}; add it")
    if metrics.primary in allowed and not definition(metrics.primary).is_goal:
        goals = ", ".join(name for name in allowed if definition(name).is_goal)
        wrong.append(
            f"key 'metrics.primary': '{metrics.primary}' may be a floor, but without answers it is no goal; allowed: {goals}"
        )
    for name, floor in metrics.floors.items():
        if not 0 <= floor <= 1:
            wrong.append(f"key 'metrics.floors.{name}': must lie between 0 and 1 (found {floor})")
    if metrics.enough < metrics.at_least:
        wrong.append(
            f"key 'metrics.enough': must be at least metrics.at_least ({metrics.at_least}), or the ladder would stop below "
            f"the release threshold (found {metrics.enough})"
        )
    return wrong


def _slices(contract: UseCase) -> list[str]:
    allowed = kind_of(contract.task.kind).slices
    return [
        f"key 'slices': '{name}' does not exist for {contract.task.kind}; allowed: {', '.join(allowed)}"
        for name in contract.slices
        if name not in allowed
    ] + (
        ["key 'slices': 'answerable' needs task.abstain, the words that say there is no answer; add them"]
        if "answerable" in contract.slices and contract.task.abstain is None
        else []
    )


def _sources(contract: UseCase) -> list[str]:
    """Each source has a name of its own: folders, figures and pages are named by it."""
    names = [source.name for source in contract.data.sources]
    return [
        f"key 'data.sources.{place}.name': '{name}' is used twice (data.sources.{other} has it too); give each source a "
        "name of its own"
        for place, name in enumerate(names)
        for other, before in enumerate(names[:place])
        if same(before) == same(name)
    ]


def _labels(contract: UseCase) -> list[str]:
    """Two labels must be told apart as answers are compared; values that are mapped to a label, be mapped to one that
    exists."""
    labels = contract.task.labels
    if not labels:
        return []
    alike = [
        f"key 'task.labels': {one!r} and {other!r} cannot be told apart (outer space and Unicode's composition make no "
        "difference); keep one, and map the file's words to it with data.sources.<n>.values"
        for place, one in enumerate(labels)
        for other in labels[:place]
        if same(one) == same(other)
    ]
    return alike + [
        f"key 'data.sources.{number}.values': {theirs!r} becomes '{ours}'; allowed: {', '.join(contract.task.labels)}"
        for number, source in enumerate(contract.data.sources)
        for theirs, ours in source.values.items()
        if same(ours) not in map(same, labels)
    ]


def _speakers(contract: UseCase) -> list[str]:
    """Of conversations `values` name who speaks; only they have replies."""
    if kind_of(contract.task.kind).turns:
        return [
            f"key 'data.sources.{number}.values': {theirs!r} becomes '{ours}'; allowed: {', '.join(ROLES)}"
            for number, source in enumerate(contract.data.sources)
            for theirs, ours in source.values.items()
            if ours not in ROLES
        ]
    turns = ", ".join(name for name in names() if kind_of(name).turns)
    return [
        f"key 'data.sources.{number}.replies': '{source.replies}' is for {turns} only; leave it out"
        for number, source in enumerate(contract.data.sources)
        if source.replies != "last"
    ]


def _practice(contract: UseCase) -> list[str]:
    if kind_of(contract.task.kind).asks:
        return []
    asking = ", ".join(name for name in names() if kind_of(name).asks)
    return [
        f"key 'data.sources.{number}.role': 'practice' is for {asking} only; use 'examples'"
        for number, source in enumerate(contract.data.sources)
        if source.role == "practice"
    ]


def _quotes(contract: UseCase) -> list[str]:
    if (
        not contract.task.quoted
        or contract.task.given
        or any("knowledge" in source.role for source in contract.data.sources)
    ):
        return []
    return [
        "key 'task.answers': 'quoted' needs passages to quote from; give a source the role 'knowledge' or "
        "'examples_and_knowledge', write `context: given` where each question comes with its text, or `answers: free`"
    ]


def _given(contract: UseCase) -> list[str]:
    """A text that comes with its question is searched for nowhere, and is input: it is not curated."""
    if not contract.task.given:
        return []
    data = contract.data
    wrong = [
        f"key 'data.sources.{number}.role': '{source.role}': with `task.context: given` each question comes with its text "
        "(field passage or context), and nothing is searched for; use 'examples'"
        for number, source in enumerate(data.sources)
        if "knowledge" in source.role
    ]
    asked = {
        "data.filters": data.filters,
        "data.duplicates": data.duplicates != Duplicates(),
        "data.synthetic": data.synthetic,
    }
    return wrong + [
        f"key '{key}': with `task.context: given` the texts are part of the questions, and are neither dropped, cut nor "
        "made; remove it"
        for key, value in asked.items()
        if value
    ]
