import pytest

from components.application import render
from components.application.prompt import MAX_CONTEXT_WORDS, clean
from components.core import Candidate, Prompt, PromptTurn, Quoted, Runtime


def asking(marker: str = "", task: str = "question_answering") -> Candidate:
    prompt = Prompt(method="zero_shot", turns=(PromptTurn(system="S", user="{{context}}|{{input}}"),), answer_marker=marker)
    return Candidate(task=task, abstain="unknown", runtime=Runtime(engine="transformers"), prompt=prompt)


def test_braces_in_the_input_stay_what_they_are() -> None:
    messages = render(asking().prompt, 0, "what is {{context}}?", ["secret"])
    assert messages == [{"role": "system", "content": "S"}, {"role": "user", "content": "secret|what is {{context}}?"}]


def test_the_context_is_cut_and_the_question_is_not() -> None:
    question = "why " * 50
    (_, user) = render(asking().prompt, 0, question, [" ".join(["word"] * 300), " ".join(["more"] * 300)])
    context, asked = user["content"].split("|")
    assert asked == question
    assert len(context.split()) == MAX_CONTEXT_WORDS
    assert "more" in context


@pytest.mark.parametrize(
    ("marker", "said", "answer"),
    [
        ("", "  Paris\nbecause it is", "Paris"),
        ("", "Unknown.", "unknown"),
        ("", "unknown, since the text does not say", "unknown"),
        ("", "unknowns abound", "unknowns abound"),
        ("", "", ""),
        ("Answer:", "It is on the Seine.\nanswer: Paris", "Paris"),
        ("Answer:", "It is on the Seine.\nSo Paris", "So Paris"),
    ],
)
def test_the_answer_is_found_in_what_was_said(marker: str, said: str, answer: str) -> None:
    assert clean(asking(marker), said) == answer


def test_a_summary_keeps_its_lines() -> None:
    assert clean(asking(task="summarization"), " one\ntwo ") == "one\ntwo"


def test_a_quote_may_begin_with_the_word_for_no_answer() -> None:
    quoting = asking().model_copy(update={"quoted": Quoted()})
    assert clean(quoting, "Unknown Pleasures") == "Unknown Pleasures"
    assert clean(quoting, " Unknown .") == "unknown"
