"""Whether a way to search is taken: the paired comparison of answers, then that of contexts.

Not covered: the release decision (evaluation), which is made on answers alone.
"""

from typing import cast

from components.core import LEVEL, Decision, Evidence, Example, Metrics, Store, Verdict, figure_of
from components.measure import compare, compared, shown_p, significant

from .hits import QuestionHits


def decide(
    metrics: Metrics,
    evidence: dict[str, Evidence],
    before: list[QuestionHits] | None,
    after: list[QuestionHits],
    name: str,
    store: Store,
    level: float = LEVEL,
) -> Decision:
    """Adopt when the answers are better, or when the context holds the answer more often and the primary metric does not
    fall.

    The second way is for readers that do not use their context yet: tuning teaches them to, on what this stage finds. Better
    is what `significant` says: of answers at `level`, which looks share (measure/looks.py); of contexts, the same at every
    look, at the whole of it. Where answers are no words of texts, the tables have no `support`, and it is not asked.
    """
    answers = compare(evidence["at hand"], evidence["proposed"], metrics, store, over="the retriever at hand", level=level)
    if evidence["at hand"].candidate == evidence["proposed"].candidate:
        return Decision(
            verdict="keep", reason=f"the retriever at hand is the best option ({name})", comparison=answers.comparison
        )
    figure = next((name for name in ("support", "hit@1") if any(figure_of(row, name) is not None for row in after)), None)
    if answers.adopted or before is None or figure is None:
        return answers
    # of rows that are no answers it reads the id and the figure, which these have too
    rows = cast(list[Example], before), cast(list[Example], after)
    contexts = compared(*rows, figure, over="the retriever at hand")
    gain = contexts.gain
    assert answers.comparison, "compare always compares"
    worse = answers.comparison.gain.value < 0
    meaning = {"support": "the answer stands in the context of", "hit@1": "the first passage is right for"}[figure]
    reason = (
        f"{name}: {meaning} {contexts.after:.0%} of questions, {contexts.before:.0%} at hand (gain {gain.value:+.3f} "
        f"[{gain.low:+.3f}, {gain.high:+.3f}], {shown_p(contexts.p_value)}, n = {gain.n}); "
        f"{metrics.primary} {answers.comparison.gain.value:+.3f}"
    )
    if significant(contexts) and not worse:
        return Decision(verdict="adopt", reason=reason, comparison=contexts)
    verdict: Verdict = "keep" if worse or gain.value <= 0 else "not enough evidence"
    why = f"{metrics.primary} gets worse" if worse else "it may be chance"
    return Decision(verdict=verdict, reason=f"{reason}: {why}", comparison=answers.comparison)
