"""The record of a run: its MLflow run while it is open, its card, and `summary.json` when it ends."""

import logging
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import psutil
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType, FlowRunFilterTags
from prefect.client.schemas.objects import StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from components import cards
from components.cards.pdf import pdf
from components.core import (
    BadInput,
    Candidate,
    MachineFault,
    Release,
    Workspace,
    publish_bytes,
    read_jsonl,
)
from components.core.code import ROOT, SHIPPED
from components.core.files import disk_faults, publish_sealed
from components.core.rates import measured_once, processor
from components.core.tracking import RUN, Tracking
from components.deployment.requirements import requirements
from components.evaluation import Evaluated
from components.governance import Registry
from components.use_case import texts
from flows.estimate import case_of, seconds_of_rungs
from flows.foreseen import look_at_rows
from flows.mlflow_pages import version_page
from flows.page import shown_on_its_page
from flows.run import USE_CASES, Run
from flows.runs import begin
from flows.steps import Steps
from flows.summary import Summary, provenance, results, summarise

logger = logging.getLogger(__name__)
PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "prefect",
    "mlflow",
    "great-expectations",
    "evidently",
    "onnxruntime-genai",
)


def claim(run_id: str, workspace: Workspace) -> None:
    """Tag this flow run with `run_id` and its workspace, and tell Prefect that earlier ones with both tags, killed while
    RUNNING, have crashed: no zombie stays on its page. The workspace's lock is held, so none of them can be alive; the same
    run in another workspace, on a server that a team shares, is let be.

    Only the flow run gets the tags: for a tagged task Prefect asks its server for a slot, which took two seconds each.
    """
    tags = [run_id, workspace.name]
    current = flow_run.get_id()
    assert current, "only called inside the flow"
    running = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING]))
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(current), tags={*flow_run.get_tags(), *tags})
        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=tags), state=running)
        for other in client.read_flow_runs(flow_run_filter=wanted):
            if str(other.id) != current:
                client.set_flow_run_state(other.id, Crashed(message="its process ended; a later run went on"), force=True)


@contextmanager
def opened(run: Run, until: str | None) -> Iterator[Steps]:
    """Steps of a run, holding the workspace's lock, inside one MLflow run that is found again by the run's key."""
    run.check_settings()
    estimates = seconds_of_rungs(run, case_of(run, look_at_rows(run), measured_once(run.workspace.rates)))
    with disk_faults(run.workspace.root), run.workspace.lock():  # whichever library meets a full one
        claim(run.id, run.workspace)
        begin(run.folder, run.command(until))
        tracking = Tracking(run.workspace, run.use_case.name)
        tracking.bury()
        tags = {RUN: run.id, "ninefold.profile": run.profile.name, "ninefold.use_case": run.use_case.name}
        parent = tracking.begin(
            run.key, run.id, params={"profile": run.profile.name, "use_case": run.use_case.name}, tags=tags
        )
        do = Steps(run, tracking, parent, until, estimates=estimates)
        try:
            # the faults of a disk here too, so that the summary says what the command line says
            with disk_faults(run.workspace.root), shown_on_its_page(run.use_case.name):
                yield do
        except BaseException as error:
            try:
                finish(do, error)
            except Exception:
                logger.exception("the record of a run that failed could not be written")
            raise


def finish(do: Steps, end: BaseException | None) -> Summary:
    """Write and return the summary; `end` is the gate that said no, the stop that was asked for, what failed, or None."""
    assert do.tracking is not None, "only a run that is tracked finishes"
    summary = summarise(do, end)
    publish_sealed(do.run.summary_file(summary["until"]), summary)
    do.tracking.finish(do.parent, "FINISHED" if summary["exit"] in (0, 1) else "FAILED")
    return summary


def publish_card(do: Steps, candidate: Candidate, evaluated: Evaluated, release: Release | None = None) -> Path:
    """Write the card of what the run knows by now: a draft from evaluation on, the final one after deployment. Without
    tracking (`ninefold plan`) nothing is written: its folder is returned."""
    if do.tracking is None:
        return cards_folder(do.run)
    store = do.run.workspace.store
    rows = read_jsonl(store.file(evaluated.evidence.table))
    record = cards.Record(
        use_case=do.run.use_case.model_dump(mode="json"),
        profile=do.run.profile.name,
        run_id=do.run.id,
        results=results(do),
        keys={done.name: done.key for done in do.done if done.key},
        settings={done.name: done.settings for done in do.done},
        unclimbed=do.unclimbed,
        profile_settings=do.run.profile_settings,
        approval=release.approval.model_dump(mode="json") if release and release.approval else None,
        measured={done.name: done.measured for done in do.done},
        candidate=candidate,
        evaluated=evaluated.model_dump(mode="json"),
        model={"name": release.model_name, "version": release.version, "alias": release.alias} if release else None,
        decision=evaluated.decision,
        provenance=provenance(do),
        store=_store_beside(do.run),
        environment=environment(do.run),
        examples=cards.pick_examples(rows, do.run.use_case.metrics.primary),
        failed={
            name: items
            for name, one in evaluated.check_details.items()
            if (items := cards.failed_items(read_jsonl(store.file(one.tables["after"]))))
        },
        libraries=dict(line.split("==") for line in requirements(candidate, server=True)),
        files={digest: store.manifest(digest) for digest in candidate.objects},
        status="final" if release else "draft",
    )
    do.card = cards.write_card(record, cards_folder(do.run))
    if findings := cards.lint(do.card):
        for key, text in texts(do.run.use_case.model_dump(mode="json")):
            if unfilled := cards.UNFILLED.search(text):
                shown = f"the unfilled text '{unfilled[0]}', which the card shows"
                raise BadInput(f"{do.run.path}: key '{key}': holds {shown}: write what is meant")
        # what it was made from is sealed and sound: the text is our own doing, and such a card must not go out
        raise MachineFault(f"the card contradicts itself or is unfilled: {'; '.join(map(str, findings))}")
    if release:
        page = version_page(do, record)
        Registry(do.run.workspace).publish(release.model_name, release.version, cards.record_digest(record), page)
    if release and do.run.profile.cards == "project":  # four seconds that a trial does not need: `ninefold card print`
        publish_bytes(do.card.with_suffix(".pdf"), pdf(record, cards.markdown(record)))
    return do.card


def cards_folder(run: Run) -> Path:
    """Where cards go: of the use cases that the project ships into its `model_cards/`, of one's own beside its YAML, of
    profiles that only try things out, and of shipped use cases in an installed wheel, into the workspace."""
    ours = run.path.resolve().is_relative_to(USE_CASES)
    if run.profile.cards == "workspace" or (ours and SHIPPED.is_dir()):
        return run.workspace.root / "model_cards"
    return ROOT / "model_cards" if ours else run.path.resolve().parent / "model_cards"


def _store_beside(run: Run) -> str | None:
    """The store as a card sees it, where both lie in the project or in the workspace; a card names no other folder."""
    cards, store = cards_folder(run), run.workspace.store.root
    if not store.is_relative_to(cards.parent):
        return None
    return Path("../..", store.relative_to(cards.parent)).as_posix()


def environment(run: Run) -> dict[str, str]:
    """Versions and machine that the figures were measured on."""
    versions = {name: version(name) for name in PACKAGES}
    memory = f"{psutil.virtual_memory().total / 2**30:.0f} GiB"
    return {
        **versions,
        "python": platform.python_version(),
        "processor": processor(),
        "cores": str(psutil.cpu_count()),
        "memory": memory,
        "system": platform.system(),
    }
