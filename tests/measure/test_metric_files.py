"""Every file of `components/measure/metrics` tells right answers from wrong ones, on rows of the kinds that name it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.core.code import ROOT, reached_files, words_of
from components.measure import metrics, per_example
from components.measure.intervals import table_metric
from components.measure.measure import CODE
from components.measure.metrics import Definition, definition, files
from components.tasks import kind_of, names
from tests.tasks.small import Solved, solved


def defined(file: str) -> tuple[Definition, ...]:
    return getattr(metrics.import_module(f".{file}", metrics.__name__), "METRICS", ())


def tells_right_from_wrong(file: str) -> None:
    for one in defined(file):
        where = f"components/measure/metrics/{file}.py: '{one.name}'"
        named = (file, *getattr(metrics.import_module(f".{file}", metrics.__name__), "NAMES", ()))
        assert one.name in named, f"{where} is missing in NAMES"
        kinds = [name for name in names() if one.name in kind_of(name).metrics]
        assert kinds, f"{where} is named by no kind of task"
        for kind in kinds:
            right, *others = figures(one, solved(kind))
            known = [value for value in others if value is not None]
            assert right is not None, f"{where} has no value for right answers of {kind}"
            assert known, f"{where} has no value for wrong answers of {kind}"
            assert all(0 <= value <= 1 for value in (right, *known)), f"{where} leaves [0, 1]"
            if one.more_is_better:
                assert right > min(known), f"{where} does not tell wrong answers of {kind} from right ones"


def figures(one: Definition, case: Solved) -> Iterator[float | None]:
    """The metric of a table of right answers, and of one for each way to be wrong."""
    texts = {passage.id: passage.text for passage in case.passages}
    for wrong in ("", *case.wrong):
        table = []
        for row in case.rows:
            passages = [] if row.passage is None else ["x"] if wrong else [row.passage]
            context = [texts[row.passage]] if row.passage else []
            answer = wrong or row.answer
            found = per_example(case.task, row, answer, passages, context)
            assert one.over_table or one.name in found
            table.append({"id": row.id, "text": row.text, "answer": answer, "reference": row.answer, **found})
        figure = table_metric(table, one.name)
        yield figure.value if figure else None


@pytest.mark.parametrize("file", files())
def test_a_metric_tells_right_answers_from_wrong_ones(file: str) -> None:
    assert defined(file)
    tells_right_from_wrong(file)


@pytest.mark.parametrize("file", files())
def test_a_metric_is_found_by_its_name(file: str) -> None:
    assert [definition(one.name) for one in defined(file)] == list(defined(file))


@pytest.mark.parametrize("kind", names())
def test_the_key_of_a_measurement_knows_the_metrics_of_its_kind_and_no_others(kind: str) -> None:
    reached = reached_files(*CODE, words=words_of({"kind": kind}))
    folder = ROOT / "components/measure/metrics"
    own = {file for file in files() for one in defined(file) if one.name in kind_of(kind).metrics}
    assert own <= {path.stem for path in reached if path.parent == folder}
    other = set(files()) - own - {"f1"}  # what swapped answers are compared by
    assert not other & {path.stem for path in reached if path.parent == folder}


def test_a_metric_that_no_key_would_know_of_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{HEAD}METRICS = (Definition(name='zeal', per_example=lambda case: 1.0),)"
    with planted(text, tmp_path, monkeypatch), pytest.raises(AssertionError, match="'zeal' is missing in NAMES"):
        tells_right_from_wrong("planted")


HEAD = '"""Planted."""\nfrom components.measure.metrics import Definition\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "components/measure/metrics/planted.py must define METRICS, a tuple of Definitions"),
        ("METRICS = ('f1',)", "components/measure/metrics/planted.py must define METRICS, a tuple of Definitions"),
        (
            "NAMES = ('f1',)\nMETRICS = (Definition(name='f1', per_example=lambda case: 1.0),)",
            "planted.py: there is a metric 'f1' already",
        ),
        ("METRICS = (Definition(name='zeal'),)", "metric 'zeal': give it per_example or over_table, and not both"),
    ],
)
def test_a_bad_file_is_named_with_what_it_lacks(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with planted(HEAD + text, tmp_path, monkeypatch), pytest.raises((AssertionError, ValueError), match=re.escape(said)):
        definition("f1")


@pytest.mark.parametrize(
    ("score", "said"),
    [
        ("lambda case: 1.0", "'accuracy_too' does not tell wrong answers of planted_kind from right ones"),
        ("lambda case: 2.0 - (case.text != case.row.answer)", "'accuracy_too' leaves [0, 1]"),
        ("lambda case: None", "'accuracy_too' has no value for right answers of planted_kind"),
    ],
)
def test_a_metric_that_is_none_is_found_out(score: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from components import tasks
    from tests.measure import test_metric_files

    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds/planted_kind.py").write_text(
        '"""Planted."""\nfrom dataclasses import replace\nfrom components.tasks import kind_of\n'
        'KIND = replace(kind_of("classification"), metrics=("accuracy", "accuracy_too"))\n'
    )
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path / "kinds")])
    case = solved("classification")
    other = Solved(case.task.model_copy(update={"kind": "planted_kind"}), case.rows, case.wrong, case.passages)
    monkeypatch.setattr(test_metric_files, "solved", lambda kind: other if kind == "planted_kind" else solved(kind))
    text = f"{HEAD}NAMES = ('accuracy_too',)\nMETRICS = (Definition(name='accuracy_too', per_example={score}),)"
    with planted(text, tmp_path, monkeypatch), pytest.raises(AssertionError, match=re.escape(said)):
        tells_right_from_wrong("planted")
    tasks.kind_of.cache_clear()


class planted:
    """A file more in the folder of metrics."""

    def __init__(self, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "planted.py").write_text(text)
        monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(folder)])

    def __enter__(self) -> None:
        self._forget()

    def __exit__(self, *_: object) -> None:
        self._forget()

    def _forget(self) -> None:
        import sys

        metrics._definitions.cache_clear()
        sys.modules.pop(f"{metrics.__name__}.planted", None)
