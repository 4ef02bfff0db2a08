"""Labelling functions vote, unsafe ones are refused with their key, and labelled rows go to training alone."""

import json

import pytest

from components.core import BadInput, Labelling, Row, parse, read_jsonl, read_rows
from components.data.label_model import ABSTAIN
from components.data.labelling import label, vote

from .conftest import REVIEWS, TOPICS, Bench, write

FUNCTIONS = [
    {"name": "praise", "label": "good", "any_of": ["great", "loved it"], "none_of": ["not great"]},
    {"name": "stars", "label": "good", "pattern": r"\b(8|9|10) ?/ ?10\b"},
    {"name": "smile", "label": "good", "any_of": ["smile"]},
    {"name": "boring", "label": "bad", "any_of": ["dull", "boring"]},
    {"name": "low", "label": "bad", "pattern": r"\b[1-3] ?/ ?10\b"},
    {"name": "sleep", "label": "bad", "any_of": ["asleep"]},
]
GOOD, BAD = ("great", "a 9/10", "made me smile"), ("dull", "a 2/10", "fell asleep")


def asked(*functions: dict, **more) -> Labelling:
    return parse(Labelling, {"functions": list(functions or FUNCTIONS), **more}, "data.labelling")


def reviews(count: int, name: str) -> list[dict[str, str]]:
    """Reviews with two or three signs of what they are; every fifth also has one of the other kind."""
    rows = []
    for number in range(count):
        own, other, answer = (GOOD, BAD, "good") if number % 2 else (BAD, GOOD, "bad")
        signs = [own[number % 3], own[(number + 1) % 3], *own[: number % 4 == 1]]
        signs += [other[number % 3]] if number % 5 == 0 else []
        rows.append({"text": f"{name} {number}: {TOPICS[number % 16]}, {', '.join(signs)}", "label": answer})
    return rows


def test_functions_look_for_whole_words_and_a_pattern_and_can_be_vetoed() -> None:
    texts = ["Great!", "not great", "we LOVED  it", "greatly", "a 10/10", "dull and great", ""]
    found = vote(asked(), REVIEWS, texts)
    assert found[:, 0].tolist() == [1, ABSTAIN, 1, ABSTAIN, ABSTAIN, 1, ABSTAIN]
    assert found[:, 1].tolist() == [ABSTAIN] * 4 + [1] + [ABSTAIN] * 2
    assert found[5, 3] == 0


def test_each_function_is_measured_on_texts_and_against_gold() -> None:
    texts = ["great 9/10", "great", "dull great", "dull 2/10", "nothing"]
    gold = [Row(id="a", text="great fun", answer="good"), Row(id="b", text="great, dull, dull", answer="bad")]
    praise = label(asked(), REVIEWS, texts, gold).figures["functions"]["praise"]
    assert (praise["coverage"], praise["overlap"], praise["conflict"]) == (0.6, 0.4, 0.2)
    assert (praise["gold_accuracy"], praise["gold_votes"]) == (0.5, 2)


def test_texts_without_a_vote_or_below_the_confidence_are_left_out_and_counted() -> None:
    texts = [row["text"] for row in reviews(200, "film")]
    done = label(asked(confidence=0.9), REVIEWS, [*texts, "nothing is said"], [])
    assert done.labels[-1] is None
    assert done.figures["left_out"]["no function votes"] == 1
    kept = [found for found in done.labels if found]
    assert kept
    assert all(probability >= 0.9 for _, probability, _ in kept)
    assert done.figures["labelled"] + sum(done.figures["left_out"].values()) == 201
    assert done.figures["label_model"] == {"gold_accuracy": None, "gold_rows": 0}


def test_functions_that_nothing_can_be_known_about_are_named() -> None:
    done = label(asked(FUNCTIONS[0]), REVIEWS, ["great", "dull"], [])
    assert done.labels == [None, None]
    assert done.figures["functions"]["praise"]["estimated_accuracy"] is None
    assert "praise" in done.notes[1]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ({"pattern": "(great"}, r"functions\.0\.pattern'.*not a regular expression"),
        ({"pattern": "((a{1000}){1000}){1000}"}, r"functions\.0\.pattern'.*multiply to more than 1,000"),
        ({}, "needs 'any_of' or 'pattern'"),
        ({"any_of": ["!!"]}, "no word in '!!'"),
        ({"any_of": ["x"], "words": ["y"]}, "key 'functions.0.words' is not known; allowed here: any_of, label"),
    ],
)
def test_a_function_that_cannot_work_is_named_with_its_key(function: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        asked({"name": "odd", "label": "good", **function})


def test_a_pattern_that_explodes_is_stopped_and_named() -> None:
    with pytest.raises(BadInput, match=r"data\.labelling\.functions\.0\.pattern: .* takes more than 1 s"):
        vote(asked({"name": "odd", "label": "good", "pattern": "(a+)+$"}), REVIEWS, ["a" * 5000 + "b"])


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput, match="used twice: praise"):
        asked(FUNCTIONS[0], FUNCTIONS[0])


FILMS = {"name": "films", "path": "films.jsonl"}
WAITING = {"name": "waiting", "path": "waiting.jsonl", "role": "unlabelled"}
SPLITS = {"train": 30, "validation": 10, "test": 10}


def test_labelled_texts_are_marked_and_go_to_training_alone(bench: Bench) -> None:
    films, waiting = reviews(50, "film"), reviews(120, "other")
    write(bench.folder / "films.jsonl", films)
    write(bench.folder / "waiting.jsonl", [{"text": row["text"]} for row in [*waiting, films[0]]])
    plain = bench.prepare(REVIEWS, bench.data(FILMS, splits=SPLITS))
    done = bench.prepare(REVIEWS, bench.data(FILMS, WAITING, splits=SPLITS, labelling={"functions": FUNCTIONS}))
    assert done.dataset.splits == plain.dataset.splits, "splits do not move for made rows"
    assert done.dataset.made
    rows = read_rows(done.dataset.made, bench.store)
    truth = {row["text"]: row["label"] for row in waiting}
    assert {row.origin for row in rows} == {"programmatic"}
    assert {row.text for row in rows} <= set(truth), "a text that has a label already is not labelled again"
    assert sum(row.answer == truth[row.text] for row in rows) > 0.95 * len(rows)
    figures = done.figures["made"]["labelling"]
    assert figures["kept"] == len(rows)
    assert figures["dropped"]["its text is there already"] == 1
    assert figures["label_model"]["gold_accuracy"] >= figures["majority_vote"]["gold_accuracy"] > 0.8
    assert figures["label_model"]["gold_rows"] == 30, "gold is the training split, and nothing else"
    provenance = json.loads(bench.store.file(done.dataset.provenance).read_text())
    assert provenance["made"]["labelling"] == figures
    assert provenance["training_origins"] == {"collected": 30, "programmatic": len(rows)}
    votes = provenance["label_votes"]
    assert {row["id"] for row in read_jsonl(bench.store.file(votes))} == {row.id for row in rows}


def test_texts_that_no_rule_labels_wait_for_the_tuned_model(bench: Bench) -> None:
    films, waiting = reviews(50, "film"), reviews(20, "other")
    write(bench.folder / "films.jsonl", films)
    texts = [row["text"] for row in waiting]
    write(bench.folder / "waiting.jsonl", [{"text": text} for text in [*texts, films[0]["text"], texts[0]]])
    plain = bench.prepare(REVIEWS, bench.data(FILMS, splits=SPLITS))
    done = bench.prepare(REVIEWS, bench.data(FILMS, WAITING, splits=SPLITS))
    assert done.dataset.splits == plain.dataset.splits
    assert (plain.dataset.unlabelled, done.dataset.made) == (None, None)
    rows = read_rows(done.dataset.unlabelled, bench.store)
    assert {row.text for row in rows} == set(texts), "each once, and none that evaluation asks"
    assert {row.answer for row in rows} == {""}
    flow = done.figures["flow"]
    assert flow["left"]["unlabelled"] == 20
    assert flow["read"] == sum(sum(step["dropped"].values()) for step in flow["steps"]) + sum(flow["left"].values())


def test_every_text_that_gets_no_label_and_every_made_row_left_out_is_listed(bench: Bench) -> None:
    films, waiting, invented = reviews(50, "film"), reviews(60, "other"), reviews(30, "made")
    texts = [*(row["text"] for row in waiting), films[0]["text"], "nothing is said"]
    write(bench.folder / "films.jsonl", films)
    write(bench.folder / "waiting.jsonl", [{"text": text} for text in texts])
    write(bench.folder / "made.jsonl", [*invented, films[1]])
    synthetic = {"name": "made", "path": "made.jsonl", "synthetic": True}
    asked = {"labelling": {"functions": FUNCTIONS}, "splits": SPLITS}
    done = bench.prepare(REVIEWS, bench.data(FILMS, WAITING, synthetic, **asked), made=40)
    listed = [one for one in read_jsonl(bench.store.file(done.dropped)) if one["source"] in ("waiting", "made")]
    lines = {(one["source"], one["line"]): (one["step"], one["reason"]) for one in listed}
    assert len(lines) == len(listed) == len(texts) + 31 - 40
    assert lines["waiting", 61] == ("made rows", "its text is there already")
    assert lines["waiting", 62] == ("made rows", "no function votes")
    assert ("profile", "more made rows than the profile uses") in lines.values()
    flow = done.figures["flow"]
    assert flow["read"] == 50 + len(texts) + 31
    assert flow["left"]["made"] == 40
    assert flow["read"] == sum(sum(step["dropped"].values()) for step in flow["steps"]) + sum(flow["left"].values())


@pytest.mark.parametrize(
    ("sources", "more", "said"),
    [
        ([FILMS], {"labelling": {"functions": FUNCTIONS}}, "no source has texts to label"),
        (
            [FILMS, WAITING],
            {"labelling": {"functions": [FUNCTIONS[0] | {"label": "meh"}]}},
            r"data\.labelling\.functions\.0\.label: 'meh' is not one of task\.labels: bad, good",
        ),
        ([FILMS], {"synthetic": {"rows": 5}}, r"data\.synthetic: no generator makes rows for classification"),
    ],
)
def test_what_does_not_fit_the_contract_is_named(bench: Bench, sources: list, more: dict, said: str) -> None:
    for source in sources:
        write(bench.folder / source["path"], reviews(4, "film"))
    with pytest.raises(BadInput, match=said):
        bench.prepare(REVIEWS, bench.data(*sources, **more))
