"""A model trained elsewhere, described as selection's catalogue describes one, so that it meets the same gates."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.core import BadInput, MachineFault, digest_of, file_digest
from components.selection import Model

WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]


def own_model(checkpoint: str, licence: str, language: str) -> Model:
    """checkpoint: a folder with safetensors weights and a tokenizer, or `hub:<id>[@revision]`.

    Its name carries the digest of its content, so that another content is another model. Raises BadInput when it is no
    checkpoint that we read, MachineFault when the hub does not answer.
    """
    hub = checkpoint.removeprefix("hub:") if checkpoint.startswith("hub:") else None
    folder = _from_hub(hub) if hub else Path(checkpoint).absolute()
    title = hub.partition("@")[0].rpartition("/")[2] if hub else folder.name
    weights = sorted(folder.glob("*.safetensors"))
    config = folder / "config.json"
    if not weights or not config.is_file():
        raise BadInput(
            f"{checkpoint}: not a checkpoint: it needs config.json, a tokenizer and weights as *.safetensors "
            "(pickled weights are refused). Save it with save_pretrained(folder), or write a hub's as hub:<id>"
        )
    window = _read(config, lambda path: int(json.loads(path.read_text()).get("max_position_embeddings", 2048)))
    content = sorted({path for pattern in WANTED for path in folder.glob(pattern)})
    digest = digest_of({path.name: file_digest(path) for path in content})
    return Model(
        name=f"{title.lower()}-{digest[:8]}",
        source=f"folder:{folder}",
        licence=licence.lower(),
        parameters=sum(_read(path, _parameters) for path in weights),
        context=window,
        languages=(language,),
    )


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
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=WANTED))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise MachineFault(f"hub:{name}: no model hub is reachable and the model is not in the local cache") from error
