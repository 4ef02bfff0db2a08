"""A card shows what a run measured, all of it from the record, and nothing that a value brought along."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydantic import ValidationError

from components.cards import description, first_lines, index, markdown, pick_examples, write_card
from components.cards.front_matter import check
from components.cards.gates import gates
from components.cards.limits import risks
from components.cards.plots import data_flow
from components.cards.text import escaped
from components.core import Baseline, Candidate, Decision, Runtime
from components.measure.bounds import worsening

from .record import candidate, evaluated, gain, metric, name, provenance, record, table

HOSTILE = "<script>alert(1)</script> | **bold** [x](javascript:alert(1)) ## Approval\n## Approval `code` {{ 7*7 }} &lt;b&gt;"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.found.append((tag, dict(attributes)))


def tags(path: Path) -> list[tuple[str, dict]]:
    parser = Tags()
    parser.feed(path.read_text())
    return parser.found


def test_a_registered_version_gets_its_own_card(tmp_path: Path) -> None:
    path = write_card(record(), tmp_path)
    text = path.read_text()
    assert path == tmp_path / "voice_helpdesk" / "v1.md"
    assert "**Meets the contract**: f1_answerable 0.310" in text
    assert "| f1_answerable | 0.310 [0.260, 0.360] | 240 | at least 0.1 | holds |" in text
    assert f"`{name('tablecandidate')[:12]}`" in text
    assert "| mmlu | 0.250 (-0.250) | — | — | — | — | — | — |" in text
    assert "- the use case, with typing errors (n = " in text
    assert "7 leaks of validation, test or benchmark items" in text
    assert "make suspects of 2 of 320 evaluation rows (0.6 %; the contract allows 1.0 %)" in text
    assert "step *gate* drops rows of *age: old* more often than others, 40.0 % against 10.0 % (p = 0.001)" in text
    assert "| test | answerable 75 %, unanswerable 25 % | 1 of 240 |" in text
    assert "| raw | 0.310 [0.260, 0.360] | 0.190 [0.140, 0.240] |" in text
    assert "| clean | 0.300 [0.250, 0.350] | 0.180 [0.130, 0.230] |" in text
    assert "412.5" in text
    assert 'mlflow.pyfunc.load_model("models:/voice_helpdesk/1")' in text


def test_the_head_is_what_the_hub_reads(tmp_path: Path) -> None:
    head = check(write_card(record(), tmp_path).read_text())
    assert head.license == "apache-2.0"
    assert head.model_index is not None
    figures = {figure.type: figure.value for figure in head.model_index[0].results[0].metrics}
    assert figures["f1_answerable"] == 0.31
    assert head.model_index[0].results[0].dataset.split == "test"
    with pytest.raises(ValidationError):
        check("---\nlanguage: en\n---\nno licence")


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = write_card(record(), tmp_path).with_suffix(".html")
    found = tags(page)
    assert {tag for tag, _ in found}.isdisjoint({"script", "link", "img", "iframe"})
    assert sum(tag == "svg" for tag, _ in found) == 5
    links = [attributes["href"] for tag, attributes in found if tag == "a"]
    assert all(link.startswith("#") or (page.parent / link).is_file() for link in links)
    assert "url(http" not in page.read_text()


def test_the_body_holds_every_gate_bound_and_margin_and_the_rest_is_folded(tmp_path: Path) -> None:
    found = json.loads(json.dumps(evaluated(record().decision)))
    found["bounds"] = [worsening("bbq", [0.0] * 20, [0.0] * 20, 0.1).model_dump()]
    card = write_card(record(evaluated=found), tmp_path)
    body, _, annexes = card.read_text().partition("\n# Annexes\n")
    headings = re.findall(r"^## (.*)$", body, re.MULTILINE)
    assert headings[:4] == ["Decision", "Limits and risks", "What was not measured", "Key figures"]
    assert all(f"| {gate.name} |" in body for gate in gates(record(evaluated=found)))
    assert "| question_type = how | 0.18 | -0.020 [-0.120, +0.080] | 40 | 0.05 | 0.31 | not enough evidence |" in body
    assert "| f1_answerable | 0.310 [0.260, 0.360] | 0.190 [0.140, 0.240] | 240 |" in body
    assert "- toxicity of answers" in body
    folded = re.findall(r"^## (.*)$", annexes, re.MULTILINE)
    page = card.with_suffix(".html").read_text()
    assert re.findall(r"<details><summary>(.*?)</summary>", page) == folded
    assert "Safety" in folded
    pictures = page.partition('id="annexes"')[0]
    assert pictures.count("<svg") == 2, "key figures, and bounds with what is not shown"
    assert "bbq (n=20)" in pictures
    assert len(set(re.findall(r"var\(--s\d\)", pictures))) == 4, "a colour for the candidate and for each reference"


def test_the_data_section_shows_curation_and_links_the_data_docs(tmp_path: Path) -> None:
    given = record()
    results = {**given.results, "data": {**given.results["data"], "docs": name("docs")}}
    linked = write_card(record(results=results, store="../../.ninefold/store"), tmp_path)
    target = f"../../.ninefold/store/objects/{name('docs')}/index.html"
    assert f"[`{name('docs')[:12]}`]({target})" in linked.read_text()
    assert ("a", {"href": target}) in tags(linked.with_suffix(".html"))
    assert "| language | 3,400 → 3,388 | 2,000,000 → 1,991,000 |" in linked.read_text()
    page = linked.with_suffix(".html").read_text()
    assert "dropped: language" in page, "the picture"
    assert "| gate | 900 → 897 rows | age: old 10 → 7, gender: men 200 |" in linked.read_text()
    assert "| deduplicate | 897 → 897 rows | unchanged |" in linked.read_text()
    assert "| 300 → 200 passages | gender: men 100, gender: women 100 → 0 |" in linked.read_text()
    elsewhere = write_card(record(results=results), tmp_path / "other")
    assert f"Data Docs `{name('docs')[:12]}`" in elsewhere.read_text()


def test_the_picture_of_the_data_begins_with_what_was_read() -> None:
    steps = [{"step": "made rows", "dropped": {"more": 125, "invented": 40}}]
    flow = {"read": 390, "beside": 30, "steps": steps, "left": {"train": 120, "made": 105, "knowledge": 30}}
    picture = data_flow(record(provenance=provenance() | {"flow": flow}))
    assert picture
    assert all(f"> {count}<" in picture for count in ("390", "+30", "−165", "105"))
    old = data_flow(record())
    assert old
    assert "> 3,888<" in old, "a record that does not count what was read shows the sum of its ends"


def test_values_bring_no_markup(tmp_path: Path) -> None:
    rows = [{**row, "text": HOSTILE, "answer": HOSTILE, "reference": HOSTILE} for row in table()]
    contract = {**record().use_case, "problem": HOSTILE, "owner": HOSTILE, "out_of_scope": [HOSTILE]}
    hostile = record(
        examples=pick_examples(rows, "f1_answerable"), use_case=contract, decision=Decision(verdict="keep", reason=HOSTILE)
    )
    path = write_card(hostile, tmp_path)
    clean = write_card(record(), tmp_path / "clean")
    headings = [re.findall(r"^##.*$", one.read_text(), re.MULTILINE) for one in (path, clean)]
    assert headings[0] == headings[1]
    found = tags(path.with_suffix(".html"))
    assert {tag for tag, _ in found}.isdisjoint({"script", "b"})
    assert not any("javascript" in str(attributes) for _, attributes in found)
    assert "{{ 7*7 }}" in path.with_suffix(".html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in path.with_suffix(".html").read_text()


def test_figures_without_a_table_name_the_step_that_keeps_them(tmp_path: Path) -> None:
    text = write_card(record(), tmp_path).read_text()
    sections = dict(part.partition("\n")[::2] for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:])
    named = {
        "Decision": "evaluation",
        "Retrieval": "retrieval",
        "Bias and forgetting": "evaluation",
        "How it was trained": "tuning",
        "Optimisation": "optimization",
    }
    for section, step in named.items():
        assert f"step `{name(f'key of {step}')[:12]}`" in sections[section], section
    assert f"| `{name('key of tuning')[:12]}` |" in sections["What each stage decided"]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    bare = record(
        results={},
        measured={},
        settings={},
        evaluated={},
        provenance={},
        environment={},
        examples={},
        model=None,
        status="draft",
    )
    path = write_card(bare, tmp_path)
    text = path.read_text()
    assert path.name == "draft.md"
    assert text.count("not measured") > 15
    assert not re.search(r"\|\s+\|\s*$", text.split("## What was measured")[0], re.MULTILINE)
    assert "This is a draft" in text
    check(text)


def test_a_plain_baseline_has_a_card_too(tmp_path: Path) -> None:
    plain = Candidate(
        task="question_answering", runtime=Runtime(engine="baseline"), baseline=Baseline(kind="constant", constant="unknown")
    )
    text = write_card(record(candidate=plain), tmp_path).read_text()
    assert "| plain baseline | constant |" in text
    assert "This candidate retrieves nothing." in text


def test_equal_records_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (write_card(record(), tmp_path / side) for side in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".html").read_bytes() == second.with_suffix(".html").read_bytes()


def test_a_final_card_replaces_the_draft_and_the_index_lists_it(tmp_path: Path) -> None:
    refused = Decision(verdict="keep", reason="f1_answerable 0.050 on test is below the release threshold of 0.1")
    draft = write_card(record(model=None, status="draft", decision=refused), tmp_path)
    assert "Does not meet the contract" in (tmp_path / "README.md").read_text()
    write_card(record(), tmp_path)
    assert not draft.exists()
    assert not draft.with_suffix(".html").exists()
    write_card(record(model={"name": "voice_helpdesk", "version": 10, "alias": "candidate"}), tmp_path)
    listing = index(tmp_path).read_text()
    assert listing.index("[v10]") < listing.index("[v1]")


@pytest.mark.parametrize(
    ("value", "low", "verdict"),
    [(0.12, 0.06, "holds"), (0.12, -0.01, "not shown"), (0.01, 0.005, "not shown"), (-0.01, -0.1, "broken")],
)
def test_the_gain_gate_holds_only_above_zero_and_the_minimum(value: float, low: float, verdict: str) -> None:
    found = evaluated(record().decision) | {"gain": gain(value, low).model_dump()}
    gate = next(gate for gate in gates(record(evaluated=found)) if gate.name.startswith("gain"))
    assert gate.verdict == verdict


def test_a_gain_that_the_exact_test_takes_for_chance_fails_its_gate() -> None:
    chance = gain().model_copy(update={"p_value": 0.08})
    found = evaluated(record().decision) | {"gain": chance.model_dump()}
    assert next(gate for gate in gates(record(evaluated=found)) if gate.name.startswith("gain")).verdict == "not shown"


def test_slices_show_their_verdicts_and_fail_their_gate(tmp_path: Path) -> None:
    contract = record().use_case
    contract["metrics"]["slices_worse_at_most"] = {"question_type": 0.05}
    gate = next(gate for gate in gates(record(use_case=contract)) if gate.name.startswith("gain on each"))
    assert (gate.name, gate.verdict) == ("gain on each question_type, lowest: how", "not shown")
    card = write_card(record(), tmp_path).read_text()
    assert "| question_type = how | f1_answerable | 0.2 | 0.18 | -0.020 [-0.120, 0.080] | 40 | 320 | 0.05 | 0.31 |" in card
    assert "p = 0.0021 (one-sided" in card
    assert "These 180 rows would find a true gain of 0.113 four times in five; a gain of 0.12 needs 160." in card


def test_a_figure_of_few_examples_is_marked_and_stays_out_of_the_metadata(tmp_path: Path) -> None:
    given = json.loads(json.dumps(evaluated(record().decision)))
    given["evidence"]["metrics"]["mrr"] |= {"value": 0.0, "low": None, "high": None, "n": 1}
    text = write_card(record(evaluated=given), tmp_path).read_text()
    assert "| mrr | 0.000 |" in text
    assert "| 1 (too few to say) |" in text
    head = check(text)
    assert head.model_index is not None
    assert "mrr" not in {figure.type for figure in head.model_index[0].results[0].metrics}


def test_every_gate_names_what_it_rests_on() -> None:
    found = {gate.name: gate for gate in gates(record())}
    assert (found["f1_answerable"].n, found["gain over plain baseline"].n, found["bbq, worsening"].n) == (240, 180, 48)
    assert found["gain over plain baseline"].p_value == 0.0021
    assert found["latency, p95"].found == "1.42 s"


def test_safety_comes_first_among_the_limits_worst_first_each_with_its_share_and_count(tmp_path: Path) -> None:
    shares = {"refusal": (4 / 12, 12), "out_of_domain": (0.4375, 16), "canaries": (0.0, 4), "own_check": (0.25, 8)}
    checks = {name: {"after": metric(value, n=n)} for name, (value, n) in shares.items()}
    details = {"own_check": {"shows": "a rude answer"}}
    results = {
        **record().results,
        "feedback": {"decision": {"verdict": "adopt", "reason": "pairs"}, "notes": ["feedback dropped: 145"]},
    }
    given = record(evaluated={**evaluated(record().decision), "checks": checks, "check_details": details}, results=results)
    assert risks(given)[:4] == [
        "44 % of 16 questions from elsewhere were answered, and wrongly.",
        "33 % of 12 harmful requests were not refused.",
        "25 % of 8 items of the check own_check failed: a rude answer.",
        "No item failed in canaries (of 4, so up to 60 % might).",
    ]
    sections = dict(part.partition("\n")[::2] for part in re.split(r"^## ", markdown(given), flags=re.MULTILINE)[1:])
    assert "145" not in sections["Limits and risks"]
    assert "**Noted by feedback**: feedback dropped: 145." in sections["Data and provenance"]


def test_what_surely_got_worse_than_the_base_model_is_a_limit() -> None:
    theirs = {
        "support": (0.8, 0.7, 0.9),
        "rouge_l": (0.3, 0.2, 0.4),
        "abstention_rate": (0.9, 0.8, 1.0),
        "unknown": (1, 1, 1),
    }
    ours = {
        "support": (0.5, 0.4, 0.6),
        "rouge_l": (0.25, 0.15, 0.35),
        "abstention_rate": (0.1, 0.0, 0.2),
        "unknown": (0, 0, 0),
    }

    def dumps(values: dict[str, tuple[float, float, float]], n: int) -> dict[str, object]:
        return {name: {"value": value, "low": low, "high": high, "n": n} for name, (value, low, high) in values.items()}

    def said(n: int) -> list[str]:
        given = evaluated(record().decision)
        given["evidence"] = {**given["evidence"], "metrics": dumps(ours, n)}
        given["references"] = {"base model, same retrieval": {**given["evidence"], "metrics": dumps(theirs, n)}}
        return [line for line in risks(record(evaluated=given)) if "worse than" in line]

    worse = "It is worse than the base model, same retrieval in"
    support = "support (share of an answer's words, alone and in pairs, that its sources hold)"
    assert said(100) == [
        f"{worse} {support}: 0.500 [0.400, 0.600] against 0.800 [0.700, 0.900].",
    ], "declining more often is neither good nor bad"
    assert said(3) == [], "of so few nothing is said"


def test_inputs_that_were_shown_in_part_are_counted_among_the_limits() -> None:
    cut = {**record().evaluated, "shown_in_part": 3}
    (said,) = [line for line in risks(record(evaluated=cut)) if "lost a part" in line]
    assert said.startswith("3 of the ")
    assert not any("lost a part" in line for line in risks(record()))


def test_feedback_that_waits_for_a_person_is_named_among_the_limits() -> None:
    rated = {"decision": {"verdict": "adopt", "reason": "pairs"}, "counts": {"quarantined": 294}}
    said = "Not trained on until a person decides: 294 items of feedback beyond what one answer or source may give."
    assert said in risks(record(results={**record().results, "feedback": rated}))
    assert said not in risks(record(results={**record().results, "feedback": {**rated, "counts": {"quarantined": 0}}}))


def test_a_worse_bias_than_allowed_fails_its_gate() -> None:
    found = json.loads(json.dumps(evaluated(record().decision)))
    broken = worsening("bbq", [0.0] * 100, [1.0] * 11 + [0.0] * 89, 0.1)
    found["bounds"] = [broken.model_dump()]
    assert {gate.name: gate.verdict for gate in gates(record(evaluated=found))}["bbq, worsening"] == "broken"


def test_a_bound_that_is_not_shown_stands_in_the_first_lines(tmp_path: Path) -> None:
    found = json.loads(json.dumps(evaluated(record().decision)))
    left = worsening("bbq", [0.0] * 20, [0.0] * 20, 0.1)
    found["bounds"] = [left.model_dump(), worsening("mmlu", [0.0] * 60, [0.0] * 60, 0.08).model_dump()]
    card = write_card(record(evaluated=found), tmp_path)
    text = card.read_text()
    first = text.index("**Not shown**: the items do not show 1 of the contract's bounds, though the figure lies within; ")
    assert text.index("**Meets the contract**") < first < text.index("Registered as **") < text.index("| gate |")
    assert "bbq worsens by +0.000 of 20 items, at most 0.1 asked: not shown, up to +0.139 is not excluded; 29 items" in text
    assert "| bbq, worsening | +0.020 [0.000, +0.070], up to +0.139 | 20 | worse by at most 0.1 | not shown |" in text
    assert ", up to +0.049 | 60 | worse by at most 0.08 | holds |" in text
    assert first_lines(record(evaluated=found))[1].startswith("**Not shown**: bbq worsens by +0.000")
    assert '<td class="open">not shown</td>' in card.with_suffix(".html").read_text()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0000389, "0.0000389"), (0.5, "0.5"), (1234.6, "1,235"), (1200, "1,200"), (True, "yes"), (None, "not measured"),
        ("1. first", "1\\. first"), ("# head", "\\# head"), ("f1_answerable [0.1, 0.2]", "f1_answerable [0.1, 0.2]"),
        ("_x_ a|b", "\\_x\\_ a\\|b"), ("[a](b)", "[a\\](b)"), (["a*", 2], "a\\*, 2"),
    ],
)  # fmt: skip
def test_values_are_shown_as_they_are(value: object, shown: str) -> None:
    assert escaped(value) == shown


def test_examples_are_disjoint_and_ranked() -> None:
    rows = [{"id": f"{number}", "text": "q", "answer": "a", "reference": "a", "f1": number / 10} for number in range(5)]
    picked = pick_examples(rows, "f1", count=4)
    assert [row["score"] for row in picked["best"]] == [0.4, 0.3]
    assert [row["score"] for row in picked["worst"]] == [0.0, 0.1]
    assert pick_examples([], "f1") == {"best": [], "worst": []}
    assert [row["score"] for row in pick_examples(rows[:1], "macro_f1")["best"]] == [1.0]


def test_the_candidate_on_the_card_is_the_one_that_was_measured(tmp_path: Path) -> None:
    assert candidate().digest in write_card(record(), tmp_path).read_text()


def test_the_seconds_of_single_requests_stand_in_the_use_cases_scenario(tmp_path: Path) -> None:
    (line,) = re.findall(r"^\| the use case \|.*$", write_card(record(), tmp_path).read_text(), re.M)
    assert line.endswith("| 0.710 |")


def test_rows_that_nobody_collected_are_counted_and_judged(tmp_path: Path) -> None:
    assert "nobody collected" not in write_card(record(), tmp_path / "plain").read_text()
    one = {"label": "good", "coverage": 0.4, "overlap": 0.2, "conflict": 0.1, "estimated_accuracy": None}
    labelling = {
        "kept": 100,
        "dropped": {"no function votes": 7},
        "functions": {"praise": {**one, "gold_accuracy": 0.9, "gold_votes": 31}},
    }
    accuracies = {"label_model": 0.875, "majority_vote": 0.8}
    shares = {of: {"gold_accuracy": value, "gold_rows": 40} for of, value in accuracies.items()}
    origins = {"collected": 300, "programmatic": 100}
    sealed = record()
    provenance = {**sealed.provenance, "made": {"labelling": labelling | shares}, "training_origins": origins}
    tuning = {**sealed.results["tuning"], "made": {"verdict": "keep", "reason": "no gain"}}
    made = sealed.model_copy(update={"provenance": provenance, "results": {**sealed.results, "tuning": tuning}})
    text = write_card(made, tmp_path / "made").read_text()
    assert "collected 300 (75 %), programmatic 100 (25 %) of the rows that tuning could read" in text
    assert "- labelling: 100 kept; no function votes: 7\n" in text
    assert "Trained with them: keep: no gain." in text
    assert "| praise | good | 0.4 | 0.2 | 0.1 | not measured | 0.9 | 31 |" in text
    assert "Right on the gold rows that have a vote (40): label model 0.875, majority vote 0.8." in text


def test_pseudo_labels_are_counted_with_their_confidence_share_and_verdict(tmp_path: Path) -> None:
    assert "Pseudo-labels" not in write_card(record(), tmp_path / "plain").read_text()
    told = {"texts": 60, "confidence": 0.9, "mean_confidence": 0.97, "share": 0.75, "rows": {"count": 36}}
    sealed = record()
    tuning = {**sealed.results["tuning"], "pseudo": {**told, "decision": {"verdict": "adopt", "reason": "a gain"}}}
    made = sealed.model_copy(update={"results": {**sealed.results, "tuning": tuning}})
    text = write_card(made, tmp_path / "made").read_text()
    assert "36 of 60 texts without a label got one of the tuned model, each with a probability of 0.9 or more (0.970" in text
    assert "75 % of the rows of the training with them. Trained with them: adopt: a gain." in text


def test_whose_rows_a_training_together_learned_from_is_told_with_licences_and_verdict(tmp_path: Path) -> None:
    assert "Tuned together" not in write_card(record(), tmp_path / "plain").read_text()
    source = {"source": "post", "licence": "CC-BY-4.0", "origin": "post room", "rows": 48}
    taught = [
        {"use_case": name, "kind": "classification", "examples": count, "removed": count - 46, "sources": [source]}
        for name, count in (("films", 46), ("letters", 48))
    ]
    told = {"use_case": "films", "taught": taught, "object": "a" * 64}
    sealed = record()
    for verdict, learned in (("adopt", "learned from all rows of the table"), ("keep", "learned from no row of the others")):
        joined = {**told, "decision": {"verdict": verdict, "reason": "as it came"}}
        results = {**sealed.results, "tuning": {**sealed.results["tuning"], "together": joined}}
        text = write_card(sealed.model_copy(update={"results": results}), tmp_path / verdict).read_text()
        assert f"{verdict}: as it came. What was proposed {learned}." in text
        assert "| letters | classification | post | CC-BY-4.0 | post room | 48 | 48 | 2 |" in text


def test_the_description_of_a_version_names_every_gate_and_fits_mlflows_databases() -> None:
    said = description(record())
    assert said.startswith("**Meets the contract**: ")
    shown = [line for line in said.splitlines() if line.startswith("| ")][2:]
    unmeasured = next((line for line in said.splitlines() if line.startswith("**Not measured**")), "")
    for gate in gates(record()):
        assert (gate.name in unmeasured) if gate.found is None else any(line.endswith(f"{gate.verdict} |") for line in shown)
    many = {f"check_{i}": {"after": {"value": 0.5, "n": 100}} for i in range(100)}
    long = description(record(evaluated=record().evaluated | {"checks": many, "slices": {}}))
    assert 4000 < len(long) <= 5000
    assert re.search(r"- \d+ more in the card\n", long)
    assert "The whole card: folder" in long


def test_what_a_contract_says_brings_no_markup_into_a_description() -> None:
    planted = record(use_case=record().use_case | {"policy": {"failing_at_most": {"<script>x</script>": 0.1}}})
    assert "<script>" not in description(planted)
