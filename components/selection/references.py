"""What a release must beat although it learned nothing but how frequent the training answers are.

A figure means little before these are known: where 56 % of the answers are "yes", saying always "yes" has 0.56. Two are
measured for every kind of task: the most frequent training answer (and where that is the abstention, also the most frequent
other one), and the training answers shuffled, one drawn for each question by its text.
"""

from components.application import constant, shuffled
from components.core import Candidate, Dataset, Step, Task, write_jsonl
from components.measure.answer_kinds import most_frequent

ALWAYS = "always the most frequent training answer"
ANSWERED = "always the most frequent training answer but the abstention"
SHUFFLED = "training answers shuffled"


def learned_nothing(task: Task, dataset: Dataset, step: Step) -> dict[str, Candidate]:
    """Name → candidate; nothing without training rows."""
    answers = [row.answer for row in dataset.rows("train", step.store)] if "train" in dataset.splits else []
    if not answers:
        return {}
    references = {ALWAYS: constant(task, most_frequent(answers))}
    others = [answer for answer in answers if answer != task.abstain]
    if most_frequent(answers) == task.abstain and others:
        references[ANSWERED] = constant(task, most_frequent(others))
    path = step.scratch / "answers.jsonl"
    write_jsonl(path, [{"answer": answer} for answer in answers])
    return {**references, SHUFFLED: shuffled(task, step.store.put(path))}
