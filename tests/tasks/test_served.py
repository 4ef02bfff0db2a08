"""What is served for each kind of task answers without the checkout: its code reaches the kind's file and its baseline's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.application import load
from components.deployment.code import copy_code
from components.selection import baselines
from components.tasks import names

from .small import solved, step_in

ASK = """
import sys
sys.path.insert(0, {code!r})
import json
from pathlib import Path
from components.application import load
from components.core import Candidate, Machine, Row, Store
candidate = Candidate.model_validate_json(Path({candidate!r}).read_text())
rows = [Row(id=str(i), text=text, answer="") for i, text in enumerate(json.load(open({texts!r})))]
with load(candidate, Store(Path({store!r})), Machine()) as application:
    said = [answer.text for answer in application.answer(rows)]
assert all(module.__file__.startswith({code!r}) for name, module in sys.modules.items() if name.startswith("components."))
print(json.dumps(said))
"""


@pytest.mark.parametrize("name", names())
def test_the_plain_baseline_answers_without_the_checkout(name: str, tmp_path: Path) -> None:
    case, step = solved(name), step_in(tmp_path / "home")
    candidate = baselines.fit(case.task, case.metrics, case.dataset(step), None, step)
    with load(candidate, step.store, step.machine) as application:
        expected = [answer.text for answer in application.answer(case.rows)]
    copy_code(candidate, tmp_path / "code", "components.application.load")
    others = {f"{other}.py" for other in names()} - {f"{name}.py"}
    assert not others & {path.name for path in (tmp_path / "code/components/tasks").iterdir()}, (
        "only its own kind goes along"
    )
    (tmp_path / "candidate.json").write_text(candidate.model_dump_json())
    (tmp_path / "texts.json").write_text(json.dumps([row.text for row in case.rows]))
    places = {"code": "code", "candidate": "candidate.json", "texts": "texts.json", "store": "home/store"}
    code = ASK.format(**{word: str(tmp_path / place) for word, place in places.items()})
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == expected
