"""Each filter drops what was planted for it, says why, and leaves good prose alone."""

import random
from typing import Any

import pytest

from components.core import BadInput, Data, Task, parse
from components.data.documents import Document, Found, Origin
from components.data.filters import FILTERS, chosen
from components.data.filters.repetition import _repeated

ENGLISH = Task(kind="question_answering", instruction="Answer.")
GERMAN = Task(kind="question_answering", instruction="Antworte.", language="de")
PROSE = """The northern wall of the harbour was built in 1887, and the town paid for it with a tax on salt.
Fishing boats lie behind it in winter, when the storms come from the west.
In 1953 the sea broke through the wall, and forty houses were lost in one night.
It took three years to mend the wall, and it has been raised twice since then.
Visitors walk along the wall to the lighthouse at its end, which is open on the first Sunday of every month."""
DEUTSCH = """Die nördliche Mauer des Hafens wurde 1887 gebaut, und die Stadt bezahlte sie mit einer Steuer auf Salz.
Im Winter liegen Fischerboote dahinter, wenn die Stürme aus dem Westen kommen, und man hört die See bis in die Stadt."""


def documents(*texts: str, source: str = "web") -> list[Document]:
    return [Document("knowledge", str(line), text, Origin(source, line)) for line, text in enumerate(texts, 1)]


def run(given: list[Document], task: Task = ENGLISH, **filter: Any) -> Found:
    content = {
        "sources": [{"name": "web", "role": "examples", "path": "x.jsonl", "licence": "mit", "origin": "tests"}],
        "splits": {"train": 1, "validation": 1, "test": 1},
        "filters": [filter],
    }
    ((_, find),) = chosen(parse(Data, content, "data"))
    return find(given, task)


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"quality"}))
def test_good_prose_passes_every_filter(name: str) -> None:
    assert run(documents(PROSE), name=name) == Found(figures=run(documents(PROSE), name=name).figures)


def test_another_language_is_dropped_and_the_tasks_is_kept() -> None:
    given = documents(PROSE, DEUTSCH, "1887", "Otto")
    assert list(run(given, name="language").drop) == [1]
    assert list(run(given, GERMAN, name="language").drop) == [0]
    assert run(given, name="language").drop[1].startswith("language de (")


GOPHER = {
    "Only six words stand in here.": "6 words",
    " ".join(["a b c d"] * 20): "words of 1.0 characters on average",
    PROSE + " #" * 20: "symbols a word",
    "\n".join(f"- {line}" for line in PROSE.split("\n")): "a list of bullets",
    "\n".join(f"{line} and so on…" for line in PROSE.split("\n")): "lines that break off",
    PROSE + " 1887 1953 40 3 2 1" * 4: "letters in",
    " ".join(word for word in PROSE.split() if word.lower() not in ("the", "to", "of", "and", "with")): "of eight English",
}


@pytest.mark.parametrize(("text", "why"), GOPHER.items(), ids=GOPHER.values())
def test_gophers_rules_find_what_was_planted(text: str, why: str) -> None:
    assert why in run(documents(text), name="gopher").drop[0]


def test_english_stop_words_are_not_asked_of_other_languages() -> None:
    long = documents(DEUTSCH + " " + DEUTSCH)
    assert run(long, name="gopher").drop == {0: "0 of eight English stop words"}
    assert run(long, GERMAN, name="gopher").drop == {}


REPETITION = {
    "\n".join([*PROSE.split("\n")[:2], *["Read more about it."] * 3]): "lines stood before",
    PROSE + "\n" + PROSE: "lines stood before",
    " ".join([*PROSE.split(), *["click here"] * 20]): "in one run of 2 words",
    " ".join([*PROSE.split(), *PROSE.split()]): "in repeated runs of 5 words",
}


@pytest.mark.parametrize(("text", "why"), REPETITION.items())
def test_what_repeats_itself_is_dropped(text: str, why: str) -> None:
    assert why in run(documents(text), name="repetition").drop[0]


def test_repeated_runs_count_each_word_once() -> None:
    assert _repeated(["a", "b", "c", "a", "b", "c", "a", "b"], 2) == 8
    assert _repeated(["aa", "b", "cc", "aa", "b", "dd"], 2) == 6
    assert _repeated(["a", "b", "c", "d", "e"], 2) == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PROSE + " function() { return }", "a curly bracket"),
        (PROSE + " Lorem ipsum dolor sit amet.", "lorem ipsum"),
        ("The first sentence stands here alone. The second one too.", "2 sentences"),
    ],
)
def test_c4s_rules_drop_code_filler_and_fragments(text: str, why: str) -> None:
    assert run(documents(text), name="c4").drop == {0: why}


def test_c4s_rules_cut_lines_that_are_no_sentences() -> None:
    menu = "Home | Shop | About\nShort line here.\nPlease enable Javascript to see this page in full.\n"
    found = run(documents(menu + PROSE), name="c4")
    (cuts,) = found.cut.values()
    assert [why for *_, why in cuts][:3] == [
        "a line without an end mark",
        "a line of fewer than 5 words",
        "a line about Javascript",
    ]
    assert found.drop == {}


def written(seed: int, words: str, count: int, source: str) -> list[Document]:
    """Documents of random words: what stands in one source and not in the other can be told apart."""
    draw = random.Random(seed)
    return documents(*(" ".join(draw.choices(words.split(), k=40)) for _ in range(count)), source=source)


def test_the_classifier_drops_what_is_unlike_the_trusted_source_and_says_how_well_it_can_tell() -> None:
    trusted = written(0, PROSE, 120, "wiki")
    alike, spam = (
        written(1, PROSE, 60, "web"),
        written(2, "buy cheap pills now free win casino bonus click offer", 60, "web"),
    )
    found = run([*trusted, *alike, *spam], name="quality", trusted="wiki", at_least=0.2)
    assert set(found.drop) == set(range(180, 240))
    assert found.figures["held_out_accuracy"] > 0.7
    assert all(why.startswith("quality 0.") for why in found.drop.values())


def test_a_classifier_that_cannot_tell_drops_nothing() -> None:
    found = run([*written(0, PROSE, 80, "wiki"), *written(1, PROSE, 80, "web")], name="quality", trusted="wiki")
    assert found.drop == {}
    assert found.figures["held_out_accuracy"] < 0.65
    assert "dropped nothing" in found.figures


@pytest.mark.parametrize(
    ("filter", "said"),
    [
        ({"name": "qualty"}, r"data\.filters\.0: key 'name': 'qualty' is no filter; allowed: c4, gopher, language, quality"),
        ({}, "None is no filter"),
        ({"name": "gopher", "wrods": 3}, r"data\.filters\.0 \(gopher\): key 'wrods' is not known; allowed here: .*words"),
        ({"name": "quality"}, r"data\.filters\.0 \(quality\): key 'trusted' is required"),
        ({"name": "quality", "trusted": "wiki"}, r"data\.filters\.0\.trusted: 'wiki': 0 documents of the trusted source"),
    ],
)
def test_a_filter_that_cannot_work_is_named_with_its_key(filter: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        run(documents(PROSE), **filter)


def test_a_language_that_the_filter_does_not_know_is_named() -> None:
    with pytest.raises(BadInput, match=r"data\.filters\.0: task\.language 'tlh' is not known"):
        run(documents(PROSE), Task(kind="summarization", instruction="x", language="tlh"), name="language")
