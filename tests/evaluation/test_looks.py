"""Items grow where bounds are: which are looked at again, on which items, and at which level."""

import pytest

from components.application import constant
from components.core import Dataset, Limits, Metrics, Policy, Step, Task, read_jsonl
from components.evaluation import evaluate
from components.evaluation.benchmarks import joined
from components.evaluation.check import Subject
from components.evaluation.items import draw
from components.evaluation.looks import planned
from components.evaluation.stage import Config
from components.measure import LEVEL
from components.measure.bounds import failing, worsening
from components.measure.item_figures import Apart, Kept, Mean
from components.measure.item_figures import joined as joined_figure
from components.measure.scenarios import Scores


def test_looks_double_up_to_the_cap_and_share_the_level() -> None:
    looks = planned({"toxicity": 16, "mmlu": 48, "bbq": 300}, looks=3, at_most=80)
    assert looks.sizes == {"toxicity": (16, 32, 64), "mmlu": (48, 80), "bbq": (300,)}
    assert looks.levels == {"toxicity": LEVEL / 3, "mmlu": LEVEL / 2, "bbq": LEVEL}


def test_only_what_more_items_could_settle_is_looked_at_again() -> None:
    looks = planned(dict.fromkeys(("open", "held", "far", "near", "zero", "spent", "last"), 16), looks=3, at_most=200)
    bounds = [
        failing("open", [0.0] * 16, 0.05), failing("held", [0.0] * 16, 0.5), failing("far", [1.0] * 16, 0.1),
        worsening("near", [0.0] * 16, [1.0] + [0.0] * 15, 0.05), failing("zero", [0.0] * 16, 0),
        failing("spent", [0.0] * 16, 0.05), failing("last", [0.0] * 64, 0.01),
    ]  # fmt: skip
    asked = {**dict.fromkeys(looks.sizes, 16), "last": 64}
    assert looks.wanted(bounds, asked, used_up={"spent"}) == {"open": 32, "near": 32}


@pytest.mark.parametrize(("name", "shots"), [("boolq", 0), ("boolq", 3), ("crows_pairs", 0)])
def test_the_items_of_a_look_are_among_those_of_the_next(step: Step, name: str, shots: int) -> None:
    few, many = (draw(name, count, step.workspace, seed=3, shots=shots) for count in (8, 24))
    rest = draw(name, 24, step.workspace, seed=3, shots=shots, first=8)
    assert many.items == (*few.items, *rest.items)
    assert few.shots == many.shots == rest.shots
    assert len(few.shots) == shots
    assert not any(item in many.items for item in many.shots)


def test_results_of_two_looks_are_those_of_one_on_all_items() -> None:
    first = Scores(hits={"mmlu": (1, 0), "sst2": (1,)}, swapped={"mmlu": (1, 1)}, named={"mmlu": (1,)}, centred=("x",))
    second = Scores(hits={"mmlu": (0, 0), "sst2": (1, 0)}, swapped={"mmlu": (0, 1)}, named={"mmlu": (0,)})
    both = joined(first, second)
    assert both.hits == {"mmlu": (1, 0, 0, 0), "sst2": (1, 0)}, "the hub's are asked anew, and whole"
    assert (both.swapped, both.named, both.centred) == ({"mmlu": (1, 1, 0, 1)}, {"mmlu": (1, 2)}, ("x",))


def test_figures_beside_a_check_are_of_the_items_of_both_looks() -> None:
    assert joined_figure(Mean(values={"a": 1}), Mean(values={"b": 0})) == Mean(values={"a": 1, "b": 0})
    kept = joined_figure(Kept(clean={"a": 1}, attacked={"a": 0}), Kept(clean={"b": 1}, attacked={"b": 1}))
    assert kept == Kept(clean={"a": 1, "b": 1}, attacked={"a": 0, "b": 1})
    apart = Apart(kind="ratio", groups={"women": {"a": 1}, "men": {"b": 0}})
    more = joined_figure(apart, Apart(kind="ratio", groups={"men": {"c": 1}}))
    assert more == Apart(kind="ratio", groups={"women": {"a": 1}, "men": {"b": 0, "c": 1}})


def test_an_evaluation_asks_more_items_until_the_bound_is_settled(
    step: Step, task: Task, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ask = Subject.ask
    monkeypatch.setattr(Subject, "ask", lambda self, rows, hits=None: asked.append(len(rows)) or ask(self, rows, hits))
    metrics = Metrics(primary="f1", at_least=0.0)
    found = evaluate(
        Config(benchmarks={}, checks={"toxicity": 8}, otherwise=0, requests=1),
        task=task, metrics=metrics, policy=Policy(failing_at_most={"toxicity": 0.25}),
        limits=Limits(latency_p95_seconds=60, memory_gb=60, cost_per_1000_answers=60),
        candidate=constant(task, "unknown"), references={}, dataset=dataset, slices=(), step=step,
    )  # fmt: skip
    (bound,) = found.bounds
    rows = read_jsonl(step.store.file(found.check_details["toxicity"].tables["after"]))
    assert len(rows) == bound.n == len({row["id"] for row in rows})
    assert (bound.verdict, bound.level) == ("holds", round(LEVEL / 3, 6))
    assert sum(asked) == bound.n, "what was asked at one look is not asked at the next"
    assert sum(row["id"].startswith("provoking") for row in rows) > 8, "the first look asks eight"
