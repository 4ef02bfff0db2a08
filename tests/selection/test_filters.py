"""Hard filters: one reason for every rejection."""

import pytest

from components.core import Context, Limits, Policy, Task
from components.selection import CATALOGUE
from components.selection.filters import Need, rejection
from components.selection.stage import MADE

MODELS = {model.name: model for model in CATALOGUE}
QUESTIONS = Task(kind="question_answering", instruction="Answer.")

JUDGE = Task(kind="classification", instruction="Judge.", labels=("positive", "negative"))
TO_GERMAN = Task(kind="translation", instruction="Translate.", source_language="en", target_language="de")


def need(task: Task = QUESTIONS, memory_gb: float = 500, tokens: int = 1024, hub: bool = True, **policy: object) -> Need:
    limits = Limits(latency_p95_seconds=5, memory_gb=memory_gb, cost_per_1000_answers=5)
    return Need(task=task, policy=Policy(**policy), limits=limits, dtype="bfloat16", context_tokens=tokens, hub=hub)


@pytest.fixture(autouse=True)
def _no_cached_models(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def test_the_catalogue_holds_ten_open_models_with_distinct_names_and_several_tasks() -> None:
    assert len(MODELS) == len(CATALOGUE) >= 10
    assert {"generation", "classification", "translation", "summarization", "embedding"} <= {
        task for model in CATALOGUE for task in model.tasks
    }
    assert {model.use for model in CATALOGUE} == {"research", "production"}
    assert all(model.licence == model.licence.lower() for model in CATALOGUE)


def test_a_fetched_asset_passes_every_filter() -> None:
    assert rejection(MODELS["smollm2-135m-instruct"], need(hub=False, memory_gb=4)) is None


@pytest.mark.parametrize(
    ("name", "asked", "word"),
    [
        ("llama-3.2-1b-instruct", need(), "licence llama3.2"),
        ("qwen2.5-3b-instruct", need(licences=("qwen-research",)), "research only"),
        ("gpt-oss-120b", need(), "hosted"),
        ("gpt-oss-120b", need(hosted_models=True), "no server is named"),
        ("mistral-7b-instruct-v0.3", need(memory_gb=8), "GB"),
        ("tinyllama-1.1b-chat", need(tokens=4096), "context"),
        (
            "smollm2-360m-instruct",
            need(task=Task(kind="question_answering", instruction="x", language="fi")),
            "language 'fi'",
        ),
        ("smollm2-360m-instruct", need(task=TO_GERMAN), "language 'de'"),
        ("whisper-tiny", need(), "audio"),
        ("opus-mt-en-de", need(licences=("cc-by-4.0",)), "translation"),
        (
            "nllb-200-distilled-600m",
            need(task=TO_GERMAN, licences=("cc-by-nc-4.0",), use="research"),
            "no engine here runs its architecture (encoder-decoder-with-language-codes)",
        ),
        ("distilbert-sst2", need(task=JUDGE.model_copy(update={"labels": ("a", "b")})), "hold none for 'a'; say which is"),
        ("smollm2-360m-instruct", need(hub=False), "no model hub"),
    ],
)
def test_each_filter_rejects_with_its_reason(name: str, asked: Need, word: str) -> None:
    assert word in (rejection(MODELS[name], asked) or "")


def test_offline_setting_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE" in (rejection(MODELS["smollm2-360m-instruct"], need()) or "")


def test_all_reasons_are_named_not_only_the_first() -> None:
    reason = rejection(MODELS["nllb-200-distilled-600m"], need()) or ""
    assert all(word in reason for word in ("translation", "cc-by-nc-4.0", "research only"))


def test_smaller_types_need_less_memory() -> None:
    model = MODELS["smollm2-1.7b-instruct"]
    sizes = [model.memory_gb(dtype) for dtype in ("float32", "bfloat16", "int8", "int4")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] > model.parameters * 0.5 / 1e9


def test_models_made_for_one_thing_pass_where_that_is_asked() -> None:
    assert rejection(MODELS["distilbert-sst2"], need(task=JUDGE)) is None
    assert rejection(MODELS["opus-mt-en-de"], need(task=TO_GERMAN, licences=("cc-by-4.0",))) is None
    assert rejection(MODELS["flan-t5-small"], need(tokens=512)) is None
    quoted = Task(kind="question_answering", instruction="Answer.", answers="quoted", abstain="unknown")
    assert "engine 'seq2seq' cannot be held" in (rejection(MODELS["flan-t5-small"], need(task=quoted, tokens=512)) or "")


def test_a_model_of_random_weights_tries_the_machinery_in_any_language() -> None:
    finnish = Task(kind="question_answering", instruction="Vastaa.", language="fi")
    assert rejection(MADE, need(task=finnish)) is None


def test_how_far_it_reads_is_asked_of_engine_transformers_alone() -> None:
    far = need(tokens=20_000).model_copy(update={"context": Context(length=20_000, rope="yarn", factor=4)})
    assert rejection(MODELS["smollm2-135m-instruct"], far) is None
    judged = far.model_copy(update={"task": JUDGE})
    assert "engine 'classifier' cannot be told how far it reads" in str(rejection(MODELS["distilbert-sst2"], judged))
