"""Training rows are shown right and wrong contexts in the shares that were asked for."""

from components.tuning.batches import batches
from components.tuning.cloze import cloze_rows
from components.tuning.contexts import as_written, shown_rows
from tests.tuning.small import TASK, new_step, small_candidate, small_dataset


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


def test_held_out_passages_are_never_shown(tmp_path):
    step = new_step(tmp_path)
    rows, _, _ = shown(step, 1.0, 0.9)
    practice = cloze_rows(small_dataset(step), 50, 0, step)
    assert practice
    assert not any("Quito" in text for row in [*rows, *practice] for text in row.context)


def test_practice_answers_stand_in_their_context(tmp_path):
    step = new_step(tmp_path)
    rows = cloze_rows(small_dataset(step), 50, 0, step)
    assert all(row.answer in row.context[0] and row.answer not in row.text for row in rows)
    assert rows == cloze_rows(small_dataset(step), 50, 0, step)


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
