"""What reads English alone has no figure for a contract in another language, and card and gates say so."""

from components.application import constant
from components.core import Candidate, Checkpoint, Dataset, Derivation, Retriever, Runtime, Step, Task
from components.data.audit import report_on
from components.evaluation.checks import CHECKS
from components.evaluation.english import english_parts
from components.evaluation.safety import Checking, check

READ_ENGLISH = {"toxicity", "refusal", "over_refusal", "swaps", "out_of_domain"}
WHY = "not measured: English only (task.language is 'hi')"


def test_checks_of_english_are_not_measured_in_another_language(step: Step, task: Task, dataset: Dataset) -> None:
    assert {name for name, one in CHECKS.items() if one.english_only} == READ_ENGLISH
    for language, said in (("hi", READ_ENGLISH), ("en-GB", set())):
        spoken = task.model_copy(update={"language": language})
        checking = Checking(task=spoken, primary="f1", dataset=dataset, counts=dict.fromkeys(READ_ENGLISH, 2))
        found = check(constant(spoken, "unknown"), None, checking, step)
        assert {name for name, why in found.unmeasured.items() if "English only" in why} == said
        assert all(found.unmeasured[name] == WHY for name in said)
        assert not said & set(found.checked)


def test_the_embedder_and_lists_of_english_words_are_named_too(task: Task) -> None:
    minilm = Checkpoint(name="all-minilm-l6-v2", object="o", licence="apache-2.0", origin="x")
    retriever = Retriever(scoring="convex", store="numpy", knowledge="k", index="i", embedder=minilm)
    candidate = Candidate(task="question_answering", runtime=Runtime(engine="transformers"), retriever=retriever)
    assert english_parts(task, candidate) == ()
    lines = english_parts(task.model_copy(update={"language": "hi"}), candidate)
    assert [line.partition(":")[0] for line in lines] == [
        "groups of people that rows name",
        "personal data in words (PII recognisers)",
        "what embedder all-minilm-l6-v2 understands",
    ]
    assert all(line.endswith(WHY) for line in lines)
    made = {"name": "minilm-tuned", "derived_from": Derivation(technique="full", checkpoint=minilm, trained=True)}
    retriever = retriever.model_copy(update={"embedder": minilm.model_copy(update=made)})
    tuned = candidate.model_copy(update={"retriever": retriever})
    assert english_parts(task.model_copy(update={"language": "hi"}), tuned) == lines, "tuning taught it no other language"


def test_the_toxicity_of_hindi_rows_has_no_figure(task: Task) -> None:
    hindi = task.model_copy(update={"language": "hi"})
    found = report_on(hindi, [], {"train": []}, [])
    assert found["toxicity"]["splits"] == {"train": {"rows": 0, "toxic": None}}
    assert len(found["not_measured"]) == 3
    assert all(line.endswith(WHY) for line in found["not_measured"])
    assert report_on(task, [], {"train": []}, [])["not_measured"] == []
