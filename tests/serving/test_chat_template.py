"""The chat template that a release was measured with is the one that it is served with, and it cannot exhaust the server."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.application import checkpoint, load
from components.core import (
    Candidate,
    Machine,
    MachineFault,
    Prompt,
    PromptTurn,
    Row,
    Runtime,
    Step,
    Store,
    Workspace,
    publish_json,
)
from components.deployment.bundle import export
from components.governance import bundle_folder, candidate_in
from components.serving import candidate_of, load_bundle
from tests.zoo import SILENT


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def candidate(workspace: Workspace) -> Candidate:
    return two_layer(workspace)


def two_layer(workspace: Workspace) -> Candidate:
    """The two-layer model, asked in its own template."""
    step = Step("served", workspace.store.scratch("served"), workspace, Machine(threads=1))
    return Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="transformers", dtype="float32"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=Prompt(method="zero_shot", turns=(PromptTurn(user="{{input}}", max_new_tokens=4),)),
    )


def test_an_edited_template_is_not_served(workspace: Workspace, candidate: Candidate, tmp_path: Path) -> None:
    bundle = export(candidate, workspace.store, tmp_path / "bundle", [])
    load_bundle(bundle)
    (template,) = bundle.rglob("chat_template.jinja")
    for edit in SILENT:
        edited_is_refused(edit, template, bundle)


def edited_is_refused(edit: str, template: Path, bundle: Path) -> None:
    template.write_text(edit)
    with pytest.raises(MachineFault, match=r"the bundle was changed: .*chat_template\.jinja"):
        load_bundle(bundle)


def test_a_template_edited_with_every_digest_made_right_is_another_candidate(
    workspace: Workspace, candidate: Candidate, tmp_path: Path
) -> None:
    """What was registered names the Candidate by its digest, which covers the template's: `ninefold serve` asks it first."""
    bundle = export(candidate, workspace.store, bundle_folder(workspace, candidate.digest), [])
    version = SimpleNamespace(candidate=candidate.digest, model="desk", version=1)  # all that is asked of it
    assert candidate_in(workspace, version) == candidate
    edited = with_template(candidate, Store(bundle / "store"), SILENT[0], tmp_path)
    publish_json(bundle / "candidate.json", edited)
    load_bundle_without_the_old(bundle, candidate)
    with pytest.raises(MachineFault, match="not the one that was registered"):
        candidate_in(workspace, version)


def load_bundle_without_the_old(bundle: Path, candidate: Candidate) -> None:
    """The bundle holds together by itself: nothing in the folder shows the edit."""
    assert candidate.model
    shutil.rmtree(bundle / "store" / "objects" / candidate.model.object)
    load_bundle(bundle)
    assert candidate_of(bundle) != candidate


def with_template(candidate: Candidate, store: Store, template: str, tmp_path: Path) -> Candidate:
    """`candidate` with another template in its model's folder, put into `store`."""
    assert candidate.model
    folder = Path(shutil.copytree(store.path(candidate.model.object), tmp_path / "edited"))
    (folder / "manifest.json").unlink()
    (folder / "chat_template.jinja").write_text(template)
    return candidate.model_copy(update={"model": candidate.model.model_copy(update={"object": store.put(folder)})})


def test_a_template_that_explodes_on_one_question_ends_that_answer_alone(
    workspace: Workspace, candidate: Candidate, tmp_path: Path
) -> None:
    template = "{% if 'moon' in messages[-1].content %}{{ 'x' * 10 ** 9 }}{% endif %}{{ messages[-1].content }}"
    bad = with_template(candidate, workspace.store, template, tmp_path)
    with load(bad, workspace.store, Machine(threads=1)) as application:
        before = application.answer([Row(id="1", text="tea?", answer="")])
        with pytest.raises(ValueError, match="chat template: stopped after 2 s or 512 MB"):
            application.answer([Row(id="2", text="the moon?", answer="")])
        assert application.answer([Row(id="1", text="tea?", answer="")]) == before
