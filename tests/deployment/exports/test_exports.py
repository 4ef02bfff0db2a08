"""A tuned model in each form: it is read again by another program's reader and says what it said."""

from pathlib import Path

import pytest
import torch

from components.application import load
from components.core import BadInput, Candidate, Derivation, Prompt, PromptTurn, Runtime, Step
from components.core.candidate import Reading, Refinement
from components.deployment.exports import NAMES, Given, export, form
from components.training import Recipe, tuned
from components.training.examples import Example
from components.training.objectives import sft
from tests.tuning.small import new_step, small_candidate, small_dataset

TEXTS = ["who opened it, in 1066?", "Wer öffnete es? 你好 नमस्ते 12 345\n\tif x:", "<|im_start|>user\nhello<|im_end|>\n", ""]
PROMPT = Prompt(
    method="few_shot",
    turns=(PromptTurn(system='Say "yes".\nBe brief.', user="{{input}}", max_new_tokens=7, examples=(("a?", "b"),)),),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Step, Candidate]:
    """A two-layer model with a trained adapter, so that merged weights differ from the base's."""
    step = new_step(tmp_path_factory.mktemp("exports"))
    candidate = small_candidate(small_dataset(step), step)
    base = step.store.path(candidate.model.object)
    recipe = Recipe(technique="lora", epochs=2, layers=2, batch_rows=4, learning_rate=1e-2)
    examples = [Example(tuple(range(5 + i, 25 + 2 * i)), 15 + i) for i in range(12)]
    trained = sft.train(recipe, sft.Settings(), base, examples, step.scratch / "trained", step.machine)
    return step, tuned(candidate, recipe, "sft", trained, step.store).model_copy(update={"prompt": PROMPT})


def given(world: tuple[Step, Candidate], **changed: object) -> Given:
    step, candidate = world
    return Given(**{"name": "desk", "candidate": candidate, "store": step.store, "card": "# The card\n", **changed})


def logits(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].float(), -1)


def read(folder: Path, **more: object):
    """(model, tokenizer) as transformers reads them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    if more:
        more["quantization_config"] = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, local_files_only=True, **more)
    files = {name: value for name, value in more.items() if name == "gguf_file"}
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True, **files)


@pytest.fixture(scope="module")
def released(world, tmp_path_factory):
    """(model, tokenizer, folder) of the exported Hugging Face folder: what the others are held against."""
    folder = tmp_path_factory.mktemp("released") / "hugging_face"
    export("hugging_face", given(world), folder)
    return *read(folder), folder


def test_the_folder_is_read_by_transformers_and_answers_as_the_application(world, released) -> None:
    step, candidate = world
    model, tokenizer, folder = released
    assert (folder / "README.md").read_text() == "# The card\n"
    assert Prompt.model_validate_json((folder / "prompt.json").read_text()) == PROMPT
    asked = [{"role": "user", "content": "who opened it"}]
    plain = candidate.model_copy(update={"runtime": Runtime(engine="transformers", dtype="bfloat16")})
    with load(plain, step.store, step.machine) as application:
        (said,) = application.engine.generate([asked], 8)
    ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.inference_mode():
        made = model.generate(**ids, max_new_tokens=8, do_sample=False)[0, ids.input_ids.shape[1] :]
    assert tokenizer.decode(made, skip_special_tokens=True) == said


@pytest.mark.parametrize(("weights", "apart"), [("bf16", 0.0), ("f16", 0.02), ("q8_0", 0.15)])
def test_a_gguf_file_holds_the_same_model_and_tokenizer(world, released, tmp_path: Path, weights: str, apart: float) -> None:
    model, tokenizer, _ = released
    notes = export("gguf", given(world, weights=weights), tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "desk.gguf"
    assert any(f"weights as {weights}" in note for note in notes)
    other, words = read(tmp_path / "out", gguf_file=file.name)
    for text in TEXTS:
        assert words(text, add_special_tokens=False).input_ids == tokenizer(text, add_special_tokens=False).input_ids
    assert words.chat_template == tokenizer.chat_template
    assert (words.eos_token, words.pad_token) == (tokenizer.eos_token, tokenizer.pad_token)
    ids = tokenizer(TEXTS[0]).input_ids
    assert (logits(other, ids) - logits(model, ids)).abs().mean() <= apart + 1e-6


def test_a_folder_for_ollama_says_what_the_prompt_says(world, tmp_path: Path) -> None:
    export("ollama", given(world), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Modelfile", "desk.gguf"]
    said = (tmp_path / "out/Modelfile").read_text()
    assert said.startswith("FROM ./desk.gguf\nPARAMETER temperature 0\nPARAMETER num_predict 7\n")
    assert 'SYSTEM """Say "yes".\nBe brief."""' in said
    assert 'MESSAGE user """a?"""\nMESSAGE assistant """b"""' in said
    assert 'PARAMETER stop "<|im_end|>"' in said
    assert "<|im_start|>{{ .Role }}" in said


def test_what_was_rounded_is_exported_as_it_was_before(world, tmp_path: Path) -> None:
    candidate = world[1]
    made = Derivation(technique="int4", checkpoint=candidate.model, runtime=candidate.runtime, adapter=candidate.adapter)
    model = candidate.model.model_copy(update={"object": "0" * 64, "derived_from": made})
    rounded = candidate.model_copy(update={"model": model, "adapter": None, "runtime": Runtime(engine="onnx", dtype="int4")})
    notes = export("gguf", given(world, candidate=rounded), tmp_path / "out")
    assert any("as they were before int4" in note for note in notes)
    assert (tmp_path / "out/desk.gguf").is_file()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": "q3_k"}, "--weights q3_k: not known; allowed: bf16, f16, q8_0"),
        ({"form": "hugging_face", "weights": "q8_0"}, "--weights q8_0: a folder for transformers holds bf16"),
        ({"form": "onnx"}, "form 'onnx' is not known; allowed: gguf, hugging_face, ollama"),
        ({"candidate": {"model": None}}, "a plain baseline is released"),
        ({"candidate": {"runtime": Runtime(engine="classifier")}}, "runs on engine 'classifier'"),
    ],
)
def test_what_cannot_be_exported_is_said_and_nothing_is_written(world, tmp_path: Path, change: dict, said: str) -> None:
    candidate = world[1].model_copy(update=change.get("candidate", {}))
    with pytest.raises(BadInput, match=said):
        export(
            change.get("form", "gguf"),
            given(world, weights=change.get("weights", "bf16"), candidate=candidate),
            tmp_path / "out",
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(world, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BadInput, match="is there already"):
        export("gguf", given(world), tmp_path / "out")


@pytest.mark.parametrize("name", NAMES)
def test_a_form_defines_what_the_folder_asks(name: str) -> None:
    assert form(name).PACKAGES


def test_what_a_form_cannot_take_along_is_said(world, tmp_path: Path) -> None:
    prompt = PROMPT.model_copy(update={"delimited": True, "refinements": (Refinement(fault="too_long", settings={}),)})
    candidate = world[1].model_copy(update={"prompt": prompt, "reading": Reading(way="map_reduce")})
    (said,) = [
        note for note in export("hugging_face", given(world, candidate=candidate), tmp_path / "desk") if "not in it" in note
    ]
    assert all(words in said for words in ("marks around what is asked", "asked once more", "long texts (map_reduce)"))


def test_the_name_of_weights_says_what_taught_them(world) -> None:
    tuned_ = world[1]
    assert "lora sft" in tuned_.label
    merged = Derivation(technique="int8", checkpoint=tuned_.model, adapter=tuned_.adapter, trained=True)
    small = tuned_.model.model_copy(update={"derived_from": merged})
    headed = small.model_copy(update={"derived_from": Derivation(technique="head", checkpoint=small, trained=True)})
    assert (small.taught, headed.taught) == (("lora sft",), ("lora sft", "head"))
    label = tuned_.model_copy(update={"model": headed, "adapter": None}).label
    assert " · lora sft · head · few_shot" in label
