"""A record like that of a real run of the voice help desk, for tests and for looking at the page."""

from typing import Any

from components.cards import Record, pick_examples
from components.core import (
    Adapter,
    Candidate,
    Checkpoint,
    Comparison,
    Decision,
    Metric,
    Power,
    Prompt,
    PromptTurn,
    Retriever,
    Runtime,
    digest_of,
    read_yaml,
)
from components.core.code import ROOT
from components.core.use_case import UseCase

OPEN = "not enough evidence"


def name(what: str) -> str:
    return digest_of(what)


def metric(value: float, half: float = 0.05, n: int = 180) -> dict[str, Any]:
    return Metric(value=value, low=max(0.0, value - half), high=min(1.0, value + half), n=n).model_dump()


def evidence(what: str, shift: float) -> dict[str, Any]:
    values = {"f1": 0.30, "f1_answerable": 0.31, "exact_match": 0.22, "abstention_recall": 0.45, "hit@1": 0.76, "mrr": 0.83}
    metrics = {key: metric(max(0.0, value - shift), n=60 if "abst" in key else 240) for key, value in values.items()}
    keys = {"candidate": name(what), "split": "test", "split_object": name("test"), "table": name("table" + what)}
    return {**keys, "metrics": metrics}


def gain(value: float = 0.12, low: float = 0.06) -> Comparison:
    return Comparison(
        metric="f1_answerable",
        over="plain baseline",
        before=0.19,
        after=0.31,
        gain=Metric(value=value, low=low, high=0.18, n=180),
        minimum_effect=0.02,
        p_value=0.0021,
        power=Power(effect=0.12, rows=160, detectable=0.113),
    )


def candidate() -> Candidate:
    model = Checkpoint(
        name="smollm2-135m-instruct", object=name("model"), licence="apache-2.0", origin="asset smollm2 0.1.2"
    )
    embedder = Checkpoint(
        name="all-minilm-l6-v2", object=name("embedder"), licence="apache-2.0", origin="asset minilm 0.1.2"
    )
    return Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="transformers", dtype="bfloat16"),
        model=model,
        prompt=Prompt(method="tuned", turns=(PromptTurn(system="Be short.", user="{{context}}\n\n{{input}}"),)),
        retriever=Retriever(
            scoring="rrf", store="lance", knowledge=name("knowledge"), index=name("index"), embedder=embedder
        ),
        adapter=Adapter(object=name("adapter"), technique="lora", objective="sft"),
    )


def evaluated(decision: Decision) -> dict[str, Any]:
    kinds = {"who": 0.42, "what": 0.33, "when": 0.38, "how": 0.18, "other": 0.24}
    change = {"before": metric(0.26, n=48), "after": metric(0.24, n=48), "worsening": metric(0.02, n=48)}
    slices = {
        "answerable": {"yes": {"f1_answerable": metric(0.31), "f1": metric(0.31)}, "no": {"f1": metric(0.27, n=60)}},
        "question_type": {key: {"f1_answerable": metric(value, 0.09, 40)} for key, value in kinds.items()},
    }
    return {
        "decision": decision.model_dump(),
        "candidate": candidate().digest,
        "evidence": evidence("candidate", 0.0),
        "references": {
            "plain baseline": evidence("plain", 0.12),
            "base model, same retrieval": evidence("base", 0.2),
            "always 'unknown'": evidence("unknown", 0.31),
        },
        "slices": slices,
        "clean": {"this candidate": metric(0.3), "plain baseline": metric(0.18)},
        "suspects": ["a", "b"],
        "slice_gains": {"question_type": {"who": _slice(0.2, 0.01, "not worse"), "how": _slice(-0.02, 0.31, OPEN)}},
        "benchmarks": {"mmlu": change, "boolq": change},
        "bias": {"crows_pairs": change, "bbq": change},
        "scenarios": {
            "the use case": {
                "accuracy": {"after": metric(0.4)},
                "robustness": {"after": metric(0.3), "change": metric(-0.1)},
            },
            "mmlu": {"accuracy": {"before": metric(0.5), "after": metric(0.25)}},
        },
        "gain": gain().model_dump(),
        "not_measured": ["toxicity of answers", "energy"],
        "notes": [],
    }


def _slice(value: float, p_value: float, verdict: str) -> dict[str, Any]:
    difference = Metric(value=value, low=value - 0.1, high=value + 0.1, n=40).model_dump()
    figures = {"metric": "f1_answerable", "before": 0.2, "after": 0.2 + value, "gain": difference, "margin": 0.05}
    return {**figures, "p_value": p_value, "verdict": verdict, "rows": 320}


def provenance() -> dict[str, Any]:
    source = {"name": "disfl_qa", "role": "examples_and_knowledge", "read": 1000, "quarantined": 3, "sha256": name("source")}
    source |= {"licence": "CC-BY-4.0 AND CC-BY-SA-4.0", "origin": "Disfl-QA (Gupta et al. 2021)", "synthetic": False}
    splits = {"train": 393, "feedback": 160, "validation": 80, "test": 240, "knowledge": 3000}
    return {
        "sources": [source],
        "licences": ["CC-BY-4.0 AND CC-BY-SA-4.0", "CC-BY-SA-3.0"],
        "touched_by": [{"who": "great-expectations 1.24.1", "did": "the quality gate"}],
        "steps": [{"step": "read", "did": "fields mapped"}, {"step": "gate", "did": "checked"}],
        "curation": [
            {"step": "language", "documents": [3400, 3388], "characters": [2_000_000, 1_991_000], "dropped": {"boolq": 12}}
        ],
        "flow": {
            "steps": [{"step": "gate", "dropped": {"disfl_qa": 3}}, {"step": "language", "dropped": {"boolq": 12}}],
            "left": {"train": 393, "feedback": 160, "validation": 80, "test": 240, "knowledge": 3000},
        },
        "dropped_rows": name("dropped rows"),
        "dropped": {"quarantined": 3, "duplicate": 12, "overlap with test": 4},
        "overlaps_removed": {"overlap with test": 4, "overlap with benchmark": 3},
        "contamination": {"kept": 2, "flagged": 2, "evaluation_rows": 320, "share": 0.00625},
        "contamination_list": name("contamination"),
        "bias": {
            "biased": [{"step": "gate", "does": "drops", "group": "age: old", "rate": 0.4, "others": 0.1, "p": 0.001}],
            "steps": [
                {"step": "gate", "before": 900, "after": 897, "groups": {"age: old": [10, 7], "gender: men": [200, 200]}},
                {
                    "step": "deduplicate",
                    "before": 897,
                    "after": 897,
                    "groups": {"age: old": [7, 7], "gender: men": [200, 200]},
                },
                {
                    "step": "curation: c4, knowledge",
                    "unit": "passages",
                    "before": 300,
                    "after": 200,
                    "groups": {"gender: men": [100, 100], "gender: women": [100, 0]},
                },
            ],
            "sources": {"rows": {"largest": "disfl_qa", "share": 1.0, "herfindahl": 1.0}},
            "labels": {"test": {"answerable": 0.75, "unanswerable": 0.25}},
            "toxicity": {"splits": {"test": {"rows": 240, "toxic": 1}}},
        },
        "training_knowledge_excluded": 412,
        "splits": {key: {"name": key, "object": name(key), "count": count} for key, count in splits.items()},
    }


def variants() -> list[dict[str, Any]]:
    rows = [("torch bfloat16", 270.4, 1.0, "reference"), ("int8", 164.2, 0.99, "rejected"), ("int4", 91.8, 0.97, "picked")]
    keys = ("variant", "megabytes", "recovery", "verdict")
    more: dict[str, Any] = {"engine": "onnx", "dtype": "int4", "reason": "", "evidence": name("variant")}
    return [{**dict(zip(keys, row, strict=True)), "figures": {"f1_answerable": 0.3 * row[2]}, **more} for row in rows]


def table() -> list[dict[str, Any]]:
    question = "What is the merger no name of the holding company {}?"
    return [
        {
            "id": name(str(number)),
            "text": question.format(number),
            "answer": "unknown" if number % 3 else f"Holding {number}",
            "reference": f"Holding {number}",
            "f1_answerable": None if number == 5 else 0.0 if number % 3 else 1.0 - number / 100,
            "slices": {"answerable": "yes"},
        }
        for number in range(12)
    ]


def record(**changed: Any) -> Record:
    """A whole record; `changed` replaces fields."""
    decision = Decision(
        verdict="adopt",
        reason="f1_answerable 0.310 on test reaches 0.1, +0.120 [+0.060, +0.180] over plain baseline (0.190)",
        comparison=gain(),
    )
    found = evaluated(decision)
    kept = {"verdict": "keep", "reason": "the zero-shot prompt stays: no method gained 0.02"}
    adopted = {"verdict": "adopt", "reason": "gain 0.090 [0.031, 0.150] over the candidate at hand"}
    hits = {
        "bm25, top 1": {"hit@1": 0.76, "hit@5": 0.9, "mrr": 0.82},
        "rrf, top 1": {"hit@1": 0.78, "hit@5": 0.94, "mrr": 0.85},
    }
    considered = [
        {
            "name": "SmolLM2-135M-Instruct",
            "licence": "apache-2.0",
            "parameters": "135M",
            "verdict": "measured",
            "reason": "",
        },
        {
            "name": "Llama-3.2-1B",
            "licence": "llama3.2",
            "parameters": "1.2B",
            "verdict": "rejected",
            "reason": "licence llama3.2",
        },
    ]
    timed = {
        row["variant"]: {
            "p50": p50,
            "p95": p50 * 1.4,
            "prefill_tokens_per_second": 300 / p50,
            "decode_tokens_per_second": 25 / p50,
        }
        for row, p50 in zip(variants(), (0.9, 0.5, 0.31), strict=True)
    }
    given: dict[str, Any] = {
        "use_case": read_yaml(ROOT / "flows" / "use_cases" / "voice_helpdesk.yaml", UseCase).model_dump(mode="json"),
        "profile": "cpu",
        "run_id": "voice_helpdesk-cpu-0a1b2c3d",
        "results": {
            "data": {"decision": {"verdict": "adopt", "reason": "rows: train 393, test 240"}, "notes": ["3 rows set aside"]},
            "selection": {"decision": adopted, "considered": considered},
            "prompting": {"decision": kept},
            "retrieval": {"decision": adopted, "hits": hits, "gain": gain().model_dump()},
            "tuning": {"decision": adopted, "notes": ["right passage shown for 240 rows, a wrong one for 60"]},
            "feedback": {"decision": adopted, "notes": ["feedback is simulated"]},
            "evaluation": found,
            "optimization": {"decision": kept, "variants": variants()},
        },
        "measured": {
            "data": {"seconds": 14.2},
            "tuning": {"seconds": 412.2, "training": {"tokens": 81_223, "tokens_per_second": 412.5, "seconds": 197.1}},
            "evaluation": {
                "seconds": 300.5,
                "requests": {"mean": 0.71, "p95": 1.42, "memory_gb": 1.3, "cost_per_1000_answers": 0.03},
            },
            "optimization": {"seconds": 88.1, "variants": timed},
        },
        "keys": {step: name(f"key of {step}") for step in ("retrieval", "tuning", "evaluation", "optimization")},
        "settings": {"tuning": {"rank": 16, "learning_rate": 0.0005, "layers": ["q", "v"]}},
        "candidate": candidate(),
        "evaluated": found,
        "model": {"name": "voice_helpdesk", "version": 1, "alias": "candidate"},
        "decision": decision,
        "provenance": provenance(),
        "environment": {"torch": "2.13.0", "cores": "2", "memory": "24 GiB"},
        "examples": pick_examples(table(), "f1_answerable"),
        "status": "final",
    }
    return Record(**{**given, **changed})
