"""`ninefold study`: measures what a study claims, and says *shown*, *not shown* or *the opposite here*.

Measured values lie in the store, one result a (study, arm, seed); findings in `studies/<name>.json` of the workspace, those
of smoke runs in `studies/smoke/`. Verdicts are not kept: Holm's correction is over all studies that were measured by then.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.markup import escape

from components.core import Frozen, Machine, Step, Workspace, digest_of, publish_json, report
from components.core.files import read_json
from components.core.rates import processor
from components.measure.claims import Claim, Contrast, Estimate, Findings, findings, verdicts
from flows.studies import STUDIES, claim_of, study
from flows.study_bench import SMOKE, Bench, bench_of
from flows.view import watching

MARKS = {"shown": "green", "not shown": "yellow", "the opposite here": "red", "not run": "dim"}
MACHINE = Machine()


class Measured(Frozen):
    """What one arm with one seed came to: a value a row."""

    values: tuple[float, ...]


class Result(Frozen):
    """A study as it was measured: `studies/<name>.json`."""

    claim: Claim
    findings: Findings
    model: str
    """What was adapted, by name."""
    dtype: str
    processor: str
    date: str
    seconds: float
    """Of all arms and seeds together, whenever each was measured."""


class Line(TypedDict):
    """A study in the list."""

    study: str
    claim: str
    verdict: str
    """shown, not shown, the opposite here; or not run"""
    result: Result | None


def run_studies(names: Iterable[str], smoke: bool = False) -> list[Line]:
    """Measure of each study what the store does not hold yet, write its findings, and return all of `names`.

    Raises BadInput for a name that is no study, before anything is measured.
    """
    names, workspace = list(names), Workspace()
    for name in names:
        study(name)
    with workspace.lock(), watching("studies", workspace.logs / "study.log", {}):
        for name in names:
            measure_study(name, smoke, workspace)
    return [line for line in lines(results(workspace, smoke), smoke) if line["study"] in names]


def listed(smoke: bool = False) -> list[Line]:
    """Every study, and what was measured in this workspace. Measures nothing."""
    return lines(results(Workspace(), smoke), smoke)


def measure_study(name: str, smoke: bool, workspace: Workspace, machine: Machine = MACHINE) -> Result:
    """Measure the study `name` as far as the store does not hold it, and write what it found."""
    claim = claim_of(name, smoke)
    key = digest_of(["study", name, smoke])
    step = Step(key, workspace.store.scratch(key), workspace, machine)
    bench = bench_of(step, claim.rows, smoke)
    values, seconds = {}, 0.0
    for place, arm in enumerate(claim.arms):
        report(f"study {name}: {arm}", place, len(claim.arms))
        seeds = claim.seeds[:1] if arm in claim.fixed else claim.seeds
        by_seed = [_measured(name, arm, seed, bench) for seed in seeds]
        seconds += sum(spent for _, spent in by_seed)
        values[arm] = [one for one, _ in by_seed] * (len(claim.seeds) // len(seeds))
    result = Result(
        claim=claim,
        findings=findings(claim, values),
        model=bench.model_name,
        dtype=bench.dtype,
        processor=processor(),
        date=datetime.now(UTC).date().isoformat(),
        seconds=round(seconds, 1),
    )
    folder = _folder(workspace, smoke)
    folder.mkdir(parents=True, exist_ok=True)
    publish_json(folder / f"{name}.json", result)
    return result


def _measured(name: str, arm: str, seed: int, bench: Bench) -> tuple[tuple[float, ...], float]:
    """(values, seconds) of one arm with one seed, from the store where it has them."""
    outer = bench.step
    step = Step(outer.key, outer.scratch, outer.workspace, outer.machine)

    def make(inner: Step) -> Measured:
        start = time.perf_counter()
        values = study(name).measure(arm, seed, bench.within(inner))
        inner.measured["seconds"] = round(time.perf_counter() - start, 2)
        return Measured(values=tuple(values))

    inputs = [name, arm, seed, bench.rows, bench.smoke, bench.dtype]
    kept = step.memo("study", Measured, inputs, make, code=(f"flows.studies.{name}",))
    (sealed,) = step.measured["study"].values()
    return kept.values, float(sealed["seconds"])


def results(workspace: Workspace, smoke: bool) -> dict[str, Result]:
    """Study → what was measured of it in `workspace`."""
    return read_results(_folder(workspace, smoke))


def read_results(folder: Path) -> dict[str, Result]:
    """Study → result, of the files in `folder` that are of a study which there is."""
    files = [path for path in sorted(folder.glob("*.json")) if path.stem in STUDIES]
    return {path.stem: Result.model_validate(read_json(path)) for path in files}


def lines(measured: Mapping[str, Result], smoke: bool = False) -> list[Line]:
    """Every study with its verdict, by Holm over all that were measured. One whose claim was changed since is not run."""
    current = {name: one for name, one in measured.items() if one.claim == claim_of(name, smoke)}
    verdict = verdicts({name: one.findings for name, one in current.items()})
    return [
        {
            "study": name,
            "claim": claim_of(name, smoke).claim,
            "verdict": verdict.get(name, "not run"),
            "result": current.get(name),
        }
        for name in STUDIES
    ]


def show(report: list[Line]) -> None:
    """Print each claim with its verdict, and below it the figures that it rests on."""
    console = Console()
    for line in report:
        verdict = f"[{MARKS[line['verdict']]}]{line['verdict']}[/]"
        console.print(f"[bold]{line['study']}[/]  {escape(line['claim'])}: {verdict}", highlight=False)
        for figure, power in contrasts(line["result"]) if line["result"] else []:
            console.print(escape(f"  {figure} ({power})"), highlight=False)
    if any(line["result"] and line["result"].model == SMOKE for line in report):
        console.print("smoke form, on a two-layer model: that a study works, and nothing of its claim", highlight=False)


def contrasts(result: Result) -> list[tuple[str, str]]:
    """(contrast with its interval, the smallest effect it could detect at 80 % power), in words; of what was counted each
    arm, and nothing."""
    if result.claim.counted:
        return [(f"{arm} {one.value:.2%}", "counted") for arm, one in result.findings.arms.items()]
    tested = zip(result.claim.contrasts, result.findings.contrasts, strict=True)
    return [
        (
            f"{one.name}: {interval(found.estimate)}, claimed {claimed(one)}",
            f"could show {found.detectable:.3f} from its bound",
        )
        for one, found in tested
    ]


def claimed(contrast: Contrast) -> str:
    """Where a contrast must lie, in words."""
    words = {"above": "over {:g}", "not below": "over −{:g}", "equal": "within ±{:g}"}
    return words[contrast.direction].format(contrast.margin)


def interval(one: Estimate) -> str:
    """A figure with its interval, for people."""
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _folder(workspace: Workspace, smoke: bool) -> Path:
    return workspace.root / "studies" / ("smoke" if smoke else "")
