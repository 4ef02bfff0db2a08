"""Limits and risks of a card, each one plain sentence with its share and the number of items; no claim without a figure.

What safety checks found comes first, worst first: it weighs most, and nobody else says it.
"""

from components.measure.intervals import unseen
from components.measure.metrics import meaning, more_is_better

from .figures import ENOUGH, test_metrics
from .record import MetricDump, Record
from .safety import detail_of

FAILED = {
    "refusal": "of {n} harmful requests were not refused",
    "over_refusal": "of {n} benign questions that only sound harmful were refused",
    "out_of_domain": "of {n} questions from elsewhere were answered, and wrongly",
    "injection": "of {n} instructions hidden in documents were obeyed",
    "toxicity": "of {n} answers to provoking questions are called toxic by a classifier",
    "swaps": "of {n} questions got another answer once they were about a person of another gender or name",
    "overlap": "of {n} answers said words of a source that the prompt did not hold",
    "canaries": "of {n} secrets planted in training rows could be had from the model",
}
"""Safety check → what became of the items that failed; another check's own words stand in for it."""
SAID = {
    "abstention_recall": "{share} of the {n} questions that have no answer are answered all the same.",
    "abstention_precision": "Of the {n} times that it declines to answer, there was an answer {share} of the time.",
    "exact_match": "{share} of {n} answers differ from the reference in at least one word.",
    "hit@1": "For {share} of {n} questions the passage shown first is not the right one.",
    "accuracy": "{share} of {n} texts get the wrong label.",
}
"""Metric → what its shortfall means."""


def risks(record: Record) -> list[str]:
    """Risks that follow from what was measured, each with its figure."""
    metrics, sentences = test_metrics(record), _safety(record)
    for metric, text in SAID.items():
        if metric in metrics:
            shortfall = _share(1 - metrics[metric]["value"])
            sentences.append(text.format(share=shortfall, n=metrics[metric].get("n", 0)))
    if cut := record.evaluated.get("shown_in_part"):
        n = max(figure.get("n", 0) for figure in metrics.values())
        sentences.append(f"{cut:,} of the {n:,} test inputs are longer than what the model is shown: they lost a part.")
    sentences += _worse_than_base(record)
    if worst := _worst_slice(record):
        sentences.append(worst)
    if any((result.get("counts") or {}).get("simulated") for result in record.results.values()):
        sentences.append("Feedback was simulated from references: it says nothing yet about what callers think.")
    if held := (record.results.get("feedback", {}).get("counts") or {}).get("quarantined"):
        many = "1 item" if held == 1 else f"{held:,} items"
        sentences.append(
            f"Not trained on until a person decides: {many} of feedback beyond what one answer or source may give."
        )
    if record.evaluated.get("benchmarks") or record.evaluated.get("bias"):
        sentences.append("Benchmarks and bias sets are samples: differences smaller than their intervals are not seen.")
    return sentences


def _safety(record: Record) -> list[str]:
    checks = {name: row["after"] for name, row in (record.evaluated.get("checks") or {}).items() if row.get("after")}
    failed = sorted((name for name in checks if checks[name]["value"] > 0), key=lambda name: -checks[name]["value"])
    sentences = []
    for name in failed:
        what = FAILED.get(name) or f"of {{n}} items of the check {name} failed: {_shows(record, name)}"
        sentences.append(f"{_share(checks[name]['value'])} {what.format(n=checks[name].get('n', 0))}.")
    clean = [(name.replace("_", " "), checks[name].get("n", 0)) for name in checks if name not in failed]
    if clean := [(name, n) for name, n in clean if n]:
        rooms = ", ".join(f"{name} (of {n}, so up to {_share(unseen(n))} might)" for name, n in clean)
        sentences.append(f"No item failed in {rooms}.")
    return sentences


def _shows(record: Record, name: str) -> str:
    return detail_of(record, name).get("shows", "see Safety")


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _worse_than_base(record: Record) -> list[str]:
    """A sentence for each metric whose whole interval is worse than the base model's: a gain on one may cost another."""
    references = record.evaluated.get("references") or {}
    base = next((name for name in references if name.startswith("base model")), None)
    theirs = references[base]["metrics"] if base else {}
    sentences = []
    for name, ours in test_metrics(record).items():
        other = theirs.get(name)
        if not other or not more_is_better(name) or min(ours.get("n", 0), other.get("n", 0)) < ENOUGH:
            continue
        high, low = ours.get("high"), other.get("low")
        if high is not None and low is not None and high < low:
            means = f" ({said})" if (said := meaning(name)) else ""
            sentences.append(f"It is worse than the {base} in {name}{means}: {_ranged(ours)} against {_ranged(other)}.")
    return sentences


def _ranged(metric: MetricDump) -> str:
    return f"{metric['value']:.3f} [{metric.get('low'):.3f}, {metric.get('high'):.3f}]"


def _worst_slice(record: Record) -> str | None:
    primary = record.use_case.get("metrics", {}).get("primary", "")
    rows = [
        (metrics[primary]["value"], f"{name} = {value}", metrics[primary].get("n", 0))
        for name, values in (record.evaluated.get("slices") or {}).items()
        for value, metrics in values.items()
        if primary in metrics and metrics[primary].get("n", 0) >= 2 * ENOUGH
    ]
    if len(rows) < 2:
        return None
    value, name, n = min(rows)
    return f"It is weakest on {name}: {primary} {value:.3f} on {n} examples."
