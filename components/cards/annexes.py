"""Annexes of a card: what the headings of three frameworks ask for, filled from the record, or "not provided".

EU AI Act (Regulation 2024/1689) Annex IV, the Model Documentation Form of the code of practice for general-purpose models
(2025), and NIST's AI Risk Management Framework 1.0 as a map from stage to function. Headings by number and short name, in
our own words. A completeness score counts rows, and says nothing of conformity: that is for people who know the law.
"""

from collections.abc import Sequence

from . import figures
from .energy import spent
from .limits import risks as limits
from .record import Record
from .text import figure, number

Row = tuple[str, str, str | None]
"""(number, short name, what the record says; None: not provided)"""
STAGES = {
    "use_case": ("MAP", "purpose, limits, risk tier and feasibility of the use case"),
    "data": ("MAP, MEASURE", "sources, licences, quality gate, contamination"),
    "selection": ("MAP", "which models were considered, and why not"),
    "prompting": ("MEASURE", "prompts compared on validation"),
    "retrieval": ("MEASURE", "where answers come from"),
    "tuning": ("MEASURE, MANAGE", "what training changed"),
    "feedback": ("MEASURE, MANAGE", "what users said, with consent"),
    "evaluation": ("MEASURE", "test, slices, bias, and the decision"),
    "optimization": ("MEASURE", "what a faster form keeps"),
    "deployment": ("MANAGE", "release, approval, monitoring, the way back"),
}


def annex_iv(record: Record) -> list[Row]:
    """Rows of Annex IV."""
    contract, model, version = record.use_case, record.model, _version(record)
    measured = _measured(record)
    known_limits = _joined(*limits(record))
    return [
        ("1(a)", "purpose, provider, version", _joined(contract.get("intended_use"), contract.get("owner"), version)),
        ("1(b)", "other systems it works with", None),
        ("1(c)", "software versions", _joined(*(f"{name} {at}" for name, at in record.libraries.items()))),
        ("1(d)", "forms in which it is offered", f"an endpoint and a registered model: {version}" if version else None),
        ("1(e)", "hardware it runs on", _machine(record)),
        ("1(f)", "the product it is part of", None),
        ("1(g)", "user interface", None),
        ("1(h)", "instructions for use", "'How to use it' in the card" if model else None),
        ("2(a)", "how it was developed", _stages(record)),
        ("2(b)", "design choices", record.decision.reason),
        ("2(c)", "architecture and computing", _joined(*(f"{part}: {what}" for part, what, *_ in figures.parts(record)))),
        ("2(d)", "data: origin, scope, selection, labels", _data(record)),
        ("2(e)", "human oversight", None),
        ("2(f)", "changes foreseen", None),
        ("2(g)", "validation and testing", measured),
        ("2(h)", "cybersecurity", _signed(record)),
        ("3", "monitoring, capabilities and limits", known_limits),
        ("4", "why the metrics are fitting", None),
        ("5", "risk management system", None),
        ("6", "changes over its life", None),
        ("7", "standards applied", None),
        ("8", "declaration of conformity", None),
        ("9", "monitoring after release", None),
    ]  # fmt: skip


def model_documentation_form(record: Record) -> list[Row]:
    """Rows of the Model Documentation Form."""
    contract, model, version = record.use_case, record.candidate.model, record.model
    used = spent(record)
    energy = f"an estimate: {number(used['low_wh'])} to {number(used['high_wh'])} Wh" if used["processor_seconds"] else None
    return [
        ("1", "provider, name, version", _joined(contract.get("owner"), _version(record))),
        ("2", "authenticity of the model", f"candidate {record.candidate.digest}"),
        ("3", "release date, and models it depends on", f"made from {model.name}, {model.origin}" if model else None),
        ("4", "architecture", _joined(*(f"{part}: {what}" for part, what, *_ in figures.parts(record)))),
        ("5", "total parameters", _parameters(record)),
        ("6", "inputs and outputs", f"text in, text out; {contract['task']['kind'].replace('_', ' ')}"),
        ("7", "distribution channels", f"MLflow registry: {version['name']}" if version else None),
        ("8", "licence", model.licence if model else None),
        ("9", "acceptable use", contract.get("intended_use") or None),
        ("10", "intended uses, and systems it goes into", contract.get("intended_use") or None),
        ("11", "what integration needs", "'How to use it' in the card" if version else None),
        ("12", "design of training", _training(record)),
        ("13", "data type and origin", _data(record)),
        ("14", "how data were obtained and selected", _origins(record)),
        ("15", "number of data points", _counted(record)),
        ("16", "measures against unfit sources", _dropped(record)),
        ("17", "measures against biases", _measured_bias(record)),
        ("18", "training time and computing", _trained(record)),
        ("19", "energy of training", energy),
        ("20", "energy of inference", None),
    ]  # fmt: skip


def nist_rmf(record: Record) -> list[Row]:
    """Stage → function of the AI RMF, with what this run left as evidence. GOVERN is the operator's own."""
    rows: list[Row] = [
        ("GOVERN", "policies, roles, accountability", _joined(
            f"owner {record.use_case['owner']}" if record.use_case.get("owner") else None,
            f"risk tier {record.use_case.get('risk_tier')}",
            f"approved by {record.approval['by']}" if record.approval else None,
        )),
    ]  # fmt: skip
    for stage, (function, what) in STAGES.items():
        steps = figures.tunings(record) if stage == "tuning" else [stage]
        decisions = [record.results[name]["decision"] for name in steps if name in record.results]
        decided = _joined(*(f"{one['verdict']}: {one['reason']}" for one in decisions)) if decisions else None
        rows.append((function, f"{stage}: {what}", decided))
    return rows


ANNEXES = {
    "annex-iv": ("EU AI Act, Annex IV: technical documentation", annex_iv),
    "model-documentation": ("Model Documentation Form for general-purpose models", model_documentation_form),
    "nist-ai-rmf": ("NIST AI Risk Management Framework: stage to function", nist_rmf),
}
"""File name → (title, its rows)."""


def score(rows: Sequence[Row]) -> tuple[int, int]:
    """(rows that say something, all rows)."""
    return sum(text is not None for *_, text in rows), len(rows)


def _joined(*parts: object) -> str | None:
    return "; ".join(str(part).rstrip(".") for part in parts if part) or None


def _version(record: Record) -> str | None:
    return f"{record.model['name']} version {record.model['version']}" if record.model else None


def _stages(record: Record) -> str | None:
    return _joined(*(f"{name}: {one['decision']['verdict']}" for name, one in record.results.items()))


def _training(record: Record) -> str | None:
    return _joined(*(f"{name}: {record.results[name]['decision']['reason']}" for name in figures.trainings(record)))


def _origins(record: Record) -> str | None:
    return _joined(*(one["origin"] for one in record.provenance.get("sources", ())))


def _counted(record: Record) -> str | None:
    return _joined(*(f"{name} {one['count']:,}" for name, one in (record.provenance.get("splits") or {}).items()))


def _machine(record: Record) -> str | None:
    machine = record.environment
    if "cores" not in machine:
        return None
    return f"measured on {machine['cores']} cores, {machine['memory']}, {machine.get('system', '')}"


def _measured(record: Record) -> str | None:
    primary = record.use_case.get("metrics", {}).get("primary", "")
    metric = figures.test_metrics(record).get(primary)
    return f"{primary} {figure(metric)} on test; every figure stands in the card" if metric else None


def _measured_bias(record: Record) -> str | None:
    sets = ", ".join([*(record.evaluated.get("bias") or {}), *(record.evaluated.get("checks") or {})])
    return f"measured before and after on {sets}" if sets else None


def _data(record: Record) -> str | None:
    return _joined(*(f"{one['name']} ({one['licence']})" for one in record.provenance.get("sources", ())))


def _dropped(record: Record) -> str | None:
    return _joined(*(f"{reason}: {count:,} dropped" for reason, count in (record.provenance.get("dropped") or {}).items()))


def _trained(record: Record) -> str | None:
    trained = {name: record.measured.get(name, {}).get("seconds") for name in figures.trainings(record)}
    return _joined(*(f"{name}: {number(float(seconds))} s" for name, seconds in trained.items() if seconds is not None))


def _parameters(record: Record) -> str | None:
    model = record.candidate.model
    considered = record.results.get("selection", {}).get("considered", ())
    names = [row["parameters"] for row in considered if model and row["name"].lower() == model.name.lower()]
    return str(names[0]) if names and names[0] else None


def _signed(record: Record) -> str | None:
    signer = (record.results.get("deployment", {}).get("release") or {}).get("signer")
    return f"the served folder is signed by key {signer} and checked at each start" if signer else None
