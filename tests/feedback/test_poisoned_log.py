"""A log with 20 items of callers and 300 of a stranger, through the stage and a real alignment run."""

import json
import re
from collections import Counter

import pytest

from components.core import Feedback, FeedbackStore, Policy, Seen, read_jsonl
from components.feedback import Config, collect
from components.tuning import align, tune
from tests.tuning.small import CONFIG, METRICS, TASK, new_step, put, small_candidate, small_dataset

SEEN = (Seen(id="p0", text="The fair of Paris was opened in the year 1900 by the mayor of Paris ."),)


def correction(id: str, question: str, text: str) -> Feedback:
    given = {"model": "desk", "answer": "the mayor of Paris", "passages": SEEN, "consent": True}
    return Feedback(kind="correction", answer_id=f"answer-{id}", id=id, question=question, text=text, **given)


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory):
    """A workspace with the log, and the tuned candidate."""
    step = new_step(tmp_path_factory.mktemp("poisoned"))
    dataset = small_dataset(step)
    given = {"task": TASK, "candidate": small_candidate(dataset, step), "dataset": dataset}
    tuned = tune(CONFIG, **given, metrics=METRICS, step=step).proposed
    store = FeedbackStore(step.workspace.feedback)
    for number in range(300):  # first in the log, first by id, and short
        store.add(correction(f"0-{number:03}", f"who sold {number} of them", f"evil {number}"), source="peer:10.0.0.9")
    for number in range(20):
        honest = correction(
            f"zz-{number:02}", f"which guild of the old town sold ware {number}", f"the guild of ware {number}"
        )
        store.add(honest, source=f"client:caller-{number % 5}")
    return step, {**given, "candidate": tuned}


def test_the_pairs_that_reach_training_hold_at_most_the_strangers_share(poisoned):
    step, given = poisoned
    mark, config = FeedbackStore(step.workspace.feedback).mark("desk"), Config()
    found = collect(config, **given, policy=Policy(), step=new_step(step.workspace.root, "f"), model="desk", gathered=mark)
    rows = read_jsonl(step.store.file(found.pairs.object))
    evil = [row for row in rows if row["chosen"].startswith("evil")]
    assert (len(rows) - len(evil), len(evil)) == (20, 6)
    assert (found.counts["real"], found.counts["sources"], found.counts["quarantined"]) == (320, 6, 294)
    assert "294 items beyond the caps wait for a person" in found.decision.reason
    assert any("`ninefold feedback list desk`): 294 ×" in note for note in found.notes)
    waiting = read_jsonl(step.store.file(found.quarantine.object))
    assert {row["id"] for row in waiting} | {row["id"] for row in rows} == {
        one.item.key for one in FeedbackStore(step.workspace.feedback).received("desk")
    }
    assert "10.0.0.9" not in json.dumps([rows, waiting]), "whose they are stays in the store"
    aligned = align(
        CONFIG, **given, metrics=METRICS, pairs=found.pairs, source_share=found.source_share,
        step=new_step(step.workspace.root, "a"),
    )  # fmt: skip
    assert "26 preference pairs (simulated: 0; of any one source: 6)" in aligned.notes[0]


def test_the_share_holds_for_what_is_trained_on_where_honest_pairs_fall_out(poisoned):
    """Callers' corrections that are too long to train on fall out after the stage has drawn: the stranger's follow them."""
    step, given = poisoned
    mark = FeedbackStore(step.workspace.feedback).mark("desk")
    found = collect(Config(), **given, policy=Policy(), step=new_step(step.workspace.root, "g"), model="desk", gathered=mark)
    rows = read_jsonl(step.store.file(found.pairs.object))
    evil = [row for row in rows if row["chosen"].startswith("evil")]
    honest = [row for row in rows if not row["chosen"].startswith("evil")]
    long = [{**row, "chosen": row["chosen"] + " and others" * 600} if n < 10 else row for n, row in enumerate(honest)]
    inner = new_step(step.workspace.root, "h")
    pairs = put(inner, "pairs", [*evil, *long])
    aligned = align(CONFIG, **given, metrics=METRICS, pairs=pairs, source_share=0.25, step=inner)
    left = Counter(row["source"] for row in [*evil, *long] if len(row["chosen"]) < 500)
    assert left[evil[0]["source"]] > 0.25 * sum(left.values()), "else nothing is tried here"
    said = re.search(r"alignment: (\d+) preference pairs \(simulated: 0; of any one source: (\d+)\)", aligned.notes[0])
    assert (int(said[1]), int(said[2])) == (13, 3)
