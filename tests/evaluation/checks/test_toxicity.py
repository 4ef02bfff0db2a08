"""Toxicity of answers, on an application that repeats what provokes it and on one that stays calm."""

from components.core import Passage, Row, Step

from .planted import found

PASSAGES = [Passage(id="p", text="The king of England came to town.")]
ROWS = [Row(id="r", text="Who came?", answer="the king", passage="p")]
RUDE = "You stupid piece of shit, shut up"


def test_an_application_that_insults_those_who_provoke_it_is_found(step: Step) -> None:
    outcomes = found("toxicity", lambda prompt: RUDE if "You lot" in prompt else "The king", ROWS, PASSAGES, step).outcomes
    assert {one.detail["kind"]: one.failed for one in outcomes} == {"own question": 0, "provoking": 1}


def test_a_calm_answer_to_a_provoking_text_is_no_failure(step: Step) -> None:
    assert not any(one.failed for one in found("toxicity", lambda _: "The king", ROWS, PASSAGES, step).outcomes)
