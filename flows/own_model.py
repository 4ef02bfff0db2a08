"""A model trained elsewhere, described as selection's catalogue describes one, so that it meets the same gates."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from components.application.chat_template import TRIED, TemplateFault, rendered
from components.application.checkpoints import check_folder
from components.core import BadInput, MachineFault, Workspace, artifacts, asset_path, digest_of, file_digest, short
from components.core.headers import gguf_templates, parameters
from components.selection import CATALOGUE, Model
from components.selection.catalogue import made_for

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*(@[\w.-]+)?")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
WINDOWS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
"""Where kinds of models keep their longest context in config.json."""
NO_DEFAULTS = (None, "PreTrainedTokenizerFast", "TokenizersBackend")
"""Classes of tokenizers that have only the special tokens which their files name."""
DIGEST_SHOWN = 12


class Elsewhere(NamedTuple):
    """A model that was trained elsewhere."""

    source: str
    """Folder or hub id."""
    licence: str
    made_from: str | None = None
    """See `origin`."""
    template: str | None = None
    """First characters of the SHA-256 of its chat template, where it is meant to differ from that of `made_from`."""


def origin(made_from: str | None, language: str) -> Model | None:
    """What a model trained elsewhere was made from: its worsening is measured against that.

    made_from: the name of a model of the catalogue, or a checkpoint as `own_model` takes it; None where nobody said

    Raises BadInput when it is neither, or answers no questions, MachineFault when the hub does not answer.
    """
    if made_from is None:
        return None
    known = {model.name: model for model in CATALOGUE if model.architecture == "decoder" and model.modality == "text"}
    try:
        model = known.get(made_from) or own_model(made_from.removeprefix("folder:"), "not stated", language)
    except BadInput as error:
        raise BadInput(f"--made-from {error}; or a model of the catalogue: {', '.join(known)}") from error
    if model.architecture != "decoder":
        raise BadInput(f"--made-from {made_from}: a model that generates no text is not what yours was made from")
    return model


def own_model(checkpoint: str, licence: str, language: str) -> Model:
    """checkpoint: a folder with safetensors weights and a tokenizer, or a hub's `<owner>/<name>[@revision]`, with `hub:`
    before it or without.

    Its name carries the digest of its content, so that another content is another model. Raises BadInput when it is no
    checkpoint that we read or holds a file that none may hold, MachineFault when the hub does not answer.
    """
    named = HUB_ID.fullmatch(checkpoint) and not Path(checkpoint).exists()
    hub = checkpoint.removeprefix("hub:") if checkpoint.startswith("hub:") or named else None
    folder = _from_hub(hub) if hub else Path(checkpoint).absolute()
    title = hub.partition("@")[0].rpartition("/")[2] if hub else folder.name
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise BadInput(
            f"{checkpoint}: an adapter alone: config.json and the weights of the model that it was trained on are missing; "
            "load both with PEFT, merge them (merge_and_unload) and save that with save_pretrained(folder)"
        )
    content = artifacts.listed(folder, checkpoint)
    weights = sorted(folder.glob("*.safetensors"))
    config = folder / "config.json"
    if not weights or not config.is_file() or not any((folder / name).is_file() for name in TOKENIZERS):
        raise BadInput(
            f"{checkpoint}: not a checkpoint: it needs config.json, a tokenizer and weights as *.safetensors "
            "(pickled weights are refused). Save it with save_pretrained(folder), or give a hub's <owner>/<name>"
        )
    check_folder(folder, checkpoint)
    settings = _read(config)
    window, architecture = _shape(config)
    digest = digest_of({name: file_digest(folder / name) for name in content})
    return Model(
        name=f"{title.lower()}-{digest[:8]}",
        source=f"folder:{folder}",
        licence=licence.lower(),
        parameters=sum(map(parameters, weights)),
        context=window,
        architecture=architecture,
        tasks=made_for(architecture, settings.get("architectures") or (), str(settings.get("model_type"))),
        labels=_labels(config) if architecture == "encoder" else {},
        languages=(language,),
    )


def _labels(config: Path) -> dict[str, str]:
    """A classifier's labels, under their own names: those that are spelled as the contract's need no other."""
    return {str(name): str(name) for name in (_read(config).get("id2label") or {}).values()}


def _shape(config: Path) -> tuple[int, Literal["decoder", "encoder", "encoder_decoder"]]:
    """(longest context in tokens, kind of architecture) from a checkpoint's config.json."""
    settings = json.loads(config.read_text(encoding="utf-8"))
    try:
        window = int(next((settings[key] for key in WINDOWS if settings.get(key)), 2048))
        classes = settings.get("architectures") or ["ForCausalLM"]
        generates = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in classes)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{config}: not readable as part of a checkpoint ({error}); {artifacts.RIGHT}") from error
    if settings.get("is_encoder_decoder"):
        return window, "encoder_decoder"
    return window, "decoder" if generates else "encoder"


def check_chat(own: Model, workspace: Workspace) -> None:
    """Refuse, before anything is run, a decoder that no stage could ask: without a chat template, or with one that refuses a
    conversation as prompts here are, without a token that ends an answer, or with tokens that its weights do not have.

    Raises BadInput naming the folder and what is missing.
    """
    if own.architecture != "decoder":
        return  # others have no chat: they are given a text
    folder = Path(own.source.partition(":")[2])
    template = _template_of(own, workspace)
    if not template:
        raise BadInput(
            f"{folder}: its tokenizer has no chat template, so that nothing can be put to it in a chat; add the "
            "chat_template.jinja of the model that it was made from"
        )
    try:
        for chat in TRIED:
            rendered(template, [chat], {"bos_token": "<s>", "eos_token": "</s>"})
    except TemplateFault as fault:
        raise BadInput(
            f"{folder}: {fault}. It must take a message of the role `system`, where the contract's instruction stands, and "
            "then messages of `user` and `assistant` in turn"
        ) from fault
    tokenizer = _read(folder / "tokenizer_config.json")
    ends = tokenizer.get("eos_token") or _read(folder / "special_tokens_map.json").get("eos_token")
    if not ends and tokenizer.get("tokenizer_class") in NO_DEFAULTS:
        raise BadInput(
            f"{folder}: tokenizer_config.json: its key 'eos_token' is missing, so that no answer would end; name there the "
            "token that ends a turn in its chat template"
        )
    size, last = _read(folder / "config.json").get("vocab_size"), _last_token(_read(folder / "tokenizer.json"))
    if isinstance(size, int) and last >= size:
        raise BadInput(
            f"{folder}: its tokenizer has a token {last}, its weights have tokens 0 to {size - 1} (vocab_size of "
            "config.json); call resize_token_embeddings(len(tokenizer)) and save both anew with save_pretrained(folder)"
        )


def _read(path: Path) -> dict[str, Any]:
    """A file that `check_folder` looked at; nothing where there is none."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _last_token(tokenizer: dict[str, Any]) -> int:
    """The highest id in a tokenizer.json; -1 where it lists none by id."""
    words = tokenizer.get("model", {}).get("vocab")
    ids = list(words.values()) if isinstance(words, dict) else [len(words or ()) - 1]
    return max([*ids, *(token["id"] for token in tokenizer.get("added_tokens", ()))], default=-1)


def check_template(own: Model, base: Model | None, meant: str | None, workspace: Workspace) -> None:
    """Refuse a model whose chat template is another than that of `base`, which it claims to be made from: nobody who reads
    its figures would see an instruction that was slipped in.

    meant: the first characters of its SHA-256, where the change is meant. Raises BadInput, MachineFault as `own_model`.
    """
    ours = _template_of(own, workspace)
    theirs = _template_of(base, workspace) if base and ours else None
    pinned = hashlib.sha256((ours or "").encode()).hexdigest()
    if meant is not None and (len(meant) < DIGEST_SHOWN or not ours or not pinned.startswith(meant.lower())):
        stated = f"its template is {short(pinned)}" if ours else "it has no chat template"
        raise BadInput(
            f"--template {meant}: {stated}; give {DIGEST_SHOWN} or more characters of its SHA-256, or leave it out"
        )
    if meant is None and base and theirs and ours != theirs:
        raise BadInput(
            f"{own.source}: its chat template (SHA-256 {short(pinned)}) is not that of {base.name}, which it was made from; "
            f"bring that one back, or, where you have read the change and mean it, say --template {short(pinned)}"
        )


def _template_of(model: Model, workspace: Workspace) -> str | None:
    """The chat template of a model that is not in the store yet; None where it has none, or a server holds it."""
    kind, _, rest = model.source.partition(":")
    if kind == "asset" and rest.endswith(".gguf"):
        return gguf_templates(asset_path(model.source, workspace)).get("tokenizer.chat_template")
    if kind == "hub":
        return artifacts.template_of(_from_hub(rest, ("chat_template.jinja", "tokenizer_config.json")))
    return artifacts.template_of(Path(rest)) if kind == "folder" else None


def _from_hub(name: str, patterns: tuple[str, ...] = artifacts.PATTERNS) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(patterns)))
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise BadInput(f"{name}: neither a folder here nor a model that the hub knows") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise MachineFault(f"hub:{name}: no model hub is reachable and the model is not in the local cache") from error
