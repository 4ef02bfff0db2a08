"""What is asked of a candidate, and of the same application on its base's weights, beside the rows of test.

Benchmarks, checks of the whole application, and the use case's own questions asked otherwise.

Nothing is decided here (promotion.py). What could not be measured, or does not apply, is kept with its reason.
"""

from typing import NamedTuple

from components.core import Candidate, Evidence, Metric, Policy, Step, publish_json
from components.measure import Bound
from components.measure.scenarios import Scores
from components.text.language import ENGLISH_ONLY, is_english

from .benchmarks import Asked, benchmark, weights_of
from .benchmarks import joined as joined_scores
from .bounds import of_benchmarks, of_checks
from .checks import CHECKS
from .items import BENCHMARKS
from .likelihoods import continues
from .looks import planned
from .robustness import robustness
from .safety import CheckDetail, Checking, Safety, check, details, joined, worsened


class MeasuredCandidate(NamedTuple):
    """A candidate and what it said on test."""

    candidate: Candidate
    evidence: Evidence


class Probed(NamedTuple):
    """`scores`, `items`, `checks`, `details` and `otherwise` as in Evaluated; the rest: benchmark or check → why."""

    scores: tuple[Scores, Scores] | None
    items: dict[str, str]
    checks: dict[str, dict[str, Metric]]
    details: dict[str, CheckDetail]
    otherwise: dict[str, dict[str, str]]
    unmeasured: dict[str, str]
    """There is no figure."""
    no_worsening: dict[str, str]
    """There is no base to compare with."""
    inapplicable: dict[str, str]
    """The candidate cannot fail it."""
    bounds: tuple[Bound, ...]
    """Of `policy.bias_at_most` and `policy.failing_at_most`."""

    def objects(self, base: MeasuredCandidate | None) -> set[str]:
        """Everything in the store that the figures follow from. base: what said its answers on test for it."""
        tables = {table for one in self.details.values() for table in one.tables.values()}
        tables |= {*self.items.values(), *(table for both in self.otherwise.values() for table in both.values())}
        return tables | ({base.evidence.table} if base else set())

    def lines(self) -> tuple[str, ...]:
        """What was not measured, for people."""
        return (
            *(f"{name}: {reason}" for name, reason in self.unmeasured.items()),
            *(f"{name}: does not apply: {reason}" for name, reason in self.inapplicable.items()),
            *(f"worsening on {name}: {reason}" for name, reason in self.no_worsening.items()),
        )


def probe(
    candidate: MeasuredCandidate,
    base: MeasuredCandidate | None,
    no_base: str,
    *,
    asked: Asked,
    checking: Checking,
    otherwise: int,
    policy: Policy,
    growth: tuple[int, int],
    step: Step,
) -> Probed:
    """Ask the candidate, and its base where there is one (else `no_base` says why not). What the policy bounds is asked on
    more items until it is settled (looks.py).

    growth:    looks at most, and items at most that a look grows to
    otherwise: rows of test that are asked again with typing errors, and as spoken
    """
    wanted = {name: count for name, count in asked.rows.items() if count}
    bounded = {*policy.bias_at_most, *policy.failing_at_most}
    grow = {name: count for name, count in {**wanted, **checking.counts}.items() if count and name in bounded}
    looks = planned({name: count for name, count in grow.items() if name not in CHECKS or CHECKS[name].grows}, *growth)
    asks = continues(candidate.candidate)
    scores = _benchmarks(base, candidate, asked, step) if base and wanted and asks else None
    before = check(*base, checking, step) if base else None
    after = check(*candidate, checking, step)
    sizes, used_up = {**wanted, **checking.counts}, set[str]()
    while True:
        levels = looks.levels
        bounds = (*of_benchmarks(scores, policy, levels), *of_checks(before, after, policy, levels, step))
        more = looks.wanted(bounds, sizes, used_up)
        if not more:
            break
        came = _came(scores, after)
        tests = {name: size for name, size in more.items() if name in wanted}
        if scores and base and tests:
            part = asked.model_copy(update={"rows": tests, "first": sizes})
            grown = _benchmarks(base, candidate, part, step)
            scores = joined_scores(scores[0], grown[0]), joined_scores(scores[1], grown[1])
        if checks := {name: size - sizes[name] for name, size in more.items() if name in CHECKS}:
            rest = checking.model_copy(update={"counts": checks, "first": sizes})
            before = joined(before, check(*base, rest, step), step) if base and before else None
            after = joined(after, check(*candidate, rest, step), step)
        sizes |= more
        used_up |= {name for name in more if _came(scores, after).get(name) == came.get(name)}
    both = {"before": base, "after": candidate} if base else {"after": candidate}
    left_out = [name for name in BENCHMARKS if name not in wanted]
    left_out += [name for name in CHECKS if not checking.counts.get(name)]
    unmeasured = after.unmeasured | dict.fromkeys(left_out, "left out by the settings")
    english = is_english(checking.task.language)  # typing errors and fillers are those of English
    if otherwise and not english:
        unmeasured["questions typed in haste, and as spoken"] = (
            f"{ENGLISH_ONLY} (task.language is '{checking.task.language}')"
        )
    if candidate.candidate.model is None:
        unmeasured |= dict.fromkeys(wanted, "a plain baseline has no model")
    elif base and not asks:
        unmeasured |= dict.fromkeys(wanted, f"engine '{candidate.candidate.runtime.engine}' continues no text")
    return Probed(
        scores=scores,
        items=_kept(scores, step),
        checks=worsened(before, after, step),
        details=details(before, after),
        otherwise=robustness(both, checking, otherwise, step) if otherwise and english else {},
        unmeasured=unmeasured,
        no_worsening={} if base else {name: no_base for name in (*wanted, *after.checked) if name not in unmeasured},
        inapplicable=after.inapplicable,
        bounds=bounds,
    )


def _came(scores: tuple[Scores, Scores] | None, after: Safety) -> dict[str, int]:
    """Benchmark or check → items that there were."""
    counts = {name: len(hits) for name, hits in scores[1].hits.items()} if scores else {}
    return counts | {name: one.failing.n for name, one in after.checked.items()}


def _benchmarks(base: MeasuredCandidate, candidate: MeasuredCandidate, asked: Asked, step: Step) -> tuple[Scores, Scores]:
    before, after = (benchmark(one.candidate, asked, step) for one in (base, candidate))
    seconds: dict[str, dict[str, float]] = {}
    for one in step.measured["benchmark"].values():  # of the looks before as well
        seconds.setdefault(one["weights"], {}).update(one["seconds_an_item"])
    step.measured["seconds_an_item"] = {
        when: seconds[weights_of(one.candidate)] for when, one in (("before", base), ("after", candidate))
    }
    return before, after


def _kept(scores: tuple[Scores, Scores] | None, step: Step) -> dict[str, str]:
    """ "before", "after" → the object with the per-item results of the benchmarks."""
    objects = {}
    for when, one in zip(("before", "after"), scores or (), strict=False):
        publish_json(step.scratch / "scores.json", one.model_dump(mode="json"))
        objects[when] = step.store.put(step.scratch / "scores.json")
    return objects
