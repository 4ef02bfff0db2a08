"""What `test_hub.py` runs in a process of its own, since the hub's address is read when its client is imported.

stdin: {"root", "candidate", "names", "shots"}. stdout, last line: our results, and lm-eval's own `simple_evaluate` with its
Hugging Face model on the same weights and items.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

from components.application import load
from components.core import Candidate, Machine, Workspace
from components.evaluation.benchmarks import Asked, run_tasks
from components.evaluation.hub import fetch_benchmarks
from components.evaluation.likelihoods import language_model
from tests.evaluation.loopback_hub import ROWS

ITEMS, SEED = 16, 3


def main() -> None:
    asked = json.load(sys.stdin)
    workspace, candidate = Workspace(Path(asked["root"])), Candidate.model_validate(asked["candidate"])
    tasks = fetch_benchmarks(asked["names"], workspace)
    said: dict[str, Any] = {"tasks": {name: [task.model_dump() for task in found] for name, found in tasks.items()}}
    settings = Asked(rows={}, shots=asked["shots"], seed=SEED)
    with load(candidate, workspace.store, Machine(threads=1)) as application:
        model = language_model(application.engine)
        said["ours"] = {name: run_tasks(model, found, ITEMS, settings, workspace) for name, found in tasks.items()}
    said["theirs"] = _theirs(asked["names"], asked["shots"], workspace.store.path(candidate.model.object))
    sys.stdout.write("\n" + json.dumps(said) + "\n")


def _theirs(names: list[str], shots: int, folder: Path) -> dict[str, Any]:
    import lm_eval.evaluator
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    lm_eval.evaluator.add_env_info = lambda results: None  # it lists this machine's packages, for seconds
    home = Path(sys.modules["lm_eval.tasks"].__file__ or "").parent
    order = list(range(ROWS["validation"]))
    random.Random(SEED).shuffle(order)
    ids = sorted(order[:ITEMS])
    found = simple_evaluate(
        model=HFLM(pretrained=str(folder), dtype="float32", device="cpu"),
        tasks=names,
        num_fewshot=shots,
        samples=dict.fromkeys(names, ids),
        bootstrap_iters=0,
        fewshot_random_seed=SEED,
        task_manager=TaskManager(include_defaults=False, include_path=home / "glue"),
    )
    assert found, "one process, so this is the one that has the results"
    return {
        name: {"hits": [one["acc"] for one in found["samples"][name]], "results": found["results"][name]} for name in names
    }


if __name__ == "__main__":
    main()
