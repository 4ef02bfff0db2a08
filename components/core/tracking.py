"""Tracking: what a run did, projected to MLflow for people. The store and the ledger stay the truth.

Each run of a step is found again by the tag `ninefold.key`, so a repeated or killed and resumed run never doubles one; an
MLflow run that a kill left open is taken up again and finished. Registering model versions is not done here: that is an
effect, and goes through the ledger.
"""

import json
import logging
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from .address import without_secrets
from .candidate import Prompt
from .curves import Curves
from .digest import canonical, short
from .errors import BadInput, MachineFault
from .evidence import Decision
from .inputs import Input, dataset_inputs
from .moved_tracking import KEY, follow_move
from .progress import plotting
from .workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import PromptVersion

RUN = "ninefold.run"
"""Tag of the MLflow run of a whole run: what the workspace calls it."""
WORKSPACE = "ninefold.workspace"
"""Tag that tells the runs of one workspace from those of others on an MLflow that a team shares."""
PARENT = "mlflow.parentRunId"
# MLflow takes letters, digits and these in the names of parameters and metrics; `@` (hit@1) is spelled out.
NAME_MARKS = set("_-. :/")
# MLflow's own limits: characters in a parameter, in a tag, and parameters in one batch.
PARAM_LENGTH, TAG_LENGTH, BATCH = 6000, 8000, 100
SELECTING = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
"""By these MLflow's global functions would log to somebody else's run or experiment."""
Status = Literal["FINISHED", "FAILED", "KILLED"]


class Tracking:
    """One MLflow experiment of a workspace. Making one loads MLflow (about 2 s; another 2 s where its database is new)."""

    def __init__(self, workspace: Workspace, experiment: str) -> None:
        follow_move(workspace)
        self.uri, self.workspace = workspace.tracking_uri, workspace.name
        self.client = quiet_client(self.uri)
        self.experiment = _experiment(self.client, experiment, workspace)

    def begin(self, run_key: str, name: str, params: Mapping[str, object], tags: Mapping[str, str], parent: str = "") -> str:
        """Open an MLflow run that stays open, or take up the one that has `run_key`; returns its MLflow run id.

        parent: MLflow run that it is nested in
        """
        first = {**_cut(tags), **self._first(run_key, parent)}
        run = self._find(KEY, run_key) or self.client.create_run(
            self.experiment, run_name=name, tags=first, start_time=_now()
        )
        self._log(run, params, {}, {**tags})
        self.client.update_run(run.info.run_id, status="RUNNING")
        return str(run.info.run_id)

    def lifecycle(self, run_id: str) -> str:
        """MLflow run of the whole run that the workspace calls `run_id`; empty where there is none."""
        run = self._find(RUN, run_id)
        return str(run.info.run_id) if run else ""

    def bury(self) -> None:
        """End the runs of this workspace that a kill left open. Its lock is held, so that nobody is at work on one."""
        mine = f"attributes.status = 'RUNNING' and tags.`{WORKSPACE}` = '{self.workspace}'"
        for run in self.client.search_runs([self.experiment], mine):
            self.finish(run.info.run_id, "KILLED")

    def finish(self, run_id: str, status: Status) -> None:
        """Close a run."""
        self.client.set_terminated(run_id, status)

    def stage(
        self,
        parent: str,
        name: str,
        key: str,
        *,
        stage: str,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        decision: Decision,
        notes: Sequence[str],
        measured: Mapping[str, object],
        files: Mapping[str, Path],
        result: object,
        inputs: Sequence[Input] = (),
    ) -> str:
        """Show a finished step as a run nested in `parent`; returns its MLflow run id. A step shown before is only linked.

        name:     what people call the step: the stage's word, or that and what the step does
        inputs:   splits that it used
        params:   settings (nested ones are joined by dots)
        measured: seconds, rates, memory; numbers become metrics `measured/<name>`, all of it `measured.json`
        files:    artifact name → file or folder
        result:   what the step returned; all of it is `result.json`
        """
        numbers = dict(_flat(measured))
        figures = {**metrics, **{f"measured/{name}": value for name, value in numbers.items()}}
        tables = {"measured.json": dict(measured), "decision.json": decision, "result.json": result}
        tags = {"ninefold.stage": stage, **_decided(decision, notes)}
        seconds = numbers.get("seconds", 0.0)
        run_id = self.show(
            name, key, params=params, metrics=figures, tags=tags, files=files, tables=tables, parent=parent, seconds=seconds,
            inputs=inputs,
        )  # fmt: skip
        if parent:
            self._link(parent, name, key, run_id, metrics)
        return run_id

    @contextmanager
    def training(self, parent: str, name: str, key: str) -> Iterator[None]:
        """Show the curves of what is trained inside this block in the run of the step `key`, which `stage` finishes; where
        the block ends by an error, so does the run. A step that trains nothing gets no run here."""

        def run() -> str:
            opened = self._opened(name, key, parent, _now())
            if opened.info.status != "FINISHED":
                self.client.update_run(opened.info.run_id, status="RUNNING")
            return str(opened.info.run_id)

        curves = Curves(self.client, run, _name)
        try:
            with plotting(curves.plot):
                yield
        except BaseException as error:
            curves.close("FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        curves.close()

    def show(
        self,
        name: str,
        key: str,
        *,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        files: Mapping[str, Path],
        tables: Mapping[str, object] | None = None,
        parent: str = "",
        seconds: float = 0,
        inputs: Sequence[Input] = (),
    ) -> str:
        """One finished MLflow run of `key`, made or taken up again; a finished one is left alone. Returns its id.

        name: the page adds the key's first digits to it, so that no two runs have one name
        tables: file name → JSON-able value. seconds: how long the work took, which ended now.
        """
        run = self._opened(name, key, parent, _now() - int(seconds * 1000))
        run_id = str(run.info.run_id)
        if run.info.status != "FINISHED":
            self._log(run, params, metrics, tags)
            self.used(run_id, inputs)
            for file, value in (tables or {}).items():
                self.client.log_dict(run_id, json.loads(canonical(value)), file)
            for file, path in files.items():
                self._attach(run_id, file, path)
            self.client.set_terminated(run_id)
        return run_id

    def used(self, run_id: str, inputs: Sequence[Input]) -> None:
        """Show which splits a run used; those that it shows already stay as they are."""
        if inputs:
            self.client.log_inputs(run_id, dataset_inputs(inputs))

    def model_figures(self, run_id: str, model: str, metrics: Mapping[str, float], tested: Input | None) -> None:
        """Show figures of the logged model `model`, and of the run that made it. tested: the split that they are of."""
        from mlflow.entities import Metric

        at = self.client.get_run(run_id).info.start_time
        on = {"dataset_name": tested.name, "dataset_digest": tested.digest} if tested else {}
        figures = [Metric(_name(name), value, at, 0, model_id=model, run_id=run_id, **on) for name, value in metrics.items()]
        self.client.log_batch(run_id, metrics=figures)

    def prompt(self, name: str, prompt: Prompt, alias: str) -> int:
        """Register `prompt` (once per content) under `name`, point `alias` at that version; returns the version.

        MLflow shows the turns as chat messages with the same double braces; all of it is in the tag `ninefold.prompt`.
        """
        versions = [version for version in self._versions(name) if version.tags.get("ninefold.digest") == prompt.digest]
        version = versions[0] if versions else self._register(name, prompt)
        self.client.set_prompt_alias(name, alias, int(version.version))
        return int(version.version)

    def _register(self, name: str, prompt: Prompt) -> "PromptVersion":
        messages = []
        for turn in prompt.turns:
            messages += [{"role": "system", "content": turn.system}] if turn.system else []
            for shown, answered in turn.examples:
                messages += [{"role": "user", "content": shown}, {"role": "assistant", "content": answered}]
            messages += [{"role": "user", "content": turn.user}]
        tags = {"ninefold.digest": prompt.digest, "ninefold.method": prompt.method, "ninefold.prompt": canonical(prompt)}
        # MLflow lists a prompt under the active experiment of the active store, whatever client registers it.
        with active(self.uri, self.experiment):
            return self.client.register_prompt(
                name,
                template=messages,
                commit_message=f"{prompt.method}, {len(prompt.turns)} turn(s), digest {short(prompt.digest)}",
                tags=tags,
                model_config={"temperature": 0.0, "max_tokens": prompt.turns[-1].max_new_tokens},
            )

    def _versions(self, name: str) -> "Iterator[PromptVersion]":
        if self.client.get_prompt(name) is None:
            return
        token = None
        while True:
            page = self.client.search_prompt_versions(name, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _opened(self, name: str, key: str, parent: str, start: int) -> "Run":
        run = self._find(KEY, key)
        return run or self.client.create_run(
            self.experiment, run_name=f"{name} {short(key)}", tags=self._first(key, parent), start_time=start
        )

    def _first(self, key: str, parent: str) -> dict[str, str]:
        """Tags of the request that makes a run."""
        return {KEY: key, WORKSPACE: self.workspace} | ({PARENT: parent} if parent else {})

    def _find(self, tag: str, value: str) -> "Run | None":
        runs = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{value}'", max_results=1)
        return runs[0] if runs else None

    def _log(self, run: "Run", params: Mapping[str, object], metrics: Mapping[str, float], tags: Mapping[str, str]) -> None:
        """One request a hundred parameters. MLflow never changes a parameter, so those already there stay. Metrics carry the
        run's start as their time: logging one again changes nothing."""
        from mlflow.entities import Metric, Param, RunTag

        known = run.data.params
        new = [(_name(key), str(value)[:PARAM_LENGTH]) for key, value in _leaves(params)]
        rows = [Param(key, value) for key, value in new if key not in known]
        figures = [
            Metric(_name(key), float(value), run.info.start_time, 0)
            for key, value in metrics.items()
            if value is not None and math.isfinite(value)
        ]
        labels = [RunTag(key, value) for key, value in _cut(tags).items()]
        run_id = run.info.run_id
        self.client.log_batch(run_id, metrics=figures[:1000], params=rows[: BATCH - len(labels)], tags=labels)
        for start in range(BATCH - len(labels), len(rows), BATCH):
            self.client.log_batch(run_id, params=rows[start : start + BATCH])

    def _attach(self, run_id: str, name: str, path: Path) -> None:
        if path.is_dir():
            self.client.log_artifacts(run_id, str(path), name)
        else:
            self.client.log_artifact(run_id, str(path), name)

    def _link(self, parent: str, name: str, key: str, run_id: str, metrics: Mapping[str, float]) -> None:
        """Name the step's run, and show its figures, in the run it is part of: a reused step is nested in an older one."""
        run = self.client.get_run(parent)
        tags = {f"ninefold.step.{name}.{short(key)}": run_id}
        self._log(run, {}, {f"{name}/{metric}": value for metric, value in metrics.items()}, tags)


@contextmanager
def active(uri: str, experiment: str) -> Iterator[None]:
    """Point MLflow's global functions at `uri` and `experiment` for a while. That also sets environment variables, for this
    process and its children, which would send other workspaces to this database, so what was there is put back."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    stale = {name: os.environ.pop(name) for name in SELECTING if name in os.environ}
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=experiment)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before or "")
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
        os.environ |= stale
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)


def quiet_client(uri: str) -> "MlflowClient":
    """An MLflow client that sends no telemetry and prints nothing. Raises MachineFault where no server answers at `uri`."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    _check_shared(uri)
    from mlflow import MlflowClient

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@cache
def _check_shared(uri: str) -> None:
    """Raise MachineFault where nothing answers at an address that the user set: MLflow's client would try for minutes.
    BadInput for a folder, which MLflow 3 takes no more."""
    if not uri.startswith(("http://", "https://")):
        folder = urlsplit(uri).scheme in ("", "file") and not uri.startswith("databricks")
        if folder and os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() not in ("1", "true"):
            raise BadInput(
                f"MLFLOW_TRACKING_URI: '{without_secrets(uri)}' is a folder, where MLflow keeps nothing new; allowed: the "
                "address of a server (http://…), a database (sqlite:///…), or unset: the workspace's own MLflow"
            )
        return
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        # As its client asks, proxies and certificates included; that it answers at all is enough.
        http_request(get_default_host_creds(uri), "/health", "GET", max_retries=0, timeout=10, raise_on_status=False)
    except MlflowException as error:
        raise MachineFault(
            f"MLFLOW_TRACKING_URI: no MLflow answers at {without_secrets(uri)}. Start that server, put the address right, "
            "or unset it: runs then go to the workspace's own MLflow"
        ) from error


def _experiment(client: "MlflowClient", name: str, workspace: Workspace) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        # A server elsewhere keeps artifacts where it was told to; only the workspace's own database uses its folder.
        local = workspace.tracking_uri.startswith("sqlite:")
        return str(client.create_experiment(name, artifact_location=workspace.artifact_root if local else None))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _decided(decision: Decision, notes: Sequence[str]) -> dict[str, str]:
    """Tags; the note is what MLflow's page shows as the run's description."""
    lines = [f"**{decision.verdict}**: {decision.reason}", *[f"- {note}" for note in notes]]
    return {
        "ninefold.verdict": decision.verdict,
        "ninefold.reason": decision.reason,
        "mlflow.note.content": "\n".join([lines[0], "", *lines[1:]]),
    }


def _leaves(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _flat(measured: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """The numbers at the top of `measured` and one level below; deeper ones are too many for a page, and are in the file."""
    for key, value in measured.items():
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        for name, number in inner:
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                yield f"{key}/{name}" if name else key, float(number)


def _name(key: str) -> str:
    plain = key.replace("@", "_at_")
    return "".join(mark if mark.isalnum() or mark in NAME_MARKS else "_" for mark in plain)[:250]


def _cut(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: str(value)[:TAG_LENGTH] for key, value in tags.items()}


def _now() -> int:
    return int(time.time() * 1000)
