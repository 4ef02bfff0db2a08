"""A step that drops or relabels one group more than others is found; a fair one is not."""

import random

import pytest

from components.data.audit import member
from components.data.representation import Member, biased, concentration, effect
from components.text.identity_terms import identities

from .conftest import QUESTIONS, REVIEWS, Bench, question_rows, write

GROUPS = ("gender: women", "gender: men", "religion: Jewish", "age: old", "source: web", "length: short")


def population(draw: random.Random, count: int = 400) -> list[Member]:
    return [
        Member(str(number), frozenset(group for group in GROUPS if draw.random() < 0.3), draw.choice(("good", "bad")))
        for number in range(count)
    ]


def flipped(one: Member) -> Member:
    return Member(one.id, one.groups, "bad" if one.label == "good" else "good")


def test_a_filter_that_drops_two_fifths_of_one_group_is_named() -> None:
    for seed in range(20):
        draw = random.Random(seed)
        before = population(draw)
        after = [one for one in before if draw.random() >= (0.4 if "gender: women" in one.groups else 0.1)]
        found = biased([effect("filter", before, after)])
        assert (found[0]["step"], found[0]["does"], found[0]["group"]) == ("filter", "drops", "gender: women")
        assert found[0]["rate"] > found[0]["others"]
        assert found[0]["p"] < 0.05


def test_an_annotator_who_flips_the_labels_of_one_group_is_named() -> None:
    for seed in range(20):
        draw = random.Random(100 + seed)
        before = population(draw)
        after = [
            flipped(one) if draw.random() < (0.3 if "religion: Jewish" in one.groups else 0.05) else one for one in before
        ]
        found = biased([effect("annotator", before, after)])
        assert (found[0]["does"], found[0]["group"]) == ("relabels", "religion: Jewish")


def test_a_fair_step_is_named_in_at_most_one_of_twenty_runs() -> None:
    alarms = 0
    for seed in range(200):
        draw = random.Random(1000 + seed)
        before = population(draw, 300)
        kept = [one for one in before if draw.random() >= 0.2]
        relabelled = [flipped(one) if draw.random() < 0.1 else one for one in kept]
        alarms += bool(biased([effect("filter", before, kept), effect("annotator", kept, relabelled)]))
    print("false alarms in 200 fair runs:", alarms)
    assert alarms <= 10


def test_counts_before_and_after_are_kept_for_every_group() -> None:
    before = [Member(str(number), frozenset({"a" if number < 3 else "b"})) for number in range(6)]
    assert effect("cut", before, before[1:5]).groups == {"a": (3, 2), "b": (3, 2)}
    assert effect("grow", before[:3], before).groups == {"a": (3, 3), "b": (0, 3)}
    assert biased([effect("nothing", before, before)]) == []


def test_a_row_belongs_to_its_slices_its_source_and_whom_it_names() -> None:
    found = member("1", "Who taught the blind women of Ulm ?", "nobody", "calls", QUESTIONS).groups
    assert found >= {"gender: women", "disability", "source: calls", "question_type: who", "answerable: yes"}
    assert identities("The womanly art of blindfolding") == frozenset()


@pytest.mark.parametrize(
    ("counts", "figures"),
    [
        ({"a": 10}, {"largest": "a", "share": 1.0, "herfindahl": 1.0}),
        ({"a": 5, "b": 5}, {"largest": "a", "share": 0.5, "herfindahl": 0.5}),
        ({"a": 1, "b": 3}, {"largest": "b", "share": 0.75, "herfindahl": 0.625}),
        ({}, {"largest": None, "share": 0.0, "herfindahl": 0.0}),
    ],
)
def test_concentration_of_sources(counts: dict, figures: dict) -> None:
    assert concentration(counts) == figures


def test_a_gate_that_sets_one_group_aside_is_named_in_the_notes(bench: Bench) -> None:
    draw = random.Random(5)
    rows = [
        {
            "text": f"the {'old pensioner' if number % 4 == 0 else 'tall neighbour'} said number {number}",
            "label": "odd" if number % 4 == 0 and draw.random() < 0.4 else draw.choice(("good", "bad")),
        }
        for number in range(200)
    ]
    write(bench.folder / "films.jsonl", rows)
    splits = {"train": 60, "validation": 20, "test": 20}
    data = bench.data({"name": "films", "path": "films.jsonl"}, splits=splits, quarantine_at_most=0.2)
    result = bench.prepare(REVIEWS, data, near=1.0)
    named = [one for one in result.figures["bias"]["biased"] if one["step"] == "gate"]
    assert "age: old" in {one["group"] for one in named}
    assert any("data step 'gate' drops rows of 'age: old'" in note for note in result.notes)


def test_a_clean_small_set_names_no_step(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    found = bench.prepare(QUESTIONS, bench.data({"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"}))
    bias = found.figures["bias"]
    assert [step["step"] for step in bias["steps"]] == ["gate", "deduplicate", "remove leaks", "split"]
    assert bias["biased"] == []
    assert bias["sources"]["rows"] == {"largest": "calls", "share": 1.0, "herfindahl": 1.0}
    assert set(bias["labels"]["test"]) <= {"answerable", "unanswerable"}


def test_a_filter_that_drops_passages_about_one_group_is_named(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    passages = []
    for number in range(200):
        who, mark = (("women", "{note}"), ("men", "(note)"))[number % 2]
        passages.append(
            {"passage": f"Street {number} was paved by {who} {mark}. It is long. It is old. It ends at mill {number}."}
        )
    write(bench.folder / "wiki.jsonl", passages)
    sources = [
        {"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"},
        {"name": "wiki", "path": "wiki.jsonl", "role": "knowledge"},
    ]
    fair = bench.prepare(QUESTIONS, bench.data(*sources, filters=[{"name": "c4", "braces": False}]))
    assert fair.figures["bias"]["biased"] == []
    done = bench.prepare(QUESTIONS, bench.data(*sources, filters=[{"name": "c4"}]))
    first = done.figures["bias"]["biased"][0]
    assert (first["step"], first["does"], first["unit"]) == ("curation: c4, knowledge", "drops", "passages")
    assert (first["group"], first["rate"], first["others"]) == ("gender: women", 1.0, 0.0)
    assert any("'curation: c4, knowledge' drops passages of 'gender: women'" in note for note in done.notes)
    (step,) = [one for one in done.figures["bias"]["steps"] if one["step"] == "curation: c4, knowledge"]
    assert (step["groups"]["gender: women"], step["groups"]["gender: men"]) == ((100, 0), (100, 100))


def test_a_filter_that_drops_practice_about_one_group_is_named(bench: Bench) -> None:
    write(bench.folder / "calls.jsonl", question_rows())
    rows = []
    for number in range(80):
        who, mark = (("women", "{note}"), ("men", "(note)"))[number % 2]
        text = f"Street {number} was paved by {who} {mark}. It is long. It is old. It ends at mill {number}."
        rows.append({"question": f"where does street {number} end", "answer": f"mill {number}", "passage": text})
    write(bench.folder / "stories.jsonl", rows)
    sources = [
        {"name": "calls", "path": "calls.jsonl", "role": "examples_and_knowledge"},
        {"name": "stories", "path": "stories.jsonl", "role": "practice"},
    ]
    done = bench.prepare(QUESTIONS, bench.data(*sources, filters=[{"name": "c4"}]))
    named = {(one["step"], one["group"]) for one in done.figures["bias"]["biased"]}
    assert ("curation: c4, practice", "gender: women") in named


def test_a_filter_that_drops_training_rows_about_one_group_is_named(bench: Bench) -> None:
    rows = [
        {
            "text": f"Evening {number} with the {who}. It was quiet. I would come again, {mark} {number}.",
            "label": ("good", "bad")[number // 2 % 2],
        }
        for number in range(160)
        for who, mark in [(("women", "{x}"), ("men", "x"))[number % 2]]
    ]
    write(bench.folder / "films.jsonl", rows)
    splits = {"train": 120, "validation": 20, "test": 20}
    data = bench.data({"name": "films", "path": "films.jsonl"}, splits=splits, filters=[{"name": "c4"}])
    named = {(one["step"], one["group"]) for one in bench.prepare(REVIEWS, data, near=1.0).figures["bias"]["biased"]}
    assert ("curation: c4", "gender: women") in named


LABELLING = [
    {"name": "praise", "label": "good", "any_of": ["great"]},
    {"name": "smile", "label": "good", "any_of": ["smile"]},
    {"name": "dull", "label": "bad", "any_of": ["dull"]},
    {"name": "asleep", "label": "bad", "any_of": ["asleep"]},
]


def labelled(bench: Bench, functions: list[dict]) -> dict:
    """`bias` of 400 waiting texts about women and men, as many good as bad ones of each, with 60 labelled ones."""
    said = {"good": "great, it made me smile", "bad": "dull, I fell asleep"}
    texts = [
        (f"take {number}: the {('women', 'men')[number % 2]} were {said[answer]} {number}", answer)
        for number in range(500)
        for answer in [("good", "bad")[number // 2 % 2]]
    ]
    write(bench.folder / "films.jsonl", [{"text": text, "label": answer} for text, answer in texts[400:]])
    write(bench.folder / "waiting.jsonl", [{"text": text} for text, _ in texts[:400]])
    sources = [
        {"name": "films", "path": "films.jsonl"},
        {"name": "waiting", "path": "waiting.jsonl", "role": "unlabelled"},
    ]
    splits = {"train": 60, "validation": 20, "test": 20}
    data = bench.data(*sources, splits=splits, labelling={"functions": functions, "confidence": 0.5})
    result = bench.prepare(REVIEWS, data, near=1.0)
    assert result.dataset.made
    return result.figures["bias"] | {"notes": result.notes, "made": result.dataset.made.count}


def test_an_annotator_by_program_who_is_against_one_group_is_named(bench: Bench) -> None:
    against = [{"name": f"against_{number}", "label": "bad", "any_of": ["women"]} for number in range(4)]
    found = labelled(bench, LABELLING + against)
    named = {(one["step"], one["does"], one["group"]): one for one in found["biased"]}
    given = named["labelling", "gives 'bad' to", "gender: women"]
    assert given["rate"] > 0.9
    assert given["others"] == 0.5
    assert named["labelling of gold rows", "relabels", "gender: women"]["others"] == 0.0
    assert any("'labelling' gives 'bad' to rows of 'gender: women' more often" in note for note in found["notes"])


def test_a_fair_annotator_by_program_is_not_named_and_made_rows_are_reported(bench: Bench) -> None:
    found = labelled(bench, LABELLING)
    assert found["biased"] == []
    assert found["labels"]["made"] == {"bad": 0.5, "good": 0.5}
    assert found["toxicity"]["splits"]["made"]["rows"] == found["made"] == 400


def test_an_annotator_by_program_who_leaves_one_group_out_is_named(bench: Bench) -> None:
    found = labelled(bench, [one | {"none_of": ["women"]} for one in LABELLING])
    named = {(one["step"], one["does"], one["unit"], one["group"]) for one in found["biased"]}
    assert ("labelling", "drops", "texts", "gender: women") in named
