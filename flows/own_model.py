"""A model trained elsewhere, described as selection's catalogue describes one, so that it meets the same gates."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from components.core import BadInput, MachineFault, digest_of, file_digest
from components.selection import CATALOGUE, Model

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*(@[\w.-]+)?")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]

Elsewhere = tuple[str, str, str | None]
"""(folder or hub id, licence, what it was made from: see `origin`) of a model that was trained elsewhere."""


def origin(made_from: str | None, language: str) -> Model | None:
    """What a model trained elsewhere was made from: its worsening is measured against that.

    made_from: the name of a model of the catalogue, or a checkpoint as `own_model` takes it; None where nobody said

    Raises BadInput when it is neither, or answers no questions, MachineFault when the hub does not answer.
    """
    if made_from is None:
        return None
    known = {model.name: model for model in CATALOGUE if model.architecture == "decoder" and model.modality == "text"}
    try:
        found = known.get(made_from) or own_model(made_from.removeprefix("folder:"), "not stated", language)
    except BadInput as error:
        raise BadInput(f"--made-from {error}; or a model of the catalogue: {', '.join(known)}") from error
    if found.architecture != "decoder":
        raise BadInput(f"--made-from {made_from}: a model that generates no text is not what yours was made from")
    return found


def own_model(checkpoint: str, licence: str, language: str) -> Model:
    """checkpoint: a folder with safetensors weights and a tokenizer, or a hub's `<owner>/<name>[@revision]`, with `hub:`
    before it or without.

    Its name carries the digest of its content, so that another content is another model. Raises BadInput when it is no
    checkpoint that we read, MachineFault when the hub does not answer.
    """
    named = HUB_ID.fullmatch(checkpoint) and not Path(checkpoint).exists()
    hub = checkpoint.removeprefix("hub:") if checkpoint.startswith("hub:") or named else None
    folder = _from_hub(hub) if hub else Path(checkpoint).absolute()
    title = hub.partition("@")[0].rpartition("/")[2] if hub else folder.name
    weights = sorted(folder.glob("*.safetensors"))
    config = folder / "config.json"
    if not weights or not config.is_file() or not any((folder / name).is_file() for name in TOKENIZERS):
        raise BadInput(
            f"{checkpoint}: not a checkpoint: it needs config.json, a tokenizer and weights as *.safetensors "
            "(pickled weights are refused). Save it with save_pretrained(folder), or give a hub's <owner>/<name>"
        )
    window, architecture = _read(config, _shape)
    content = sorted({path for pattern in WANTED for path in folder.glob(pattern)})
    digest = digest_of({path.name: file_digest(path) for path in content})
    return Model(
        name=f"{title.lower()}-{digest[:8]}",
        source=f"folder:{folder}",
        licence=licence.lower(),
        parameters=sum(_read(path, _parameters) for path in weights),
        context=window,
        architecture=architecture,
        languages=(language,),
    )


def _shape(config: Path) -> tuple[int, Literal["decoder", "encoder", "encoder_decoder"]]:
    """(longest context in tokens, kind of architecture) from a checkpoint's config.json."""
    found = json.loads(config.read_text())
    window = int(found.get("max_position_embeddings", 2048))
    if found.get("is_encoder_decoder"):
        return window, "encoder_decoder"
    classes = found.get("architectures") or ["ForCausalLM"]
    generates = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in classes)
    return window, "decoder" if generates else "encoder"


def _read(path: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise BadInput(
            f"{path}: not readable as part of a checkpoint ({error}). Save it with save_pretrained(folder)"
        ) from error


def _parameters(path: Path) -> int:
    """Parameters in a safetensors file, from its header: 8 bytes of length, then JSON."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    count = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            size = 1
            for length in tensor["shape"]:
                size *= length
            count += size
    return count


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=WANTED))
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise BadInput(f"{name}: neither a folder here nor a model that the hub knows") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise MachineFault(f"hub:{name}: no model hub is reachable and the model is not in the local cache") from error
