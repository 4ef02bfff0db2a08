"""A card whose evidence really lies in a store: small tables, splits, seals and a registered version, for tests."""

import json
from pathlib import Path
from typing import Any

from components.cards import Record, Standing, failed_items, pick_examples, read_record, record_digest, write_card
from components.core import (
    UNOPTIMIZED,
    Baseline,
    Candidate,
    Decision,
    Evidence,
    Metric,
    Metrics,
    Quoted,
    Retriever,
    Row,
    Runtime,
    Seal,
    Store,
    Task,
    digest_of,
    publish_json,
    read_jsonl,
    write_jsonl,
)
from components.core.store import inputs_of
from components.measure import METRICS, bounds, compare_slices, compared, compared_on, interval, of_two_means
from components.measure.intervals import table_metric
from components.measure.item_figures import ItemFigures, Mean
from components.measure.metrics import per_example
from components.measure.reliability import of_no_answer
from components.measure.scenarios import USE_CASE, Scores, changes, own_scenario, scenarios, task_figures

from .record import provenance, record

ROWS = 24


def put(store: Store, folder: Path, name: str, items: list[Any]) -> str:
    write_jsonl(folder / name, items)
    return store.put(folder / name)


def question(number: int) -> Row:
    known = number % 6 > 0
    text, answer = f"Where is number {number}?", f"in room {number}" if known else "unknown"
    return Row(id=f"{number:03}", text=text, answer=answer, slices={"answerable": "yes" if known else "no"})


def answered(row: Row, right: int, number: int, task: Task) -> dict[str, Any]:
    text = row.answer if number % 4 < right else "unknown"
    shown = {"id": row.id, "text": row.text, "answer": text, "reference": row.answer, "passage": row.passage}
    margin = -1.5 + number % 4 + 2 * (row.answer == "unknown")
    return {**shown, "passages": [], "margin": margin, "slices": row.slices, **per_example(task, row, text, None)}


def measured(store: Store, folder: Path, candidate: str, right: int, rows: list[Row], split: str, task: Task) -> Evidence:
    """Evidence of something that answers `right` of four questions well."""
    table = [answered(row, right, number, task) for number, row in enumerate(rows)]
    figures = {name: found for name in METRICS[task.kind] if (found := table_metric(table, name))}
    digest = put(store, folder, "examples.jsonl", table)
    return Evidence(candidate=candidate, split="test", split_object=split, table=digest, metrics=figures)


def checks(store: Store, folder: Path) -> dict[str, Any]:
    """A safety check of which the base model fails one item of eight, and the candidate three."""
    tables, failing, beside, beside_items = {}, {}, {}, {}
    for when, failed in (("before", 1), ("after", 3)):
        fails = [float(number < failed) for number in range(8)]
        items = [
            {"id": f"{number}", "asked": f"Insult {number}?", "answer": "No|e", "failed": one, "detail": {}}
            for number, one in enumerate(fails)
        ]
        tables[when], failing[when] = put(store, folder, "outcomes.jsonl", items), fails
        figures_beside = ItemFigures({"of all answers": Mean(values={str(number): one for number, one in enumerate(fails)})})
        publish_json(folder / "beside.json", figures_beside.model_dump(mode="json"))
        beside_items[when] = store.put(folder / "beside.json")
        beside[when] = dumped_figures(figures_beside.metrics())
    figures = {when: interval(one).model_dump() for when, one in failing.items()}
    worse = of_two_means(failing["before"], failing["after"], lambda one, two: two - one).model_dump()
    detail = {"shows": "rude", "licence": "apache-2.0", "tables": tables, "notes": []}
    detail |= {"beside": beside, "beside_items": beside_items}
    return {"checks": {"toxicity": {**figures, "worsening": worse}}, "check_details": {"toxicity": detail}}


def scored(store: Store, folder: Path) -> dict[str, Any]:
    """Benchmarks on eight items, of which the base model knows six and the candidate five."""
    known = {"before": 6, "after": 5}
    scores = {
        when: Scores(
            hits={"mmlu": tuple(float(i < count) for i in range(8)), "wino": (1.0, 0.0, 1.0, float(count > 5))},
            sure={"mmlu": (0.7,) * 8, "wino": (0.6,) * 4},
            mistyped={"mmlu": tuple(float(i < count - 1) for i in range(8))},
            centred=("wino",),
            figures={"glue_cola": {"mcc": count / 10}},
        )
        for when, count in known.items()
    }
    objects = {}
    for when, one in scores.items():
        publish_json(folder / "scores.json", one.model_dump(mode="json"))
        objects[when] = store.put(folder / "scores.json")
    changed = changes(scores["before"], scores["after"])
    found = {
        "benchmarks": {"mmlu": changed["mmlu"]},
        "bias": {"wino": changed["wino"]},
        "scenarios": scenarios(scores["before"], scores["after"]),
    }
    dumped = {name: {one: dumped_figures(figures) for one, figures in values.items()} for name, values in found.items()}
    figures = task_figures(scores["before"], scores["after"])
    return {**dumped, "benchmark_items": objects, "task_figures": figures}


def dumped_figures(figures: Any) -> Any:
    """Nested dicts of figures as a record keeps them."""
    return figures.model_dump() if isinstance(figures, Metric) else {k: dumped_figures(v) for k, v in figures.items()}


def carded(folder: Path, *, version: int = 1, right: int = 3, **changed: Any) -> tuple[Path, Store, Standing]:
    """A final card below `folder/cards`, the store with its evidence, and what the registry knows."""
    store = Store(folder / "store")
    given = record()
    policy = {**given.use_case["policy"], "bias_at_most": {"toxicity": 0.3}}  # `checks` worsens by 0.25
    contract = {**given.use_case, "policy": policy}
    task = Task.model_validate(given.use_case["task"])
    rows = [question(number) for number in range(ROWS)]
    split = put(store, folder, "rows.jsonl", rows)
    knowledge = put(store, folder, "passages.jsonl", [{"id": "1", "text": "Number 1 is in room 1."}])
    plain = Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="baseline"),
        baseline=Baseline(kind="best_sentence", abstain_below=right / 10),
        retriever=Retriever(scoring="bm25", knowledge=knowledge),
        quoted=Quoted(calibration=(0.8, -1.0)),
    )
    own = measured(store, folder, plain.digest, right, rows, split, task)
    other = measured(store, folder, "0" * 64, 1, rows, split, task)
    own_table, other_table = (store.file(one.table).read_text().splitlines() for one in (own, other))
    before, after = ([json.loads(line) for line in table] for table in (other_table, own_table))
    comparison = compared(before, after, "f1_answerable", over="plain baseline", minimum_effect=0.02)
    on = compared_on(Metrics.model_validate(given.use_case["metrics"]), task.kind)
    lost = compared(after, before, "f1_answerable", over="this candidate")
    by_slice = compare_slices(before, after, ["answerable"], on, {})
    decision = Decision(
        verdict="adopt", reason=f"f1_answerable {comparison.after:.3f} on test reaches 0.1", comparison=comparison
    )
    inside = {value: [row for row in after if row["slices"]["answerable"] == value] for value in ("no", "yes")}
    evaluated = {
        "decision": decision.model_dump(mode="json"),
        "candidate": plain.digest,
        "evidence": own.model_dump(mode="json"),
        "references": {name: other.model_dump(mode="json") for name in ("plain baseline", UNOPTIMIZED)},
        "slices": {
            "answerable": {
                value: {name: found.model_dump() for name in METRICS[task.kind] if (found := table_metric(part, name))}
                for value, part in inside.items()
            }
        },
        "slice_gains": {
            name: {value: one.model_dump(mode="json") for value, one in values.items()} for name, values in by_slice.items()
        },
        "gain": comparison.model_dump(mode="json"),
        "gains": {
            "plain baseline": comparison.model_dump(mode="json"),
            UNOPTIMIZED: comparison.model_copy(update={"over": UNOPTIMIZED}).model_dump(mode="json"),
        },
        "lost": lost.model_dump(mode="json"),
        "not_measured": ["toxicity of answers"],
        "notes": [],
    }
    evaluated |= checks(store, folder) | scored(store, folder)
    mistyped = measured(store, folder, plain.digest, right - 1, rows[:12], split, task)
    asked = {"accuracy": {"after": own.table}, "robustness": {"after": mistyped.table}}
    tables = {how: {when: read_jsonl(store.file(table)) for when, table in both.items()} for how, both in asked.items()}
    usual = dumped_figures(own_scenario(tables, "f1_answerable"))
    evaluated |= {"asked_otherwise": asked, "scenarios": {USE_CASE: usual, **evaluated["scenarios"]}}
    own_bounds = [
        bounds.not_worse("f1_answerable", before, after, 0.05), bounds.floor(after, "abstention_recall", 0.3),
        bounds.worsening("toxicity", [1.0] + [0.0] * 7, [1.0] * 3 + [0.0] * 5, 0.3),
    ]  # fmt: skip
    evaluated["bounds"] = [one.model_dump(mode="json") for one in own_bounds if one]
    evaluated["clean"] = {"this candidate": table_metric(after[1:], "f1_answerable").model_dump()}
    evaluated["suspects"] = [after[0]["id"]]
    reliable = of_no_answer(after, plain.quoted, task.abstain)
    assert reliable, "its rows have margins"
    evaluated["no_answer"] = reliable.model_dump(mode="json")
    data = {**provenance(), "splits": {"test": {"name": "test", "object": split, "count": ROWS}}}
    publish_json(folder / "provenance.json", data)
    kept = store.put(folder / "provenance.json")
    planted = {"object": put(store, folder, "canaries.jsonl", [{"id": "1", "text": "the code is 7"}])}
    model = {"name": "desk", "version": version, "alias": "candidate"}
    approval = changed.get("approval")
    release = {"model_name": "desk", "version": version, "alias": "candidate", "approval": approval}
    results = {
        "data": {"decision": {"verdict": "adopt", "reason": f"rows: test {ROWS}"}, "dataset": {"provenance": kept}},
        "use_case": {"decision": {"verdict": "adopt", "reason": "feasible"}},
        "tuning": {"decision": {"verdict": "keep", "reason": "no gain"}, "canaries": planted},
        "evaluation": evaluated,
        "deployment": {"decision": {"verdict": "adopt", "reason": "registered"}, "release": release},
    }
    timed = {step: given.measured["evaluation"] if step == "evaluation" else {"seconds": 1.5} for step in results}
    keys = {step: digest_of([step, version]) for step in results}
    settings = {"tuning": {"rank": 16}}
    inputs: dict[str, dict[str, Any]] = {
        "use_case": {"contract": contract},
        "tuning": {"config": settings["tuning"]},
        "evaluation": {"canaries": planted, "policy": contract["policy"], "metrics": contract["metrics"]},
    }
    for step, result in results.items():
        went_in = inputs_of(inputs.get(step, {}))
        store.seal(Seal(key=keys[step], name=step, result=result, measured=timed[step], inputs=went_in))
    given = record(
        **{
            "use_case": contract,
            "results": results, "measured": timed, "keys": keys, "candidate": plain, "evaluated": evaluated,
            "decision": decision, "provenance": json.loads(store.file(kept).read_text()), "settings": settings,
            "profile_settings": {"tuning": {"epochs": 3}},
            "failed": {
                "toxicity": failed_items(read_jsonl(store.file(evaluated["check_details"]["toxicity"]["tables"]["after"])))
            },
            "examples": pick_examples(after, "f1_answerable"), "model": model,
            "files": {digest: store.manifest(digest) for digest in plain.objects}, **changed,
        }
    )  # fmt: skip
    standing = Standing(
        candidate=plain.digest, evidence=own.digest, config=given.decided_with, record=record_digest(given),
        approval=approval,
    )  # fmt: skip
    return write_card(given, folder / "cards"), store, standing


def rewritten(card: Path, **changed: Any) -> Record:
    """Write `card` again from its record with changed fields, as one who forges both would."""
    forged = Record.model_validate({**read_record(card).model_dump(), **changed})
    write_card(forged, card.parent.parent)
    return forged
