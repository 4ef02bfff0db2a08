"""Training rows are shown right and wrong contexts in the shares that were asked for."""

import re

from components.core import Passage, Row
from components.training.batches import batches
from components.training.contexts import as_written, shown_rows
from components.tuning import practice
from components.tuning.practice import practice_rows
from tests.tuning.small import TASK, new_step, put, small_candidate, small_dataset


def shown(step, wrong, unanswerable):
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    return shown_rows(TASK, candidate, dataset, dataset.rows("train", step.store), wrong, unanswerable, 0, step)


def test_answerable_rows_see_their_answer(tmp_path):
    rows, counts, _ = shown(new_step(tmp_path), 0.0, 0.5)
    answered = [row for row in rows if row.answer != "unknown"]
    assert len(answered) == 8
    assert all(row.answer in row.context[0] for row in answered)
    assert counts["retrieved"] + counts["gold put in"] == 8


def test_share_of_abstentions_is_bounded_and_what_was_dropped_is_counted(tmp_path):
    rows, counts, _ = shown(new_step(tmp_path), 0.0, 0.2)
    assert sum(row.answer == "unknown" for row in rows) == 2
    assert counts["dropped"] == 2


def test_wrong_passage_teaches_to_abstain(tmp_path):
    rows, counts, _ = shown(new_step(tmp_path), 1.0, 0.9)
    beside = [row for row in rows if row.answer == "unknown" and "how many" not in row.text]
    # only the questions for a year: "the mayor" stands in every passage, so none is wrong for it
    assert len(beside) == counts["beside a wrong passage"] == 4


def test_rows_that_name_no_passage_teach_only_what_their_context_holds(tmp_path):
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    named = dataset.rows("train", step.store)
    rows = [row.model_copy(update={"passage": None}) for row in named]
    strange = Row(id="strange", text="when was the fair of Atlantis opened", answer="never in any year")
    found, counts, _ = shown_rows(TASK, candidate, dataset, [*rows, strange], 0.0, 0.5, 0, step)
    answered = [row for row in found if row.answer != "unknown"]
    assert answered
    assert all(any(row.answer in text for text in row.context) for row in answered)
    assert counts["gold put in"] == 0
    assert counts["no passage named"] >= 1


def test_held_out_passages_are_never_shown(tmp_path):
    step = new_step(tmp_path)
    rows, _, _ = shown(step, 1.0, 0.9)
    assert not any("Quito" in text for row in rows for text in row.context)


STORY = " ".join(
    f"In chapter {i:02} the hero Anna{i:02} met king Bertram{i:02} near the town of Corva{i:02} ." for i in range(20)
)


def practising(step):
    """The small dataset with questions about one story of 240 words; the last two have no answer that can be shown."""
    rows = [
        Row(id=f"q{i}", text=f"Whom did the hero of chapter {i:02} meet?", answer=f"King Bertram{i:02}", passage="story")
        for i in range(20)
    ]
    rows += [
        Row(id="away", text="Why?", answer="nobody knows", passage="story"),
        Row(id="said", text="Who is Anna03?", answer="Anna03", passage="story"),
    ]
    passages = put(step, "practice_passages", [Passage(id="story", text=STORY)])
    return small_dataset(step).model_copy(update={"practice": put(step, "practice", rows), "practice_passages": passages})


def test_practice_answers_stand_in_their_context_or_are_the_abstention(tmp_path, monkeypatch):
    step = new_step(tmp_path)
    dataset = practising(step)
    rows = practice_rows(TASK, dataset, 50, 0, step)
    assert rows == practice_rows(TASK, dataset, 50, 0, step)
    assert len(rows) == 20
    assert len(practice_rows(TASK, dataset, 7, 0, step)) == 7
    for row in rows:
        number = re.search(r"chapter (\d+)", row.text.replace(",", ""))[1]
        held = f"king Bertram{number} " in row.context[0]
        assert row.answer == (f"king Bertram{number}" if held else "unknown")
        assert len(row.context[0].split()) <= practice.WINDOW
    assert any(row.text.count("Whom") and not row.text.startswith("Whom did the hero of") for row in rows), "no slips"
    monkeypatch.setattr(practice, "ABSTAINING", 1.0)
    assert {row.answer for row in practice_rows(TASK, dataset, 50, 0, step)} == {"unknown"}
    assert practice_rows(TASK, small_dataset(step), 50, 0, step) == []


def test_batches_hold_every_row_once_an_epoch_and_follow_the_seed():
    lengths = [10 + (7 * i) % 50 for i in range(64)]
    made = batches(lengths, 8, 2, seed=3)
    assert sorted(i for batch in made[:8] for i in batch) == list(range(64))
    assert made == batches(lengths, 8, 2, seed=3)
    assert made != batches(lengths, 8, 2, seed=4)
    assert made[:8] != made[8:]
    assert all(max(lengths[i] for i in batch) - min(lengths[i] for i in batch) < 15 for batch in made)


def test_answer_is_learned_as_its_context_writes_it():
    assert as_written("Earth's core", ("heat from the Earth ' s core rises",)) == "Earth ' s core"
    assert as_written("the 18,000 men", ("of 18 , 000 men",)) == "18 , 000 men"
    assert as_written("men", ("no one of women",)) == "men"


def test_a_row_whose_passage_is_held_out_teaches_no_answer(tmp_path):
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    row = Row(id="x", text="when was the fair of Quito opened", answer="1904", passage="p4")
    rows, counts, _ = shown_rows(TASK, small_candidate(dataset, step), dataset, [row], 0.0, 0.5, 0, step)
    assert rows == []
    assert counts["passage held out"] == 1


def test_where_no_passage_is_left_for_training_every_row_is_counted(tmp_path):
    step = new_step(tmp_path)
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    rows = dataset.rows("train", step.store)
    (step.scratch / "none").mkdir(parents=True)
    (step.scratch / "none/passages.jsonl").touch()
    none = dataset.training_knowledge.model_copy(update={"object": step.store.put(step.scratch / "none"), "count": 0})
    alone = dataset.model_copy(update={"training_knowledge": none})
    found, counts, _ = shown_rows(TASK, candidate, alone, rows, 0.0, 0.5, 0, step)
    assert (found, counts["passage held out"]) == ([], len(rows))
