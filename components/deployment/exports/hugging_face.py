"""A folder as model hubs and transformers have it: safetensors, tokenizer, the card as README.md, the prompt as JSON."""

from pathlib import Path

from components.core import BadInput, publish_json, publish_text

from . import Given, checkpoint_of

PACKAGES = ("torch", "transformers", "safetensors")


def write(given: Given, folder: Path) -> list[str]:
    """See exports/__init__.py."""
    if given.weights != "bf16":
        raise BadInput(f"--weights {given.weights}: a folder for transformers holds bf16; the other forms are those of gguf")
    checkpoint_of(given, folder)
    notes = []
    if given.card:
        publish_text(folder / "README.md", given.card)
    if prompt := given.candidate.prompt:
        publish_json(folder / "prompt.json", prompt.model_dump(mode="json"))
        notes.append("its prompt is in prompt.json: system text, solved cases and question, with {{context}} and {{input}}")
    return notes
