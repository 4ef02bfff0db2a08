"""Searches for demonstrations and wordings against a model in which it is planted what helps."""

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import jsonschema
import pytest
import yaml

from components.cards import write_card
from components.core import (
    BadInput,
    Candidate,
    Checkpoint,
    Dataset,
    MachineFault,
    MissingPackage,
    Row,
    Runtime,
    Workspace,
    parse,
    read_rows,
    variants,
)
from components.core.code import ROOT
from components.prompting import Config, Prompted, prompt, space, stage
from components.prompting.halving import measured
from components.prompting.searches import SEARCHES, search_named
from components.selection.stage import basic_prompt
from flows.run import Run
from flows.summary import search_rows
from tests.cards.record import record
from tests.conftest import USE_CASE, new_home
from tests.prompting.planted_endpoint import KEY, PLANTED, Planted
from tests.selection.small import CITIES, RIVERS, questions, split, step_in

WAYS = (
    "what is the river of {}",
    "please name the river of {}",
    "which water runs through {}",
    "the river in {} is called",
    "tell me the river of {} now",
    "{} lies on which river",
    "river of the city of {} please",
    "who knows the river at {}",
    "what do they call the river in {}",
    "if i am in {} which river is it",
)
"""Twelve cities asked for in ten ways: 48 rows of training, 72 of validation."""


SMALL = {"demonstrations": 12, "rows": 24, "calls": 252}


@pytest.fixture
def served() -> Iterator[Callable[..., Planted]]:
    servers: list[Planted] = []

    def start(**settings: bool) -> Planted:
        servers.append(Planted(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def searched(server: Planted, folder: Path, solved: bool | None = None, **search: object) -> Prompted:
    step = step_in(folder)
    task, metrics, _ = questions(step)
    task = task.model_copy(update={"abstain": None})
    metrics = metrics.model_copy(update={"primary": "f1", "floors": {}})
    rows = [
        Row(id=f"{i}-{j}", text=way.format(city), answer=river)
        for j, way in enumerate(WAYS)
        for i, (city, river) in enumerate(zip(CITIES, RIVERS, strict=True))
    ]
    dataset = Dataset(
        splits={"train": split("train", rows[:48], step), "validation": split("validation", rows[48:], step)}, provenance=""
    )
    candidate = Candidate(
        task=task.kind,
        runtime=Runtime(engine="openai", url=server.url),
        model=Checkpoint(name="planted", object="", licence="mit", origin=server.url),
        prompt=basic_prompt(task, False, 8),
    )
    return prompt(
        settings(**search),
        task=task,
        metrics=metrics,
        candidate=candidate,
        dataset=dataset,
        solved=solved,
        step=step,
    )


def settings(**search: object) -> Config:
    given = {"methods": ["zero_shot"], "rows": [4], "keep": [1], "answer_tokens": 8, "refinements": [], "shots": 2}
    return parse(Config, {**given, "search": {**SMALL, **search}}, "section 'prompting'")


@pytest.mark.parametrize("by", SEARCHES)
def test_a_wording_and_a_demonstration_that_help_are_found_and_adopted(
    by: str, served: Callable[..., Planted], tmp_path: Path
) -> None:
    worded = searched(served(), tmp_path / "worded", by=by, instructions=[PLANTED, "Note: be kind."])
    assert {one.by: one.decision.verdict for one in worded.searched} == {by: "adopt", "random": "adopt"}
    assert worded.decision.adopted
    shown = searched(served(), tmp_path / "shown", by=by, demonstrations=6)
    assert {one.decision.verdict for one in shown.searched} == {"adopt"}
    assert KEY in [answer for _, answer in shown.candidate.prompt.turns[0].examples]
    assert all(one.evidence in shown.objects for one in shown.searched)


def test_a_rung_that_shows_no_solved_case_is_searched_for_wordings_alone(
    served: Callable[..., Planted], tmp_path: Path
) -> None:
    found = searched(served(), tmp_path, solved=False, by="dspy", instructions=[PLANTED])
    assert {one.by: (one.decision.verdict, one.demonstrations) for one in found.searched} == {
        "dspy": ("adopt", 0),
        "random": ("adopt", 0),
    }


@pytest.mark.parametrize("by", SEARCHES)
def test_what_helps_nobody_is_not_adopted(by: str, served: Callable[..., Planted], tmp_path: Path) -> None:
    found = searched(served(plain=True), tmp_path, by=by, instructions=[PLANTED])
    assert "adopt" not in {one.decision.verdict for one in found.searched}
    assert found.winner == "zero_shot"
    assert not found.decision.adopted


@pytest.mark.parametrize("by", SEARCHES)
def test_calls_are_counted_as_the_model_has_them_and_stay_within_the_budget(
    by: str, served: Callable[..., Planted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, module, asked = served(), search_named(by), []
    search = module.search

    def counted(choices: space.Space) -> object:
        before = server.asked
        found = search(choices)
        asked.append((server.asked - before, choices.used, choices.budget))
        return found

    monkeypatch.setattr(module, "search", counted)
    found = searched(server, tmp_path, by=by, instructions=[PLANTED])
    ((calls, used, budget),) = asked
    assert calls == used == found.searched[0].calls <= budget == SMALL["calls"]
    assert 0 <= found.searched[-1].calls - used < SMALL["rows"], "random search has as many, to a whole measurement"


def test_dspy_is_compared_with_random_search_row_by_row(served: Callable[..., Planted], tmp_path: Path) -> None:
    found = searched(served(), tmp_path, by="dspy", instructions=[PLANTED])
    dspy, random = found.searched
    assert random.over_random is None
    assert dspy.over_random.comparison.gain.n == 72
    assert dspy.over_random.comparison.gain.low is not None
    assert f"over random search with {random.calls} calls (gain" in found.notes[0]
    assert not {"litellm", "diskcache"} & sys.modules.keys(), "nothing is asked behind our back, and no pickle is kept"


def test_it_is_in_summary_and_card(served: Callable[..., Planted], tmp_path: Path) -> None:
    found = searched(served(), tmp_path / "run", by="dspy", instructions=[PLANTED]).model_dump(mode="json")
    rows = search_rows({"data": {}, "prompting": found})
    schema = json.loads((ROOT / "flows/summary.schema.json").read_text())
    jsonschema.validate(rows, {"$defs": schema["$defs"], **schema["properties"]["searches"]})
    assert [(row["by"], row["decision"]["gain"]["n"]) for row in rows] == [("dspy", 72), ("random", 72)]
    sealed = record()
    dump = {**sealed.results["prompting"], "searched": found["searched"]}
    card = write_card(sealed.model_copy(update={"results": {**sealed.results, "prompting": dump}}), tmp_path).read_text()
    assert f"| prompting | dspy | {rows[0]['calls']} | 24 | {PLANTED} |" in card
    assert "Other wordings and demonstrations" not in write_card(sealed, tmp_path / "plain").read_text()


def test_rows_that_judged_a_search_decide_nothing_later(
    served: Callable[..., Planted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, left, deciding = [], [], stage.deciding_rows

    def seen(candidate: Candidate, rows, *given: object, **more: object):
        if rows.name == "train, judging":
            judged.append(rows)
        return measured(candidate, rows, *given, **more)

    def noted(dataset: Dataset, sides: object, task: object, step):
        left.extend(row.id for row in dataset.rows("train", step.store))
        judging = {row.id for rows in judged for row in read_rows(rows, step.store)}
        assert judging
        assert not judging & set(left)
        return deciding(dataset, sides, task, step)

    monkeypatch.setattr(space, "measured", seen)
    monkeypatch.setattr(stage, "deciding_rows", noted)
    searched(served(), tmp_path)
    assert len(left) == 48 - SMALL["rows"]


def test_a_killed_search_goes_on_to_the_same_end(
    served: Callable[..., Planted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, count = served(), []

    def killed(*given: object, **more: object) -> object:
        count.append(0)
        if len(count) == 5:
            raise KeyboardInterrupt
        return measured(*given, **more)

    whole = searched(server, tmp_path / "whole", by="dspy", instructions=[PLANTED])
    with monkeypatch.context() as patch:
        patch.setattr(space, "measured", killed)
        with pytest.raises(KeyboardInterrupt):
            searched(server, tmp_path / "killed", by="dspy", instructions=[PLANTED])
    assert searched(server, tmp_path / "killed", by="dspy", instructions=[PLANTED]).digest == whole.digest


def test_a_model_that_fails_ends_the_search_and_is_no_figure(served: Callable[..., Planted], tmp_path: Path) -> None:
    with pytest.raises(MachineFault, match="404"):
        searched(served(fails=60), tmp_path, by="dspy")


def test_a_writers_wordings_are_tried_by_both_and_asked_for_once(served: Callable[..., Planted], tmp_path: Path) -> None:
    server = served()
    writer = {"url": server.url, "model": "writer", "wordings": 4}
    found = searched(server, tmp_path, by="dspy", writer=writer)
    assert found.notes[0] == "writer wrote 2 usable wordings of 4"
    assert {one.instruction for one in found.searched if one.decision.adopted} & {PLANTED}
    assert server.written == 4
    assert searched(server, tmp_path, by="dspy", writer=writer).digest == found.digest
    assert server.written == 4


def test_a_writer_needs_a_contract_that_lets_inputs_leave_this_machine(tmp_path: Path) -> None:
    profile, contract = tmp_path / "mine.yaml", tmp_path / "desk.yaml"
    search = {"by": "dspy", "writer": {"url": "http://127.0.0.1:9", "model": "writer"}}
    profile.write_text(yaml.safe_dump({"name": "mine", "prompting": {"search": search}}))
    desk = yaml.safe_load(USE_CASE.read_text())
    desk["data"]["sources"] = [one for one in desk["data"]["sources"] if one["path"].startswith("asset:")]
    workspace = Workspace(new_home(tmp_path / "home"))
    for allowed in (False, True):
        contract.write_text(yaml.safe_dump({**desk, "policy": {**desk["policy"], "hosted_models": allowed}}))
        run = Run.read(contract, str(profile), workspace)
        if allowed:
            assert run.settings("prompting", Config).search.writer
            stage.check_settings(run.settings("prompting", Config), run.use_case)
            continue
        with pytest.raises(
            BadInput, match=r"'search\.writer'.*policy\.hosted_models: false.*allow hosted models"
        ) as refused:
            run.check_settings()
        assert refused.value.exit_code == 2


def test_dspy_without_its_package_is_answered_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(variants, "version", version)
    assert settings().search.by == "random"
    with pytest.raises(MissingPackage, match=r"search\.by 'dspy' needs .* pip install dspy"):
        settings(by="dspy")


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"by": "grid"}, r"search\.by 'grid' is not known; allowed: dspy, random"),
        ({"by": "random", "writer": {"url": "u", "model": "m"}}, r"'writer': search 'random' asks no model .* by: dspy"),
        ({"calls": 100}, r"'calls': 100 are too few for 12 demonstrations and 24 rows; give 120 or more"),
        ({"instructions": ["Fill {{input}}"]}, r"'instructions': 'Fill \{\{input\}\}' is no plain sentence"),
        ({"rows": 3}, r"rows.*greater than or equal to 8"),
    ],
)
def test_settings_that_do_not_go_together_are_bad_input(search: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        settings(**search)


def test_without_a_search_a_result_says_nothing_of_one() -> None:
    assert Config().search is None
    fields = dict.fromkeys(("decision", "candidate", "winner", "proposed", "rounds"))
    assert "searched" not in Prompted.model_construct(**fields).model_dump(warnings=False)
