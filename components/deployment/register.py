"""Register a bundle in MLflow as a pyfunc model that a fresh process loads and asks.

    mlflow.pyfunc.load_model("models:/voice_helpdesk@candidate").predict([{"question": "..."}])

Models from code: MLflow keeps `components/serving/pyfunc_model.py`, the files that it reaches and the bundle; no
object is pickled. One version a Candidate digest, through the ledger.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from components import serving
from components.core import Candidate, report, short
from components.core.tracking import Tracking, active
from components.governance import MARK, Registered, Registry

from .code import copy_code
from .requirements import requirements

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

ENTRY = "components.serving.pyfunc_model"
DIGEST = "ninefold.candidate"


def register(registry: Registry, version: Registered, candidate: Candidate, bundle: Path, scratch: Path) -> Registered:
    """Register `bundle` as a version of `version.model` (its number is filled in, and with it the
    name of its card in the folder `version.card`) and point the alias `candidate` at it,
    unless it is a trial and a version that is none has the alias.

    scratch: a folder for the code that MLflow copies
    A version that holds this Candidate already is found again, also when its making was interrupted.
    """
    report(f"registering {version.model}")
    number = registry.version_of(
        version.model, candidate.digest, lambda mark: _make(registry, version, candidate, bundle, scratch, mark)
    )
    card = f"{version.card or 'model_cards'}/{version.use_case}/v{number}.md"
    version = version.model_copy(update={"version": number, "card": card})
    registry.describe(version)
    if not registry.yields(version):
        registry.move(version.model, "candidate", number)
    return version


def _make(registry: Registry, version: Registered, candidate: Candidate, bundle: Path, scratch: Path, mark: str) -> int:
    tracking = Tracking(registry.workspace, version.use_case)
    import mlflow

    key, name = f"register:{candidate.digest}", f"register {version.model} {short(candidate.digest)}"
    run = tracking.begin(key, name, {}, {DIGEST: candidate.digest}, parent=tracking.lifecycle(version.run_id))
    logged = _logged(tracking, mark)
    with _quiet(), active(registry.workspace.tracking_uri, tracking.experiment):
        if logged is None:
            with mlflow.start_run(run_id=run):
                logged = _log(version, candidate, bundle, scratch, mark)
        # Inside too: the registry on a database looks the logged model up through the global address.
        number = _version(tracking.client, version.model, logged, run, {DIGEST: candidate.digest, MARK: mark})
    tracking.finish(run, "FINISHED")
    return number


def _version(client: "MlflowClient", model: str, logged: str, run: str, tags: dict[str, str]) -> int:
    """Make the logged model a version of `model`, tagged in the same request, so that it is always found again. run: MLflow
    run that it comes from. Through the client, since `mlflow.register_model` prints."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(model, f"models:/{logged}", run_id=run, tags=tags, model_id=logged)
    # MLflow's pages show a logged model's versions from this tag.
    client.set_logged_model_tags(logged, {"mlflow.modelVersions": json.dumps([{"name": model, "version": version.version}])})
    return int(version.version)


def _logged(tracking: Tracking, mark: str) -> str | None:
    """Id of a complete logged model that an interrupted registration of this ledger left; what it left half made, a row
    whose files never came, is deleted."""
    models = tracking.client.search_logged_models(
        [tracking.experiment], filter_string=f"tags.`{MARK}` = '{mark}'", max_results=20
    )
    whole = [model for model in models if str(model.status) in ("READY", "LoggedModelStatus.READY")]
    for model in models:
        if model not in whole:
            tracking.client.delete_logged_model(model.model_id)
    return whole[0].model_id if whole else None


def _log(version: Registered, candidate: Candidate, bundle: Path, scratch: Path, mark: str) -> str:
    import mlflow

    tags = {DIGEST: candidate.digest, MARK: mark}
    info = mlflow.pyfunc.log_model(name=version.model, tags=tags, **packed(candidate, bundle, scratch))
    return str(info.model_id)


class Packed(TypedDict):
    """Arguments of MLflow's `log_model`."""

    python_model: str
    artifacts: dict[str, str]
    code_paths: list[str]
    pip_requirements: list[str]
    signature: "ModelSignature"


def packed(candidate: Candidate, bundle: Path, scratch: Path) -> Packed:
    """What MLflow is given to keep: the entry point, the files that it reaches, the bundle and the packages."""
    import mlflow

    return {
        "python_model": str(Path(serving.__file__).parent / "pyfunc_model.py"),
        "artifacts": {"bundle": str(bundle)},
        "code_paths": [str(_code(candidate, scratch))],
        "pip_requirements": ["mlflow==" + mlflow.__version__, "pandas", *requirements(candidate)],
        "signature": _signature(candidate),
    }


def _code(candidate: Candidate, scratch: Path) -> Path:
    """What answering needs of Ninefold, as one package to copy beside the model."""
    copy_code(candidate, scratch / "code", ENTRY)
    return scratch / "code" / "components"


def _signature(candidate: Candidate) -> "ModelSignature":
    """Either column alone is a valid row; a row out has the answer, its passages (best first) and their scores."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, Object, Property, Schema

    message = Object([Property("role", "string"), Property("content", "string")])
    texts = ("question", "context") if candidate.given else ("question",)
    asked = [ColSpec("string", name, required=False) for name in texts]
    given = Schema([*asked, ColSpec(Array(message), "messages", required=False)])
    shown = Schema([ColSpec("string", "answer"), ColSpec(Array("string"), "passages"), ColSpec(Array("double"), "scores")])
    return ModelSignature(inputs=given, outputs=shown)


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow's messages, progress bars and hints about input examples stay off the screen."""
    import warnings

    from mlflow.utils.logging_utils import disable_logging, enable_logging

    before = os.environ.get("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    disable_logging()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        enable_logging()
        os.environ.pop("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
        if before is not None:
            os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = before
