"""What studies share: rows that do not leak, scores that mean what they say, duplicates that are where they were planted."""

import random
from dataclasses import replace
from math import log
from statistics import stdev

import pytest
import torch
from sklearn.metrics import roc_auc_score

from components.application import load
from components.core import Machine, Step, Workspace
from components.training.examples import Shown
from flows.studies import duplicate_levels, forgetting, one_source, prompt_elements, retrieval_and_tuning, unsupported
from flows.study_bench import (
    CHANCE,
    POLICY,
    Bench,
    bench_of,
    losses,
    losses_behind,
    passages,
    policy_candidate,
    policy_rows,
    probabilities,
    quadratic_scores,
    token_ids,
)
from tests.conftest import new_home


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    workspace = Workspace(new_home(tmp_path_factory.mktemp("bench") / "home"))
    step = Step("bench", workspace.store.scratch("bench"), workspace, Machine(threads=1))
    return bench_of(step, 40, smoke=True)


def test_rows_are_balanced_and_no_sentence_is_both_trained_on_and_measured(bench: Bench) -> None:
    first, measured = policy_rows(bench, 50, 0)
    second, again = policy_rows(bench, 50, 1)
    assert measured == again, "every seed is measured on the same rows"
    assert first != second, "and trains on its own"
    for rows in (first, second, measured):
        assert [row.answer for row in rows].count("True") == len(rows) / 2
    sentences = [{row.text.split("\n\n")[0] for row in rows} for rows in (first, measured)]
    assert not sentences[0] & sentences[1]
    fewer, _ = policy_rows(bench, 20, 0)
    assert fewer == first[:20], "a learning curve adds rows and replaces none"


def test_scores_are_what_probabilities_say(bench: Bench) -> None:
    candidate = policy_candidate(bench)
    rows = policy_rows(bench, 0, 0)[1][:6]
    for score, of_true, of_false, row in zip(
        quadratic_scores(bench, candidate, rows, POLICY.labels),
        *(
            quadratic_scores(bench, candidate, [Shown(row.text, (), label) for row in rows], POLICY.labels)
            for label in POLICY.labels
        ),
        rows,
        strict=True,
    ):
        assert score == (of_true if row.answer == "True" else of_false)
        wrong = [(1 - one) ** 0.5 for one in (of_true, of_false)]
        assert sum(wrong) == pytest.approx(1), "what both labels have is shared out"
    assert CHANCE == 1 - (1 - 0.5) ** 2
    assert all(0 < one < 1 for one in probabilities(bench, candidate, rows))


def test_losses_are_those_of_the_model_itself(bench: Bench) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    text = passages(bench, "NarrativeQA", 30)[0]["passage"]
    (loss,) = losses(bench, policy_candidate(bench), [text])
    folder = bench.step.store.path(bench.model.object)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False, return_tensors="pt").input_ids
    assert loss == pytest.approx(float(model(input_ids=ids, labels=ids).loss), abs=1e-4)
    assert loss < 3 * log(768)


def test_passages_are_distinct_and_cut(bench: Bench) -> None:
    rows = passages(bench, "BoolQ", 30)
    assert max(len(row["passage"].split()) for row in rows) == 30
    assert len(passages(bench, "BoolQ", 10_000)) == len({row["passage"] for row in passages(bench, "BoolQ", 10_000)})


def test_each_level_removes_what_it_is_for(bench: Bench) -> None:
    """Copies are whole documents, notices are sentences shorter than a run, halves are runs inside other documents."""
    level = {arm: duplicate_levels.measure(arm, 0, bench) for arm in duplicate_levels.CLAIM.arms}
    kinds = {kind: slice(kind, None, 3) for kind in range(3)}

    def mean(arm: str, kind: int) -> float:
        values = level[arm][kinds[kind]]
        return sum(values) / len(values)

    assert mean("documents", 1) < 0.1
    assert mean("sentences", 1) == 1
    assert mean("spans", 1) < 0.1
    assert mean("spans", 2) > 0.7, "but for halves that are shorter than a run"
    assert mean("documents", 0) > 0.7
    assert mean("documents", 2) < 0.3
    assert all(mean("together", kind) >= max(mean(arm, kind) for arm in duplicate_levels.ALONE) for kind in kinds)


def test_planted_duplicates_are_marked_as_made() -> None:
    real = [f"passage {i} " + " ".join(f"w{i}x{j}" for j in range(40)) for i in range(100)]
    documents, sizes = duplicate_levels.planted(real, 12, random.Random(0))
    made = {document.id for document in documents if document.source == "made"}
    assert set(sizes) <= made
    assert len(sizes) == 12
    assert all(document.text in real for document in documents if document.id not in made)


def test_an_element_that_is_left_out_is_not_in_the_prompt(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, str] = {}

    def seen(bench: Bench, candidate, rows: list[Shown]) -> list[float]:
        (turn,) = candidate.prompt.turns
        asked[arm] = f"{turn.system} {turn.user}"
        return [0.0] * len(rows)

    monkeypatch.setattr(prompt_elements, "probabilities", seen)
    for arm in prompt_elements.CLAIM.arms:
        prompt_elements.measure(arm, 1, bench)
    words = prompt_elements.WORDINGS[1]
    parts = {"task": words["instruction"], "format": words["format"], "tone": words["tone"], "context": "{{context}}"}
    for arm, text in asked.items():
        assert {name for name, part in parts.items() if part not in text} == ({arm[3:]} if arm != "whole" else set())


def test_forgetting_compares_rates_that_grow() -> None:
    rates = list(forgetting.RATES.values())
    assert rates == sorted(rates)


def test_the_area_of_the_measure_is_the_area_and_its_spread_is_delongs() -> None:
    draw = random.Random(0)
    right = [draw.choice((0.4, 0.7, 1.0)) for _ in range(90)]
    wrong = [draw.choice((0.1, 0.4, 0.7)) for _ in range(90)]
    values = unsupported.areas(right, wrong)
    area = roc_auc_score([1] * 90 + [0] * 90, [*right, *wrong])
    assert sum(values) / 90 == pytest.approx(area)
    assert sum(unsupported.grouped(values, 30)) / 30 == pytest.approx(area)
    drawn = []
    for _ in range(400):
        places = [draw.randrange(90) for _ in range(90)]
        some, other = [right[place] for place in places], [wrong[place] for place in places]
        drawn.append(roc_auc_score([1] * 90 + [0] * 90, [*some, *other]))
    assert stdev(values) / 90**0.5 == pytest.approx(stdev(drawn), rel=0.15), "as the bootstrap over pairs has it"


def test_knowledge_is_scored_among_four_answers() -> None:
    assert retrieval_and_tuning.quadratic([-1.0] * 4) == pytest.approx(0.625), "chance, as the claim says"
    assert retrieval_and_tuning.quadratic([0.0, -50, -50, -50]) == pytest.approx(1)
    assert retrieval_and_tuning.quadratic([-50, 0.0, -50, -50]) == pytest.approx(0)


def test_measured_stories_are_not_trained_on_and_their_part_holds_the_answer(bench: Bench) -> None:
    measured, others = retrieval_and_tuning._questions(replace(bench, rows=48))
    assert len(measured) == 48
    assert len(others) > retrieval_and_tuning.TRAINED
    assert not {one.story for one in measured} & {one.story for one in others}
    assert all(one.answer in one.part for one in [*measured, *others])


def test_sources_are_balanced_and_none_is_measured_on_what_it_trained_on(bench: Bench) -> None:
    for name in one_source.SOURCES:
        rows = one_source._rows(name, bench)
        measured = one_source._balanced(rows, one_source.CLAIM.rows // 3)
        left = one_source._balanced(one_source._left(rows, measured), one_source.TRAINED)
        assert (len(measured), len(left)) == (50, 120), name
        assert {row.text for row in measured}.isdisjoint(row.text for row in left)
        assert [row.answer for row in left].count("Yes") == 60


def test_a_loss_behind_a_context_is_the_models_own(bench: Bench) -> None:
    (ids,) = token_ids(bench, ["Who wrote it? The answer is yes, and the river is long."])
    candidate = policy_candidate(bench)
    (behind,) = losses_behind(bench, candidate, [(ids[:5], ids[5:])])
    with load(candidate, bench.step.store, bench.step.machine) as application, torch.no_grad():
        logs = application.engine.model(torch.tensor([ids])).logits.log_softmax(-1)[0]
    expected = [-float(logs[place - 1, ids[place]]) for place in range(5, len(ids))]
    assert behind == pytest.approx(sum(expected) / len(expected), abs=1e-4)
