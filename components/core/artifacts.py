"""What a model's folder may hold: a list of files that are allowed, each with the check of its content.

Whatever is not on the list is refused by name, links and devices too; documentation and images are left where they are.
`take` copies a folder that came from outside, `inspect` looks at one in its place, `opened` at an object of the store: each
before any library opens a file of it. Not covered: chat templates, which are programs (application/chat_template.py tries
them), and archives (application/checkpoints.py).
"""

import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from .errors import BadInput
from .headers import check_sentencepiece, onnx_files, parameters
from .store import Store

Kind = Literal["checkpoint", "adapter", "onnx"]
Check = Callable[[Path], object]
"""Raises where a file is not what its name says; what it returns is not read."""

MOST_FILES = 10_000
MOST_JSON = 32 * 2**20
MOST_VOCABULARY = 256 * 2**20
MOST_TEMPLATE = 2**18
"""Bytes. Gemma's tokenizer.json has 34 MB, the longest chat template known here 20 KB."""

LEFT_OUT = (
    "*.md", "*.txt", "*.rst", "*.pdf", "*.png", "*.jpg", "*.jpeg", "*.gif", "*.svg", "*.webp", "*.csv", "*.tsv", "*.json",
    "*.jsonl", "*.yaml", "*.yml", "*.cff", "*.log", "license*", "licence*", "notice*", "copying*", "authors*", "readme*",
    ".gitattributes", ".gitignore", ".ds_store", "additional_chat_templates/*.jinja",
)  # fmt: skip
"""Never copied and never read, so that they can do no harm; lower case."""
CODE_KEYS = ("auto_map", "custom_pipelines", "custom_generate", "custom_ops_library", "trust_remote_code")
"""Keys whose value names code that a library would run."""
KERNEL_KEYS = ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation")
"""Keys whose value, where it holds a slash, names a repository of kernels that a library would fetch and run."""
SAVED_PATHS = ("tokenizer_file", "special_tokens_map_file")
"""Keys in which transformers used to write paths of the machine that saved a tokenizer; it reads neither."""
MODULES = ("Transformer", "Pooling", "Normalize", "Dense")
DO = "take it out of the folder, or save the model anew with save_pretrained(folder)"
RIGHT = "put that right, or save the model anew with save_pretrained(folder)"
ALLOWED = "allowed are weights as *.safetensors, config.json and its like, a tokenizer's files and chat_template.jinja"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz", ".h5", ".keras", ".ot")


def take(source: Path, target: Path, named: str) -> None:
    """Copy the files of the checkpoint in `source` that are wanted to `target`, then `inspect` the copy.

    named: how the user named the folder. Raises BadInput naming the file; `target` then holds what was copied so far.
    """
    for name in listed(source, named):
        to = target / name
        to.parent.mkdir(parents=True, exist_ok=True)
        origin = source / name
        flags = os.O_RDONLY | os.O_NONBLOCK | (0 if origin.is_symlink() else os.O_NOFOLLOW)
        with os.fdopen(os.open(origin, flags), "rb") as inside, to.open("wb") as outside:
            _need(stat.S_ISREG(os.fstat(inside.fileno()).st_mode), named, name, "it is no plain file")
            shutil.copyfileobj(inside, outside, 1 << 20)
    inspect(target, named)


def inspect(folder: Path, named: str, kind: Kind = "checkpoint") -> list[str]:
    """The wanted files of `folder`, relative and sorted, after each was looked at.

    Raises BadInput for a file that is not on the list of `kind` or whose content is not what its name says.
    """
    names = listed(folder, named, kind)
    for name in names:
        try:
            _check(folder, name, names, kind)
        except BadInput as error:
            raise BadInput(f"{named}: {name}: {error}; {RIGHT}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError, OverflowError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise BadInput(f"{folder / name}: not readable as part of a checkpoint ({reason}); {RIGHT}") from error
    return names


def listed(folder: Path, named: str, kind: Kind = "checkpoint") -> list[str]:
    """The wanted files of `folder`, relative and sorted, by their names alone. Raises BadInput as `inspect`."""
    wanted = []
    for count, (name, state) in enumerate(_entries(folder)):
        if count == MOST_FILES:
            raise BadInput(f"{named}: more than {MOST_FILES} files, so that it is no {kind}; give the model's own folder")
        linked = stat.S_ISLNK(state.st_mode)
        _need(not linked or _in_hub_cache(folder, name), named, name, "it is a link, and links may lead anywhere")
        _need(linked or stat.S_ISREG(state.st_mode), named, name, "it is no plain file")
        adapter = kind == "checkpoint" and name.startswith("adapter_")  # transformers would load it and the base it names
        _need(not adapter, named, name, "an adapter is not taken for a model; merge it into its base (merge_and_unload)")
        if _checker(name, kind):
            _need(linked or state.st_nlink == 1, named, name, "it is a hard link, whose content may be another's")
            wanted.append(name)
        elif not any(fnmatchcase(part, pattern) for pattern in LEFT_OUT for part in (name.lower(), Path(name).name.lower())):
            why = "pickled weights may run code, and " if name.lower().endswith(PICKLED) else ""
            _need(False, named, name, f"{why}it is not on the list of files that a {kind} may hold; {ALLOWED}")
    return sorted(wanted)


def opened(store: Store, digest: str, kind: Kind = "checkpoint") -> Path:
    """The folder of a model's or adapter's object, for a library to load: what it holds is looked at again, since
    whoever can write to the store could have put it there, and every byte was hashed (`Store.path`).

    Raises BadInput for a file that is not on the list, MachineFault when the object is missing or not what its digest says.
    """
    if store.has(digest):
        folder = store.root / "objects" / digest
        inspect(folder, str(folder), kind)
    return store.path(digest)


def template_of(folder: Path) -> str | None:
    """The chat template of the tokenizer in `folder` as transformers chooses it; None where it has none."""
    file, config = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    given = json.loads(config.read_text(encoding="utf-8")).get("chat_template") if config.is_file() else None
    if isinstance(given, list):
        given = {one["name"]: one["template"] for one in given}.get("default")
    return given if isinstance(given, str) else None


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """(relative path, state without following links) of all that is no folder, hidden folders left out."""
    for place, folders, files in os.walk(folder):
        for name in sorted(folders):
            if (Path(place) / name).is_symlink():
                files.append(name)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            yield path.relative_to(folder).as_posix(), path.lstat()


def _in_hub_cache(folder: Path, name: str) -> bool:
    """Whether a link is one of the hub's own cache: from `models--…/snapshots/<commit>/` to a plain file in its `blobs/`."""
    home = Path(os.path.abspath(folder)).parents
    if len(home) < 2 or home[0].name != "snapshots" or not home[1].name.startswith("models--"):
        return False
    link = Path(os.path.abspath(folder)) / name
    to = Path(os.path.normpath(link.parent / os.readlink(link)))
    blobs = home[1] / "blobs"
    plain = not blobs.is_symlink() and to.is_file() and not to.is_symlink()
    return plain and to.parent == blobs and re.fullmatch("[0-9a-f]{40,64}", to.name) is not None


def _need(holds: bool, named: str, name: str, why: str) -> None:
    if not holds:
        raise BadInput(f"{named}: {name}: {why}; {DO}")


# --- content -----------------------------------------------------------------------------------------------------------


def _check(folder: Path, name: str, names: list[str], kind: Kind) -> None:
    check = _checker(name, kind)
    assert check, "only files with a check are wanted"
    check(folder / name)
    if name.endswith(".safetensors.index.json"):
        for shard in _json(folder / name)["weight_map"].values():
            if shard not in names or "/" in shard or not shard.endswith(".safetensors"):
                raise BadInput(f"it names '{shard}', which is no *.safetensors file of this folder")
    if name == "genai_config.json":
        for key, value in _pairs(_json(folder / name)):
            elsewhere = isinstance(value, str) and re.search(r"[/\\]", value)
            if elsewhere or (key.endswith("filename") and value not in names):
                raise BadInput(f"its key '{key}' names '{str(value)[:80]}', which is no file of this folder")
    if name.endswith(".onnx"):
        for other in onnx_files(folder / name):
            if other not in names:
                raise BadInput(f"it names '{other}', which is no file of this folder")


def _checker(name: str, kind: Kind) -> Check | None:
    """What looks at a file of that name; None where the name is not on the list."""
    for patterns, check in LISTS[kind]:
        if any(re.fullmatch(pattern, name) for pattern in patterns):
            return check
    return None


def _json(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_JSON:
        raise ValueError(f"{path.stat().st_size} bytes; at most {MOST_JSON} are read")
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    return content


def _pairs(value: object) -> Iterator[tuple[str, object]]:
    """Every key with its value, however deep."""
    if isinstance(value, dict):
        yield from value.items()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _pairs(inner)


def _config(path: Path) -> None:
    """A configuration that names no code and no file elsewhere."""
    for key, value in _pairs(_json(path)):
        if key in CODE_KEYS and value:
            raise BadInput(f"its key '{key}' names code to run ({str(value)[:80]}), and no code of a model is ever run")
        if key in KERNEL_KEYS and any("/" in str(one) for one in (value.values() if isinstance(value, dict) else [value])):
            raise BadInput(f"its key '{key}' names code to fetch and run ({str(value)[:80]})")


def _tokenizer_config(path: Path) -> None:
    _config(path)
    config = _json(path)
    if config.get("init_inputs"):
        raise BadInput("its key 'init_inputs' is handed to the tokenizer unseen; leave it empty")
    for key, value in config.items():
        named = key.endswith("_file") and key not in SAVED_PATHS and value is not None
        if named and (not isinstance(value, str) or Path(value).name != value):
            raise BadInput(f"its key '{key}' names a file elsewhere ({str(value)[:80]})")
    for one in config.get("fast_tokenizer_files") or ():
        if Path(str(one)).name != one:
            raise BadInput(f"its key 'fast_tokenizer_files' names a file elsewhere ({str(one)[:80]})")
    template = config.get("chat_template")
    for one in template if isinstance(template, list) else [{"template": template}]:
        if len(str(one.get("template"))) > MOST_TEMPLATE:
            raise ValueError(f"a chat template of more than {MOST_TEMPLATE} characters")


def _adapter_config(path: Path) -> None:
    _config(path)
    config = _json(path)
    mapped = config.get("auto_mapping")  # names a module that PEFT imports
    if mapped and not re.fullmatch(r"transformers\.models\.[\w.]+", str(mapped["parent_library"])):
        raise BadInput(f"its key 'auto_mapping' names code to run ({str(mapped)[:80]}); set it to null")
    base = config.get("base_model_name_or_path")
    if base is not None and not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", str(base)):
        raise BadInput(f"its key 'base_model_name_or_path' names a place on a machine ({str(base)[:80]}); set it to null")


def _modules(path: Path) -> None:
    """sentence-transformers' list of modules: its own classes, in folders beside the list."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size < MOST_JSON else None
    modules: list[dict[str, Any]] = content if isinstance(content, list) else [{"type": content}]
    for module in modules:
        owner, _, name = str(module["type"]).rpartition(".")
        if not (owner + ".").startswith("sentence_transformers.") or name not in MODULES:
            allowed = f"sentence-transformers' {', '.join(MODULES)}"
            raise BadInput(f"it names the class {str(module['type'])[:80]}; allowed: {allowed}")
        if not re.fullmatch(r"\w*", module["path"]):
            raise BadInput(f"it names the folder '{module['path'][:80]}', which is not beside it")


def _module_config(path: Path) -> None:
    _config(path)
    activation = _json(path).get("activation_function")
    if activation is not None and not re.fullmatch(r"torch\.nn\.modules\.(activation|linear)\.\w+", str(activation)):
        raise BadInput(f"its key 'activation_function' names {str(activation)[:80]}; allowed: classes of torch.nn.modules")


def _vocabulary(path: Path) -> None:
    """JSON that only a tokenizer reads, and that may be long: its size, and that it is an object."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64).lstrip()
    if size > MOST_VOCABULARY or not head.startswith(b"{"):
        raise ValueError(f"it is no JSON object of at most {MOST_VOCABULARY} bytes")


def _text(path: Path, most: int = MOST_VOCABULARY) -> None:
    if path.stat().st_size > most:
        raise ValueError(f"{path.stat().st_size} bytes; at most {most} are read")
    if "\0" in path.read_text(encoding="utf-8"):
        raise ValueError("it is no text")


def _template(path: Path) -> None:
    _text(path, MOST_TEMPLATE)


def _pieces(path: Path) -> None:
    """A SentencePiece model, or tiktoken's lines of a token in base64 and its number."""
    if path.stat().st_size > MOST_VOCABULARY:
        raise ValueError(f"{path.stat().st_size} bytes; at most {MOST_VOCABULARY} are read")
    if not re.fullmatch(rb"(?:[A-Za-z0-9+/=]+ \d+\r?\n?)+", path.read_bytes()):
        check_sentencepiece(path)


def _open(path: Path) -> None:
    """Raw weights that only the file which names them can read."""


_TOKENIZER: tuple[tuple[tuple[str, ...], Check], ...] = (
    ((r"tokenizer_config\.json",), _tokenizer_config),
    ((r"(special_tokens_map|added_tokens|chat_template)\.json",), _config),
    ((r"(tokenizer|vocab|target_vocab|tekken|normalizer)\.json", r"tokenizer\.[\w.-]+\.json"), _vocabulary),
    ((r"(vocab|merges)\.txt|vocab\.bpe|bpe\.codes",), _text),
    ((r"(tokenizer|spiece|sentencepiece|sentencepiece\.bpe|spm|tiktoken)\.model|(source|target)\.spm",), _pieces),
    ((r"chat_template\.jinja",), _template),
)
LISTS: dict[Kind, tuple[tuple[tuple[str, ...], Check], ...]] = {
    "checkpoint": (
        ((r"[\w.-]+\.safetensors", r"\d_\w+/model\.safetensors"), parameters),
        ((r"[\w.-]+\.safetensors\.index\.json",), _config),
        ((r"(config|generation_config|preprocessor_config|processor_config|video_preprocessor_config)\.json",), _config),
        ((r"(sentence_[\w-]+_config|config_sentence_transformers)\.json",), _config),
        ((r"modules\.json",), _modules),
        ((r"\d_\w+/config\.json",), _module_config),
        *_TOKENIZER,
    ),
    "adapter": (((r"adapter_model\.safetensors",), parameters), ((r"adapter_config\.json",), _adapter_config)),
    "onnx": (
        ((r"[\w.-]+\.onnx",), _open),
        ((r"[\w.-]+\.onnx[._]data",), _open),
        ((r"(genai_config|config|generation_config)\.json",), _config),
        *_TOKENIZER,
    ),
}
"""Kind → the files that it may hold, by regular expressions over the relative path, and what looks at each."""

PATTERNS = (
    "*.safetensors", "*.json", "vocab.txt", "merges.txt", "vocab.bpe", "bpe.codes", "*.model", "*.spm",
    "chat_template.jinja",
)  # fmt: skip
"""What is asked of a model hub, in its own patterns; what comes is held against the list."""
