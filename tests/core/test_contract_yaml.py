"""What a person writes in YAML is what is read, and a key stands once."""

import time
from pathlib import Path

import pytest
import yaml

from components.core import BadInput, Profile, UseCase, read_yaml
from components.core.code import ROOT
from components.core.contract_yaml import load
from components.use_case import check_contract

CASES = ROOT / "tests/cases/15-yaml-yes-no"


@pytest.mark.parametrize("word", ["yes", "No", "on", "OFF", "y", "007", "+1", "1_000", "0x1F", "12:30", "2024-01-01", "1e"])
def test_words_and_numbers_whose_spelling_matters_are_text(word: str) -> None:
    assert load(f"labels: [{word}]") == {"labels": [word]}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2e-2", 0.02), ("2E3", 2000.0), ("1.5", 1.5), (".5", 0.5), ("-0.1", -0.1), ("-3", -3), ("0", 0), ("true", True),
        ("False", False), ("null", None), ("~", None), ("", None), (".inf", float("inf")), ('"1"', "1"),
    ],
)  # fmt: skip
def test_numbers_truth_and_nothing_are_what_they_are(written: str, value: object) -> None:
    assert load(f"a: {written}") == {"a": value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "key 'a' stands twice, in lines 1 and 3"),
        ("a:\n  b: {c: 1, d: 2, c: 3}\n", "key 'c' stands twice, in line 2"),
        ('a: 1\n"a": 1\n', "key 'a' stands twice, in lines 1 and 2"),
        ("a:\n- {x: 1}\n- x: 1\n  x: 2\n", "key 'x' stands twice, in lines 3 and 4"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(text: str, said: str) -> None:
    with pytest.raises(yaml.YAMLError, match=said):
        load(text)


def test_a_merged_mapping_may_be_overridden() -> None:
    assert load("base: &base {a: 1, b: 2}\nown: {<<: *base, b: 3}") == {"base": {"a": 1, "b": 2}, "own": {"a": 1, "b": 3}}


LAUGHS = "a0: &a0 [ha, ha]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, r"line \d+: with its aliases written out it holds more than 100,000 values"),
        ("a: &a [1, *a]", r"line 1: '\*a' stands inside of what it names"),
        ("a: &a\n  b:\n    c: *a\n", r"line 3: '\*a' stands inside"),
        ("a: " + "[" * 51 + "]" * 51, "line 1: nested deeper than 50"),
        ("[" * 100_000, "nested deeper than 50"),
        ("{a: " * 2_000 + "1" + "}" * 2_000, "nested deeper than 50"),
        ("".join(f"{' ' * n}a:\n" for n in range(2_000)), r"line \d+: nested deeper than 50"),
        ("- " * 2_000 + "a", "nested deeper than 50"),
        ("a: " + "9" * 5_000, "a number is too long"),
        ("a: *b", "undefined alias"),
    ],
)  # fmt: skip
def test_what_is_built_to_exhaust_is_refused_with_one_message(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(text)
    for kind in (UseCase, Profile):
        began = time.monotonic()
        with pytest.raises(BadInput, match=rf"(?s)^{path}: not valid YAML: .*{said}") as caught:
            read_yaml(path, kind)
        assert time.monotonic() - began < 2
        assert len(str(caught.value)) < 500


def test_depth_and_aliases_as_people_use_them_are_read() -> None:
    assert load("a: " + "[" * 49 + "]" * 49)
    rows = load("a: &a [1, 2]\nb: [" + ", ".join(["*a"] * 1000) + "]")
    assert isinstance(rows, dict)
    assert len(rows["b"]) == 1000


def test_labels_yes_and_no_and_the_language_no_are_read() -> None:
    contract = read_yaml(CASES / "yes_no.yaml", UseCase)
    check_contract(contract)
    assert contract.task.labels == ("no", "yes")
    assert read_yaml(CASES / "lang_no.yaml", UseCase).task.language == "no"
    assert read_yaml(CASES / "exponent.yaml", UseCase).metrics.minimum_effect == 0.02


def test_a_label_that_is_a_number_is_named_with_its_quotes() -> None:
    contract = read_yaml(CASES / "ints.yaml", UseCase)
    with pytest.raises(BadInput, match=r"key 'task\.labels\.0': .*\(found 0\); in quotes it is text: \"0\""):
        check_contract(contract)


def test_a_contract_with_a_section_twice_is_refused() -> None:
    with pytest.raises(BadInput, match=r"twice\.yaml: .*key 'metrics' stands twice, in lines 14 and 18; keep one"):
        read_yaml(CASES / "twice.yaml", UseCase)


def test_shipped_files_are_read_as_before() -> None:
    for path in (ROOT / "flows/use_cases").glob("*.yaml"):
        assert UseCase.model_validate(yaml.safe_load(path.read_text())) == read_yaml(path, UseCase)
    for path in (ROOT / "flows/profiles").glob("*.yaml"):
        assert Profile.model_validate(yaml.safe_load(path.read_text())) == read_yaml(path, Profile)


def test_yes_and_no_still_say_true_and_false(tmp_path) -> None:
    text = (CASES / "yes_no.yaml").read_text().replace("origin: made}", "origin: made, synthetic: yes}")
    (tmp_path / "a.yaml").write_text(text + "policy: {hosted_models: off}\n")
    contract = read_yaml(tmp_path / "a.yaml", UseCase)
    assert contract.data.sources[0].synthetic is True
    assert contract.policy.hosted_models is False
