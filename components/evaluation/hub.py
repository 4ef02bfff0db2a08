"""Benchmarks of the Hugging Face hub by lm-eval's own names: GLUE, SuperGLUE, MMLU and BIG-bench, tasks and groups.

lm-eval describes each task (prompt, choices, metrics); its data set is fetched once, at the revision that the hub names
then, and kept in the workspace's assets as Parquet beside `about.json`, so that every later run is offline and asks the same
items. A name that the packaged samples have too (`mmlu`, `boolq`) means those; `hub:mmlu` is the hub's. Not covered: tasks
that generate text or measure perplexity; data sets behind a licence click.
"""

import difflib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from components.core import BadInput, MachineFault, Workspace, file_digest
from components.core.files import fsync_folder, publish_json
from components.core.hub_task import HubTask, folder_of, read_split

from .items import BENCHMARKS

if TYPE_CHECKING:
    import datasets
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._index import Entry

FAMILIES = ("glue", "super_glue", "mmlu", "bigbench")
"""Folders of lm-eval's task list: 757 names, read in half a second; all of its 14,683 would take ten."""
CONVERTED = "refs/convert/parquet"
"""The hub's own copy of data sets that are made by a script (BIG-bench), which `datasets` no longer runs."""
PREFIX = "hub:"


class Description(TypedDict):
    """lm-eval's description of a task, as far as it is read."""

    dataset_path: str
    dataset_name: NotRequired[str | None]
    test_split: NotRequired[str | None]
    validation_split: NotRequired[str | None]
    output_type: NotRequired[str]


def hub_names(names: Iterable[str]) -> list[str]:
    """Those of `names` that are no packaged sample."""
    return [name for name in names if name not in BENCHMARKS]


def check_names(names: Iterable[str]) -> None:
    """Raise BadInput for a name that neither the packaged samples nor lm-eval have, or whose task cannot be run here."""
    for name in hub_names(names):
        _leaves(name)


def fetch_benchmarks(names: Iterable[str], workspace: Workspace) -> dict[str, tuple[HubTask, ...]]:
    """Name → its tasks (one, or those of the group), with their data fetched where it is not here yet.

    Raises BadInput as `check_names`, MachineFault where the hub does not give the data.
    """
    by_name = {}
    for name in hub_names(names):
        tasks = []
        for leaf, description in _leaves(name).items():
            dataset, config = description["dataset_path"], description.get("dataset_name") or ""
            folder = _fetch(name, dataset, config, workspace)
            about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
            asked = description.get("test_split") or description.get("validation_split") or ""
            tasks.append(HubTask(name=leaf, dataset=dataset, config=config, asked=asked, **about))
        by_name[name] = tuple(tasks)
    return by_name


def load_tasks(tasks: Iterable[HubTask], shots: int, workspace: Workspace) -> "dict[str, dict[str, ConfigurableTask]]":
    """lm-eval's own tasks over the pinned data, as its `TaskManager.load` gives them.

    Without solved examples the training rows are not read. Raises MachineFault where a file is not the one that was pinned.
    """
    members = []
    for task in tasks:
        given: dict[str, object] = {"task": task.name, "custom_dataset": _reader(task, workspace), "num_fewshot": shots}
        members.append(given if shots else {**given, "training_split": None, "fewshot_split": None})
    loaded = _manager().load([{"group": "chosen", "task": members}])
    return {"tasks": loaded["tasks"]}


def _reader(task: HubTask, workspace: Workspace) -> "Callable[..., dict[str, datasets.Dataset]]":
    import datasets

    def read(**_: object) -> dict[str, datasets.Dataset]:
        return {split: datasets.Dataset(read_split(task, split, workspace)) for split in task.files}

    return read


@cache
def _manager() -> "TaskManager":
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    import lm_eval.tasks

    home = Path(lm_eval.tasks.__file__).parent
    return lm_eval.tasks.TaskManager(include_defaults=False, include_path=[home / family for family in FAMILIES])


def _leaves(name: str) -> dict[str, Description]:
    """Task → lm-eval's description of it: of `name` itself, or of each task of the group or tag."""
    index, wanted = _manager().task_index, name.removeprefix(PREFIX)
    if wanted not in index:
        near = difflib.get_close_matches(wanted, list(dict.fromkeys([*BENCHMARKS, *index])), n=4)
        meant = f"; near it: {', '.join(near)}" if near else ""
        packaged = ", ".join(BENCHMARKS)
        raise BadInput(
            f"evaluation.benchmarks: '{name}' is not known{meant}; allowed: {packaged} (packaged), or lm-eval's names of "
            "GLUE, SuperGLUE, MMLU and BIG-bench, such as sst2, glue, mmlu_virology (from the hub)"
        )
    leaves: dict[str, Description] = {leaf: index[leaf].cfg for leaf in sorted(_members(index, wanted))}
    for leaf, description in leaves.items():
        kind = description.get("output_type", "generate_until")
        if kind != "multiple_choice":
            where = f"'{name}'" if leaf == wanted else f"'{leaf}' of '{name}'"
            raise BadInput(f"evaluation.benchmarks: {where} is not covered ({kind}); take tasks of multiple choice")
    return leaves


def _members(index: "Mapping[str, Entry]", name: str) -> Iterator[str]:
    entry = index[name]
    if entry.kind.name in ("TASK", "PY_TASK"):
        yield name
        return
    members = entry.tags if entry.kind.name == "TAG" else entry.cfg["task"]
    for member in members:
        yield from _members(index, member if isinstance(member, str) else member.get("task") or member["group"])


def _fetch(name: str, dataset: str, config: str, workspace: Workspace) -> Path:
    """The folder of a data set's configuration: a Parquet file a split, and `about.json`, written last."""
    target = folder_of(dataset, config, workspace)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        try:
            splits, about = _download(dataset, config, building / "cache")
        except Exception as error:  # of the hub's client, HTTP, Arrow: whatever it was, the data is not here
            raise _not_here(name, dataset, config, error) from error
        files = {}
        for split, rows in splits.items():
            rows.to_parquet(building / f"{split}.parquet")
            files[split] = file_digest(building / f"{split}.parquet")
        publish_json(building / "about.json", {**about, "files": files})
        shutil.rmtree(building / "cache", ignore_errors=True)
        os.rename(building, target)
        fsync_folder(target.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def _download(dataset: str, config: str, cache_folder: Path) -> "tuple[datasets.DatasetDict, dict[str, str]]":
    """(split → rows, revision and licence), quietly."""
    import datasets
    from huggingface_hub import HfApi

    datasets.disable_progress_bars()
    information = HfApi().dataset_info(dataset, timeout=20)
    licence = (information.card_data.license if information.card_data else None) or "not stated"
    about = {"licence": licence if isinstance(licence, str) else " AND ".join(licence)}
    files = {file.rfilename for file in information.siblings or ()}
    where: dict[str, object] = {"name": config or None}
    if f"{dataset.split('/')[-1]}.py" in files:
        information = HfApi().dataset_info(dataset, revision=CONVERTED, timeout=20)
        where = {"data_files": _by_split([file.rfilename for file in information.siblings or ()], config or "default")}
    about["revision"] = str(information.sha)
    splits = datasets.load_dataset(
        dataset, revision=information.sha, cache_dir=str(cache_folder), trust_remote_code=False, **where
    )
    return splits, about


def _by_split(paths: list[str], config: str) -> dict[str, list[str]]:
    """Split → files, of the hub's converted copy: `<configuration>/<split>/0000.parquet`."""
    by_split: dict[str, list[str]] = {}
    for path in sorted(paths):
        parts = path.split("/")
        if len(parts) == 3 and parts[0] == config and path.endswith(".parquet"):
            by_split.setdefault(parts[1], []).append(path)
    return by_split


def _not_here(name: str, dataset: str, config: str, error: Exception) -> MachineFault:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    wanted = f"{dataset} ({config})" if config else dataset
    return MachineFault(
        f"evaluation.benchmarks: '{name}' needs {wanted}, which is not in this workspace, and the hub did not give it: "
        f"{reason}. Run `ninefold fetch <use case> --profile <profile>` where a hub answers (HF_ENDPOINT names another "
        f"one), or take packaged ones: {', '.join(BENCHMARKS)}"
    )
