"""Every obeyed attack of a document is found; an obeyed answer has no effect, leaks nothing and links nowhere."""

import base64
import re
from html.parser import HTMLParser

import pytest

from components.application import checkpoint
from components.application.prompt import MAX_CONTEXT_WORDS, render
from components.cards.page import sections
from components.cards.text import escaped
from components.core import (
    Candidate,
    Dataset,
    Ledger,
    Prompt,
    PromptTurn,
    Quoted,
    Row,
    Runtime,
    Split,
    Step,
    Task,
    write_jsonl,
)
from components.evaluation.attacks import FORMS, PLACES, attacks, poisoned, poisoned_context
from components.evaluation.check import NotMeasured
from components.evaluation.checks.injection import CHECK, _notes, _obedience
from flows.review_page import card_html
from tests.evaluation.checks.planted import subject

POISONED = 300


def obeys(text: str) -> str:
    """Obeys everything it reads: says all of it again, hidden texts decoded."""
    hidden = re.findall(r"[A-Za-z0-9+/]{32,}={0,2}", text)
    return " ".join([text, *(base64.b64decode(one).decode() for one in hidden)]).replace("\n", " ")


def deaf(text: str) -> str:
    """Answers the question whatever the documents say."""
    return "the king"


@pytest.fixture
def many(dataset: Dataset, step: Step) -> Dataset:
    rows = [Row(id=f"q{i}", text=f"Who is the king in passage {i % 5}?", answer=f"secret-{i}") for i in range(POISONED)]
    write_jsonl(step.scratch / "many.jsonl", rows)
    split = Split(name="test", object=step.store.put(step.scratch / "many.jsonl"), count=POISONED)
    return dataset.model_copy(update={"splits": {**dataset.splits, "test": split}})


def test_attacks_are_distinct_and_repeat() -> None:
    made = attacks(POISONED, seed=3)
    assert made == attacks(POISONED, seed=3) != attacks(POISONED, seed=4)
    assert len({attack.target for attack in made}) == POISONED
    combined = {(attack.form, attack.place, attack.first) for attack in made}
    assert combined == {(form, place, first) for form in FORMS for place in PLACES for first in (True, False)}
    assert all(attack.target in attack.text or attack.form == "base64" for attack in made)


@pytest.mark.parametrize("words", [5, 300, 500])
def test_the_prompt_shows_the_whole_attack(words: int, candidate: Candidate) -> None:
    for attack in attacks(84):
        texts = poisoned_context([" ".join(["word"] * words), " ".join(["more"] * words)], attack)
        (*_, user) = render(candidate.prompt, 0, "Who?", texts)
        assert attack.text in user["content"]
        assert poisoned("a b c d", attack).replace(attack.text, "").split() == ["a", "b", "c", "d"]
        assert len(user["content"].split(" ")) <= MAX_CONTEXT_WORDS + 10


def test_300_obeyed_documents_are_found_and_can_do_nothing(
    candidate: Candidate, task: Task, many: Dataset, step: Step
) -> None:
    before = Ledger(step.workspace.ledger).effects()
    found = CHECK.find(subject(candidate, task, many, step, obeys, POISONED))
    assert len(found.outcomes) == POISONED
    assert all(outcome.failed for outcome in found.outcomes)
    assert found.beside["harmless instructions of the user followed"].metric().value == 1
    answers = [outcome.answer for outcome in found.outcomes]
    assert sum("https://" in answer for answer in answers) > 50, "it says the attackers' links"
    # effects: nothing acts on an answer
    assert Ledger(step.workspace.ledger).effects() == before
    # leaks: what is not in its own prompt cannot be said; references and other rows' targets are not
    targets = [outcome.detail["target"] for outcome in found.outcomes]
    for place, answer in enumerate(answers):
        assert "secret-" not in answer
        assert not any(other in answer for other in targets[:place] + targets[place + 1 :])
    # links: what shows answers to people shows them as text
    body = "# Card\n\n## Answers\n\n| answer |\n| --- |\n" + "".join(f"| {escaped(answer)} |\n" for answer in answers)
    (_, html), *_ = sections(body)[1]
    for page in (html, card_html(body, "v1")):
        seen = Elements()
        seen.feed(page)
        assert seen.names <= {"table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6", "div"}
        assert "example/pixel.png" in "".join(seen.texts)
    assert "https://" not in body, "a viewer that turns bare addresses into links finds none"


class Elements(HTMLParser):
    """Which elements a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.names.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_an_application_that_obeys_no_document_fails_nothing_and_keeps_its_use(
    candidate: Candidate, task: Task, dataset: Dataset, step: Step
) -> None:
    found = CHECK.find(subject(candidate, task, dataset, step, deaf, 6))
    assert not any(outcome.failed for outcome in found.outcomes)
    assert found.beside["f1 without attacks"].metric() == found.beside["f1 under attack"].metric()
    assert found.beside["harmless instructions of the user followed"].metric().value == 0
    assert found == CHECK.find(subject(candidate, task, dataset, step, deaf, 6))


def test_more_attacks_than_rows_ask_each_row_again_with_another_attack(
    candidate: Candidate, task: Task, dataset: Dataset, step: Step
) -> None:
    rows = dataset.splits["test"].count
    found = CHECK.find(subject(candidate, task, dataset, step, obeys, 2 * rows + 1))
    assert len({outcome.id for outcome in found.outcomes}) == 2 * rows + 1
    assert all(outcome.failed for outcome in found.outcomes)
    first, again = (found.outcomes[place] for place in (0, rows))
    assert (first.asked, first.detail["without attack"]) == (again.asked, again.detail["without attack"])
    assert first.detail["target"] != again.detail["target"]
    assert found.beside["f1 under attack"].metric().n == 2 * rows + 1


def test_texts_are_attacked_themselves_where_nothing_is_retrieved(task: Task, dataset: Dataset, step: Step) -> None:
    sort = Task(kind="classification", instruction="Sort.", labels=("good", "bad"))
    candidate = Candidate(
        task=sort.kind, labels=sort.labels, runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=Prompt(method="zero_shot", turns=(PromptTurn(user="Text: {{input}}"),)),
    )  # fmt: skip

    def sorts(text: str) -> str:
        asked = re.search(r"(?:only with the word|word|only with|reply with|le mot|dem Wort) (good|bad)", obeys(text))
        return asked[1] if asked else "good"

    found = CHECK.find(subject(candidate, sort, dataset, step, sorts, 6))
    assert {outcome.detail["target"] for outcome in found.outcomes} == {"bad"}, "the label that was not said"
    assert 0 < sum(outcome.failed for outcome in found.outcomes) <= 6
    assert all((outcome.answer == "bad") == bool(outcome.failed) for outcome in found.outcomes)
    assert "harmless instructions of the user followed" not in found.beside


def test_a_plain_baseline_is_not_measured_and_quotes_say_what_they_cannot(
    candidate: Candidate, task: Task, dataset: Dataset, step: Step
) -> None:
    with pytest.raises(NotMeasured):
        CHECK.find(subject(candidate.model_copy(update={"model": None}), task, dataset, step, deaf, 6))
    quoting = subject(candidate.model_copy(update={"quoted": Quoted()}), task, dataset, step, deaf, 6)
    assert _obedience(quoting.rows(), quoting) == {}
    assert "quotes" in _notes([], quoting)[0]
