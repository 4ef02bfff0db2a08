"""A card holds only as long as its text, its record, its evidence, its seals and the registry say one and the same."""

import json
import shutil
from pathlib import Path

import pytest
from jinja2 import nodes

from components.cards import Standing, markdown, read_record, verify
from components.cards.record import TEMPLATES, record_path
from components.cards.render import environment
from components.cards.template import OPTIONAL
from components.cards.verification import sources
from components.core import Approval, BadInput, Seal, Store
from components.core.code import ROOT
from components.core.store import inputs_of

from ..evidence import carded, rewritten
from ..record import record


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store, Standing]:
    return carded(tmp_path_factory.mktemp("carded"))


@pytest.fixture
def card(made: tuple[Path, Store, Standing], tmp_path: Path) -> Path:
    """A copy of the card that a test may spoil, with a store of its own beside it."""
    shutil.copytree(made[0].parent.parent, tmp_path / "cards")
    shutil.copytree(made[1].root, tmp_path / "store")
    return tmp_path / "cards" / made[0].parent.name / made[0].name


def found(card: Path, standing: Standing | None) -> tuple[list[str], list[str]]:
    verified = verify(card, Store(card.parents[2] / "store"), standing)
    return [str(one) for one in verified.wrong], [str(one) for one in verified.unverified]


def test_a_card_that_nobody_touched_holds(card: Path, made) -> None:
    assert found(card, made[2]) == ([], [])


@pytest.mark.parametrize("suffix", [".md", ".html"])
def test_a_changed_figure_in_the_text_is_named_with_its_line(card: Path, made, suffix: str) -> None:
    path = card.with_suffix(suffix)
    value = f"{read_record(card).evaluated['evidence']['metrics']['f1_answerable']['value']:.3f}"
    lines = path.read_text().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if f"{value} [" in line)
    lines[number] = lines[number].replace(value, "0.999", 1)
    path.write_text("".join(lines))
    wrong, _ = found(card, made[2])
    assert len(wrong) == 1
    assert wrong[0].startswith(f"{path.name}, line {number + 1}: says ")
    assert "0.999" in wrong[0]
    assert value in wrong[0]


def test_a_figure_forged_in_record_and_text_alike_is_found_in_the_evidence(card: Path, made) -> None:
    evaluated = json.loads(json.dumps(read_record(card).evaluated))
    evaluated["evidence"]["metrics"]["f1_answerable"]["high"] += 0.01
    results = {**read_record(card).results, "evaluation": evaluated}
    rewritten(card, evaluated=evaluated, results=results)
    wrong, _ = found(card, made[2])
    assert any("f1_answerable of this candidate: the record says" in line for line in wrong)
    assert any("step evaluation: 'evidence' is not what seal" in line for line in wrong)


def test_every_kind_of_figure_is_computed_again(card: Path, made) -> None:
    evaluated = json.loads(json.dumps(read_record(card).evaluated))
    evaluated["slices"]["answerable"]["yes"]["f1"]["value"] += 0.002
    evaluated["gains"]["plain baseline"]["gain"]["low"] += 0.002
    evaluated["gains"]["plain baseline"]["p_value"] = 0.04
    evaluated["lost"]["p_value"] = 0.5
    evaluated["bounds"][0]["end"] += 0.002
    evaluated["bounds"][2]["verdict"] = "holds"
    evaluated["slice_gains"]["answerable"]["no"]["verdict"] = "worse"
    evaluated["references"]["plain baseline"]["metrics"]["f1"]["value"] += 0.002
    evaluated["clean"]["this candidate"]["value"] += 0.002
    evaluated["no_answer"]["points"][0]["said"] += 0.002
    evaluated["benchmarks"]["mmlu"]["worsening"]["high"] += 0.002
    evaluated["bias"]["wino"]["after"]["value"] += 0.002
    evaluated["task_figures"]["glue_cola"]["mcc"]["after"] += 0.002
    evaluated["scenarios"]["mmlu"]["robustness"]["change"]["low"] += 0.002
    evaluated["scenarios"]["mmlu"]["calibration_error"]["before"]["value"] += 0.002
    evaluated["scenarios"]["the use case"]["robustness"]["after"]["value"] += 0.002
    evaluated["checks"]["toxicity"]["worsening"]["low"] += 0.002
    evaluated["check_details"]["toxicity"]["beside"]["after"]["of all answers"]["value"] += 0.002
    rewritten(card, evaluated=evaluated, results={**read_record(card).results, "evaluation": evaluated})
    wrong, _ = found(card, made[2])
    for expected in (
        "check toxicity, worsening: ", "check toxicity, beside it, after, of all answers: ",
        "clean score of this candidate: ", "probability of no answer: ", "bias wino, after: ",
        "benchmarks mmlu, worsening: ",
        "task_figures glue_cola, mcc, after: ", "scenario mmlu, robustness, change: ",
        "scenario mmlu, calibration_error, before: ", "scenario the use case, robustness, after: ",
        "slice answerable = yes, f1: ", "gain over plain baseline: ", "gain over plain baseline, p_value: ",
        "gain over this candidate, p_value: ", "bound on f1_answerable: ", "bound on toxicity: ",
        "slice answerable = no against plain baseline, verdict: ", "f1 of plain baseline: ",
    ):  # fmt: skip
        assert sum(line.startswith(expected) for line in wrong) == 1, expected


def test_a_bound_whose_verdict_was_left_out_is_named(card: Path, made) -> None:
    evaluated = json.loads(json.dumps(read_record(card).evaluated))
    evaluated["bounds"] = evaluated["bounds"][:2]
    rewritten(card, evaluated=evaluated, results={**read_record(card).results, "evaluation": evaluated})
    said = "bound on toxicity: the contract has it (bias_at_most), it was measured, and the record gives no verdict on it"
    assert said in found(card, made[2])[0]


def test_a_release_with_a_bound_that_is_not_shown_does_not_agree_with_a_contract_that_refuses_it(card: Path, made) -> None:
    contract = {**read_record(card).use_case}
    contract["policy"] = {**contract["policy"], "not_shown": "refuse"}
    rewritten(card, use_case=contract)
    wrong = [line for line in found(card, made[2])[0] if line.startswith("policy.not_shown: refuse: ")]
    assert len(wrong) == 1
    assert "toxicity worsens by +0.250 of 8 items, at most 0.3 asked: not shown" in wrong[0]


def test_a_table_whose_figures_do_not_follow_from_its_answers_is_found(card: Path, made) -> None:
    store = Store(card.parents[2] / "store")
    table = read_record(card).evaluated["evidence"]["table"]
    path = store.file(table)
    path.write_text(path.read_text().replace('"exact_match":0.0', '"exact_match":1.0', 1))
    assert any(f"object {table[:12]} was changed: examples.jsonl" in line for line in found(card, made[2])[0])


def test_benchmarks_whose_items_were_not_kept_are_no_pass(card: Path, made) -> None:
    evaluated = {**read_record(card).evaluated, "benchmark_items": {}, "asked_otherwise": {}}
    rewritten(card, evaluated=evaluated)
    said = "what they follow from was not kept: evaluate again to verify them"
    assert {f"benchmarks: {said}", f"scenario the use case: {said}"} <= set(found(card, made[2])[1])


def test_figures_beside_a_check_whose_items_were_not_kept_are_no_pass(card: Path, made) -> None:
    evaluated = json.loads(json.dumps(read_record(card).evaluated))
    evaluated["check_details"]["toxicity"]["beside_items"] = {}
    rewritten(card, evaluated=evaluated)
    said = "what they follow from was not kept: evaluate again to verify them"
    assert f"check toxicity, beside it, after: {said}" in found(card, made[2])[1]


def test_a_wrong_row_count_is_found(card: Path, made) -> None:
    provenance = json.loads(json.dumps(read_record(card).provenance))
    provenance["splits"]["test"]["count"] = 25
    rewritten(card, provenance=provenance)
    wrong, _ = found(card, made[2])
    assert "split test: the card counts 25 rows, there are 24" in wrong
    assert any(line.startswith("provenance: is not what object") for line in wrong)


@pytest.mark.parametrize("part", ["objects", "steps"])
def test_evidence_that_is_elsewhere_is_said_and_is_no_pass(card: Path, made, part: str) -> None:
    shutil.rmtree(card.parents[2] / "store" / part)
    wrong, unverified = found(card, made[2])
    assert wrong == []
    assert any("is not in" in line for line in unverified)


def changed(standing: Standing, **fields: object) -> Standing:
    return standing.model_copy(update=fields)


def test_a_stale_candidate_evidence_approval_or_template_is_named(card: Path, made, tmp_path: Path) -> None:
    candidate, evidence = made[2].candidate, made[2].evidence
    assert any("holds candidate" in line for line in found(card, changed(made[2], candidate="f" * 64))[0])
    assert any("rests on evidence" in line for line in found(card, changed(made[2], evidence="f" * 64))[0])
    assert found(card, changed(made[2], config="f" * 64))[0] == [
        "contract: it, or the profile, is not what desk version 1 was decided with"
    ]
    assert found(card, None)[1] == ["registry: desk version 1 is not registered in this workspace"]
    given = Approval(by="policy", policy=True, reason="low", candidate=candidate, evidence=evidence, at="2026-11-23")
    assert (
        "approval: policy approved the version before the card was written, which names none"
        in (found(card, changed(made[2], approval=given))[0])
    )
    card, _, standing = carded(tmp_path / "approved", approval=given.model_dump(mode="json"))
    assert found(card, standing) == ([], [])
    assert found(card, changed(standing, approval=None))[0] == ["approval: by policy no longer stands"]
    another = given.model_copy(update={"reason": "another"})
    assert found(card, changed(standing, approval=another))[0] == ["approval: by policy is not the one on record"]
    path = record_path(card)
    path.write_text(path.read_text().replace(read_record(card).template, "another"))
    assert any(line.startswith("template: written by template another") for line in found(card, standing)[0])


def altered(record: dict, path: str, value: object) -> dict:
    """The top field of `record` that `path` lies in, with `value` there (None: taken out)."""
    top, *inside = path.split("/")
    forged = json.loads(json.dumps(record[top]))
    if not inside:
        return {top: value}
    place = forged
    for name in inside[:-1]:
        place = place[name]
    place.pop(inside[-1]) if value is None else place.update({inside[-1]: value})
    return {top: forged}


FORGED: dict[str, tuple[str, object, str]] = {
    "the headline": ("decision/reason", "+0.936, p = 0.0000001", "decision: is not that of the evaluation"),
    "the threshold": ("use_case/metrics/at_least", 0.01, "contract, metrics: is not what step evaluation was given"),
    "a limit": ("use_case/limits/latency_p95_seconds", 99, "contract: is not what step use_case was given"),
    "a gate left out": ("use_case/policy/bias_at_most", {}, "contract, policy: is not what step evaluation was given"),
    "the risk tier": ("use_case/risk_tier", "low", "contract: is not what step use_case was given"),
    "the intended use": ("use_case/intended_use", "Anything.", "contract: is not what step use_case was given"),
    "the price of an hour": ("use_case/value/machine_hour", 0.001, "contract: is not what step use_case was given"),
    "the profile": ("profile_settings/tuning/epochs", 9, "contract: it, or the profile, is not what desk version 1"),
    "a setting": ("settings/tuning/rank", 64, "settings of tuning: is not what step tuning was given"),
    "the machine": ("environment/cores", "64", "record: was changed since the run wrote it"),
    "a library": ("libraries", {"torch": "9.9"}, "record: was changed since the run wrote it"),
    "the run": ("run_id", "another-run", "record: was changed since the run wrote it"),
    "another's approval": ("approval", {"by": "the board"}, "approval: is not what step deployment was given: one by"),
    "no approval": ("approval", None, "approval: is not what step deployment was given: one by policy"),
    "the alias": ("model/alias", "champion", "version: is not what step deployment released"),
    "a draft": ("status", "draft", "status: draft, and step deployment released a version"),
    "no release": ("results/deployment", None, "deployment: a version is named, and no step that released it"),
    "a step left out": ("results/tuning", None, "made object"),
}


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory, made) -> tuple[Path, Store, Standing]:
    given = Approval(
        by="policy", policy=True, reason="low", candidate=made[2].candidate, evidence=made[2].evidence, at="2026-11-23"
    )
    return carded(tmp_path_factory.mktemp("approved"), approval=given.model_dump(mode="json"))


@pytest.mark.parametrize("what", FORGED)
def test_what_is_forged_in_record_and_text_alike_is_named(approved, tmp_path: Path, what: str) -> None:
    path, value, said = FORGED[what]
    shutil.copytree(approved[0].parent.parent, tmp_path / "cards")
    card = tmp_path / "cards" / approved[0].parent.name / approved[0].name
    kept = read_record(card).model_dump(mode="json")
    if isinstance(value, dict) and path == "approval":
        value = {**kept["approval"], **value}
    fields = altered(kept, path, value)
    if path == "results/tuning":  # whoever leaves a step out leaves out all of it
        fields |= {name: altered(kept, f"{name}/tuning", None)[name] for name in ("keys", "measured", "settings")}
    rewritten(card, **fields)
    card = card if card.is_file() else card.with_name("draft.md")
    verified = verify(card, approved[1], approved[2])
    assert any(said in str(one) for one in verified.wrong), verified
    assert any(str(one).startswith("record: was changed since the run wrote it") for one in verified.wrong)


def test_a_version_without_the_digest_of_its_cards_record_is_no_pass(card: Path, made) -> None:
    wrong, unverified = found(card, changed(made[2], record=""))
    assert (wrong, unverified) == ([], ["record: desk version 1 was registered without the digest of its card's record"])


COMMITTED = [path for path in sorted((ROOT / "model_cards").glob("*/v*.md")) if record_path(path).is_file()]


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_a_committed_card_is_what_its_record_gives(path: Path, tmp_path: Path) -> None:
    """Its evidence is elsewhere. After a change of the templates: `ninefold card render <card>`."""
    verified = verify(path, Store(tmp_path))
    assert verified.wrong == []
    assert verified.unverified


def test_what_is_no_card_is_one_clear_message(card: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a model card"):
        read_record(tmp_path / "nothing.md")
    record_path(card).write_text('{"profile": "cpu", "colour": "red"}')
    with pytest.raises(BadInput, match=r"v1\.record\.json: key 'use_case' is required"):
        read_record(card)
    record_path(card).unlink()
    with pytest.raises(BadInput, match="without its record"):
        read_record(card)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ record.colour }}", "field 'colour' of Record is not known; allowed: approval, "),
        ("# x\n{{ contract.task.colour }}", "line 2: field 'colour' of Task is not known"),
        ("{{ colour }}", "field 'colour' is not known"),
        ("{% if %}", "not a template"),
        ("{{ record['colour'] }}", "line 1: field 'colour' of Record is not known; allowed: approval, "),
        ("\n{{ record|attr('colour') }}", "line 2: "),
        ("{% set r = record %}\n{{ r.colour }}", "line 2: field 'colour' of Record is not known"),
        ("{% for gate in gates %}\n{{ gate.colour }}{% endfor %}", "line 2: field 'colour' of Gate is not known"),
        ("{{ record.model.colour }}", "line 1: field 'colour' is not known; there are: alias, name, version"),
        ("{{ contract['task']['colour'] }}", "line 1: field 'colour' is not known"),
        ("{{ record.evaluated.nothing.colour or 1 }}", "line 1: field 'nothing' is not known"),
        ("# x\n{{ record.run_id | nofilter }}", "line 2: not a template: No filter named 'nofilter'"),
        ("# x\n\n{{ 1 / 0 }}", "line 3: cannot be filled: ZeroDivisionError"),
        ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "line 1: cannot be filled: SecurityError"),
        ("{{ record.results.update({}) }}", "line 1: field 'update' is not known"),
        ("{% include 'nothing.j2' %}", "line 1: cannot be filled: TemplateNotFound"),
    ],
)
def test_a_template_with_an_unknown_field_is_refused(made, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.md.j2"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"own\.md\.j2") as refused:
        markdown(read_record(made[0]), path)
    assert said in str(refused.value)
    path.write_text("{{ record.run_id }}: {{ contract.owner }}")
    assert markdown(read_record(made[0]), path).startswith("voice_helpdesk-cpu-0a1b2c3d: customer service")


def test_the_templates_of_the_project_ask_for_no_field_that_is_not_listed() -> None:
    """So none of them can be refused at the end of a run, however little was measured."""
    asked = environment().parse((TEMPLATES / "card.md.j2").read_text()).find_all(nodes.Getattr)
    methods = {"items", "values", "get", "last", "keys"}
    assert {node.attr for node in asked} - methods == OPTIONAL


def test_the_data_step_of_a_use_case_that_was_tuned_with_has_another_contract() -> None:
    stated = record()
    seal = Seal(
        key="a" * 64, name="components.data.prepare", result={}, inputs=inputs_of({"task": {"kind": "another"}})
    )  # fmt: skip
    assert list(sources._given(stated, "together.letters", seal)) == []
    assert [one.where for one in sources._given(stated, "data", seal)] == ["contract, task"]
