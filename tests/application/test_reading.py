"""Long texts: a fact that a rule planted at every depth of a document (made, by nobody), read whole and in parts by a model
that was trained on short texts of the same rule."""

import random

import pytest

from components.application import Answer, checkpoint, load
from components.application.asking import Asked, Asker
from components.application.parts import parts_of, windows
from components.application.reading import WAYS
from components.core import (
    BadInput,
    Candidate,
    Dataset,
    Machine,
    Metrics,
    Prompt,
    PromptTurn,
    Quoted,
    Reading,
    Row,
    Runtime,
    Step,
    Task,
    Workspace,
)
from components.core.artifacts import opened
from components.prompting import METHODS, Config, prompt
from components.training import Recipe, tuned
from components.training.contexts import shown_rows
from components.training.examples import Shown, encode, tuned_prompt
from components.training.loop import load_tokenizer
from components.training.objectives import sft
from tests.selection.small import split

FACTS = ("river", "king", "city", "film")
FILLER = (
    "the",
    "answer",
    "was",
    "found",
    "in",
    "a",
    "text",
    "and",
    "question",
    "is",
    "of",
    "that",
    "part",
    "or",
    "so",
    "it",
)
DEPTHS = (0, 25, 50, 75, 100)
QUESTION = "Which one?"
TASK = Task(kind="question_answering", instruction="Answer.", abstain="unknown")
PARTS = Reading(way="sliding_window", words=36, overlap=4)


def text(words: int, fact: str | None, depth: int, draw: random.Random) -> str:
    """`words` words without a sense, with `fact` in percent `depth` of them."""
    said = draw.choices(FILLER, k=words)
    return " ".join([*said[: (place := words * depth // 100)], *(["named", fact] if fact else []), *said[place:]])


def planted(words: int, each: int = 1) -> list[Row]:
    """Rows with every fact at every depth, made by that rule and marked so."""
    draw = random.Random(7)
    return [
        Row(
            id=f"{depth}-{fact}-{i}", text=f"{text(words, fact, depth, draw)}\n\n{QUESTION}", answer=fact,
            origin="synthetic", slices={"depth": str(depth)},
        )
        for depth in DEPTHS for fact in FACTS for i in range(each)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Step:
    workspace = Workspace(tmp_path_factory.mktemp("reading"))
    return Step("reading", workspace.store.scratch("reading"), workspace, Machine(threads=1))


@pytest.fixture(scope="module")
def reader(own: Step) -> Candidate:
    """The two-layer model, trained to say which fact a text of 36 words holds, or `unknown`."""
    shown = tuned_prompt(TASK, context=True)
    candidate = Candidate(
        task=TASK.kind, abstain="unknown", runtime=Runtime(engine="transformers"), prompt=shown, own={"context": "given"},
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", own),
    )  # fmt: skip
    assert candidate.model
    draw = random.Random(0)
    rows = []
    for i in range(360):
        fact = (*FACTS, None, None, None)[i % 7]
        rows.append(Shown(QUESTION, (text(draw.randint(12, 36), fact, draw.randint(0, 100), draw),), fact or "unknown"))
    base = opened(own.store, candidate.model.object)
    recipe = Recipe(technique="full", epochs=8, layers=2, batch_rows=16, checkpoint_every=0, learning_rate=3e-3)
    given = encode(load_tokenizer(base), shown, rows)
    trained = sft.train(recipe, sft.Settings(), base, given, own.scratch / "training", own.machine)
    return tuned(candidate, recipe, "sft", trained, own.store)


def right(answers: list[Answer], rows: list[Row]) -> dict[int, float]:
    """Depth → share of right answers."""
    found = {
        depth: [a.text == r.answer for a, r in zip(answers, rows, strict=True) if r.slices["depth"] == str(depth)]
        for depth in DEPTHS
    }
    return {depth: sum(one) / len(one) for depth, one in found.items()}


def test_a_planted_fact_is_found_at_every_depth_in_parts_and_not_whole(reader: Candidate, own: Step) -> None:
    """600 words, of which a prompt shows 384. Measured: sliding_window 1.0 at every depth, map_reduce 0.75 to 1.0, whole
    0.0 to 0.5: low also where the fact is shown, since the model was trained on 36 words."""
    rows = planted(600)
    shares, cut = {}, {}
    for name in ("whole", *WAYS):
        how = None if name == "whole" else PARTS.model_copy(update={"way": name})
        with load(reader.model_copy(update={"reading": how}), own.store, own.machine) as application:
            answers = application.answer(rows)
        shares[name], cut[name] = right(answers, rows), sum(answer.cut for answer in answers)
    assert cut == {"whole": len(rows), "map_reduce": 0, "sliding_window": 0}
    assert min(shares["sliding_window"].values()) >= 0.75
    assert sum(shares["map_reduce"].values()) >= 4
    assert max(shares["whole"][depth] for depth in (75, 100)) <= 0.25


def test_the_way_to_read_is_chosen_by_answers_on_validation(
    reader: Candidate, own: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "zero_shot", lambda elements, examples: reader.prompt)
    # as if somebody had collected them: made rows may not decide
    rows = [row.model_copy(update={"origin": "collected"}) for row in planted(600)]
    config = Config(
        methods=("zero_shot",),
        readings=("whole", "sliding_window"),
        reading_words=36,
        reading_overlap=4,
        rows=(20,),
        keep=(1,),
    )
    dataset = Dataset(
        splits={"train": split("train", rows[:1], own), "validation": split("validation", rows, own)}, provenance=""
    )
    metrics = Metrics(primary="f1_answerable", at_least=0.1, minimum_effect=0.02)
    found = prompt(config, task=TASK, metrics=metrics, candidate=reader, dataset=dataset, step=own)
    assert found.decision.reason.startswith(f"{found.winner} by sliding_window (1 call(s) an answer) won over 1 others")
    assert found.decision.adopted
    assert found.candidate.reading == found.reading == PARTS
    assert [row.get("reading") for row in found.rounds] == ["sliding_window", None]
    asked = config.model_copy(update={"readings": ("map_reduce",)})
    judge = reader.model_copy(update={"labels": FACTS})
    with pytest.raises(BadInput, match=r"'readings': 'map_reduce' is not for this use case: .* read by sliding_window"):
        prompt(asked, task=TASK, metrics=metrics, candidate=judge, dataset=dataset, step=own)


def test_of_quotes_the_window_with_the_least_margin_of_abstaining_wins(reader: Candidate, own: Step) -> None:
    quoting = reader.model_copy(update={"quoted": Quoted(), "reading": PARTS})
    (row,) = planted(120)[:1]
    given = row.text.split("\n\n")[0]
    with load(quoting, own.store, own.machine) as application:
        (answer,) = application.answer([row])
        assert application.answer([row]) == [answer] == [list(application.stream(row))[-1]]
        parts = parts_of(Asked(QUESTION, (given,)), PARTS)
        said = Asker(quoting, reader.prompt, application.engine).ask(parts)
    assert len(parts) > 2
    quotes = [one for one in said if one.text != "unknown"] or said
    assert answer.text == min(quotes, key=lambda one: one.margin).text
    assert [given[one.start : one.end] for one in answer.citations] == [answer.text]


def test_of_answers_that_disagree_the_likelier_one_wins(reader: Candidate, own: Step) -> None:
    both = " ".join(["the named river", *["answer was found"] * 20, "the named king"])
    with load(reader.model_copy(update={"reading": PARTS}), own.store, own.machine) as application:
        engine = application.engine
        asker = Asker(reader, reader.prompt, engine)
        said = [one for one in asker.ask(parts_of(Asked(QUESTION, (both,)), PARTS)) if one.text != "unknown"]
        (answer,) = application.answer([Row(id="both", text=f"{both}\n\n{QUESTION}", answer="river")])
        scores = [engine.score([one.asked], [one.words + engine.end])[0][0] for one in said]
    assert len({one.text for one in said}) == 2
    assert answer.text == said[scores.index(max(scores))].text


def test_summaries_of_parts_are_summarised_until_one_is_left(candidate: Candidate, step: Step) -> None:
    turn = PromptTurn(user="{{input}}", max_new_tokens=3)
    how = Reading(way="map_reduce", words=20, overlap=0)
    changes = {
        "task": "summarization",
        "prompt": Prompt(method="bare", turns=(turn,)),
        "retriever": None,
        "abstain": None,
        "reading": how,
    }
    document = text(90, None, 0, random.Random(3))
    with load(candidate.model_copy(update=changes), step.store, step.machine) as application:
        asked, generate = [], application.engine.generate
        application.engine.generate = lambda prompts, *given, **more: (
            asked.append(prompts) or generate(prompts, *given, **more)
        )
        (answer,) = application.answer([Row(id="a", text=document, answer="")])
    assert [messages[0]["content"] for messages in asked[0]] == windows(document, 20, 0)
    assert len(asked) > 1, "one more call over the parts' answers"
    assert len(asked[-1]) == 1
    assert answer.text


def test_parts_cover_the_text_in_its_own_words() -> None:
    words = [f"w{i}" for i in range(101)]
    parts = windows("  ".join(words), 20, 5)
    assert all(part in "  ".join(words) for part in parts)
    assert [part.split()[0] for part in parts] == [f"w{i}" for i in range(0, 96, 15)]
    assert parts[-1].split()[-1] == "w100"
    assert windows("as  it is ", 20, 5) == ["as  it is "]
    short = Asked("which?", ("one text", "another"))
    assert parts_of(short, PARTS) == [short]


def test_a_training_row_is_shown_the_part_that_holds_its_answer(reader: Candidate, own: Step) -> None:
    rows = planted(600)[-4:]
    nothing = Dataset(splits={}, provenance="")
    shown, _, _ = shown_rows(TASK, reader.model_copy(update={"reading": PARTS}), nothing, rows, 0, 0.5, 0, own)
    assert all(one.answer in one.context[0].split() and len(one.context[0].split()) <= 36 for one in shown)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reading": Reading(way="twice")}, "reading.way 'twice' is not known; allowed: map_reduce, sliding_window"),
        ({"reading": Reading(way="map_reduce"), "labels": FACTS}, "answers are labels or of a form: read by sliding_window"),
        ({"reading": PARTS, "runtime": Runtime(engine="openai", url="http://127.0.0.1:9")}, "tells no likelihoods"),
    ],
)
def test_a_way_that_cannot_read_it_is_refused(
    changes: dict[str, object], said: str, candidate: Candidate, step: Step
) -> None:
    with pytest.raises(BadInput, match=said):
        load(candidate.model_copy(update=changes), step.store, step.machine)
