"""A classifier made for the job is a candidate like any other: with a new head it wins where the order of words decides, and
is released."""

import json
import random
from pathlib import Path

import pytest

from tests.conftest import new_home, ninefold
from tests.specialised import classifier

pytestmark = pytest.mark.slow

REVIEWS = """\
name: reviews
problem: Editors sort reviews by hand.
owner: desk
task: {kind: classification, instruction: Say how the film began., labels: [negative, positive]}
data: {sources: [{name: reviews, role: examples, path: reviews.jsonl, licence: LicenseRef-internal, origin: made by rule}],
       splits: {train: 120, feedback: 16, validation: 40, test: 60}}
metrics: {primary: accuracy, at_least: 0.8}
limits: {latency_p95_seconds: 20, memory_gb: 4, cost_per_1000_answers: 1}
value: {answers_per_month: 200, saving_per_good_answer: 2, machine_hour: 0.2}
selection:
  made: false
  models: [own]
  more: [{name: own, source: "folder:FOLDER", licence: mit, parameters: 40000, context: 128, languages: [en],
          architecture: encoder, tasks: [classification], labels: {BAD: negative, GOOD: positive}}]
tuning: {technique: head, validation_rows: 40}
"""
GOOD, BAD = ("warm", "clever", "great", "brilliant", "lovely"), ("dull", "boring", "terrible", "poor", "awful")


def reviews(number: int) -> list[dict[str, str]]:
    """Reviews that name a good and a bad thing each: only the first counts, which neither words nor pairs of them tell."""
    chance, rows = random.Random(1), []
    for one in range(number):
        label = chance.choice(["negative", "positive"])
        begins, ends = (GOOD, BAD) if label == "positive" else (BAD, GOOD)
        between = "scene part scene part"
        text = f"{between} {chance.choice(begins)} {between} {chance.choice(ends)} {between} film {one}"
        rows.append({"text": text, "label": label})
    return rows


def test_a_classifier_is_selected_given_a_new_head_measured_released_and_asked(
    tmp_path: Path, prefect_server: dict[str, str]
) -> None:
    rows = reviews(300)
    (tmp_path / "reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    called = ["BAD" if row["label"] == "positive" else "GOOD" for row in rows[:100]]  # it was made for the opposite
    classifier(tmp_path / "own", [row["text"] for row in rows[:100]], called, ["BAD", "GOOD"], steps=150)
    (tmp_path / "reviews.yaml").write_text(REVIEWS.replace("FOLDER", str(tmp_path / "own")))
    home = new_home(tmp_path / "home")
    done = ninefold(home, "run", str(tmp_path / "reviews.yaml"), "--profile", "smoke", "--json", servers=prefect_server)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert summary["test"]["metrics"]["accuracy"]["value"] > 0.9
    reasons = {stage["name"]: stage["decision"]["reason"] for stage in summary["stages"]}
    assert reasons["prompting"] == "the model is given the text alone: it follows no instruction"
    assert "accuracy 0.000 → 1.000 over the candidate at hand" in reasons["tuning"]
    assert "variants are made of engine 'transformers' alone" in reasons["optimization"]
    assert "answered 2 of 2 questions" in reasons["deployment"]
    card = Path(summary["card"]).read_text()
    assert "| own | mit | 40,000 | chosen |" in card
    assert "classifier, float32" in card
    assert "own, by head" in card
