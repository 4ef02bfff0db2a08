"""`ninefold why`: what one served answer stands on."""

from typing import Any

from rich.console import Console

from components import serving
from components.core import BadInput, Store, Workspace
from components.governance import Registry
from components.lineage import why as explain
from components.serving import traffic_path
from flows.lineage import bias_said, candidate_of, graph_of

LAST = "last"


def why(answer: str, workspace: Workspace | None = None) -> dict[str, Any]:
    """The walk back from an answer (the id that the endpoint returned, or `last`: the newest in the log).

    Raises BadInput for an id that no endpoint of this workspace gave.
    """
    workspace = workspace or Workspace()
    path = traffic_path(workspace)
    log = serving.Traffic(path) if path.is_file() else None
    answered = (log.last() if answer == LAST else log.find(answer)) if log else None
    if answered is None:
        raise BadInput(
            f"answer '{answer}': no endpoint of {workspace.root} gave it. Give `ninefold.answer_id` of a reply, or `last`"
        )
    versions = Registry(workspace).versions(answered["model"])
    same = [one for one in versions if one.candidate == answered["candidate"]]
    number = answered["model_version"]
    chosen = next((one for one in same if str(one.version) == number), same[-1] if same and number is None else None)
    if chosen is None:
        raise BadInput(
            f"answer '{answered['id']}': the Candidate {answered['candidate'][:12]} that gave it is not registered as "
            f"'{answered['model']}' here, so there is nothing to walk back to"
        )
    candidate, bundle = candidate_of(workspace, chosen), Store(chosen.bundle(workspace) / "store")
    return explain(answered, candidate, bundle, workspace.store, graph_of(workspace, chosen))


def show(report: dict[str, Any]) -> None:
    """Print the walk, one step a line."""
    console, answer, release = Console(), report["answer"], report["release"]

    def line(name: str, text: str) -> None:
        console.print(f"  {name:<11} {text}", highlight=False, markup=False, soft_wrap=True)

    console.print(
        f"{answer['id']}: {answer['input']!r} → {answer['answer']!r}", highlight=False, markup=False, soft_wrap=True
    )
    line("version", f"{release.get('model')} {release.get('version')}, candidate {report['candidate']}")
    for passage in report["passages"]:
        origin = f"{passage['source']}, {passage['licence']}" if passage["source"] else "source unknown"
        line("passage", f"{passage['id']} ({origin}; score {passage['score']:.3f}): {_cut(passage['text'])}")
    prompt, model, adapter = report["prompt"], report["model"], report["adapter"]
    line("prompt", f"{prompt['method']}, digest {prompt['digest']}" if prompt else "none")
    if model:
        named = f"{model['name']}, {model['licence']}, {model['origin']}" if "licence" in model else model["kind"]
        line("model", f"{named} {model.get('object') or ''}".strip())
    line("adapter", f"{adapter['technique']}, {adapter['objective']}, object {adapter['object']}" if adapter else "none")
    rows = []
    for one in report["training"]:
        origins = [f"{count:,} {origin}" for origin, count in one["origins"].items()]
        rows.append(f"{one['rows']} {one['count']:,} rows ({', '.join([*origins, one['digest'][:12]])})")
    line("training", ", ".join(rows) or "no weights were made from rows of this use case")
    for source in report["data"]["sources"]:
        line("data", f"{source.get('origin')}: {source.get('licence')}, sha256 {source.get('sha256')}")
    for who in report["data"]["touched_by"] or ():
        line("touched by", who)
    dropped = ", ".join(f"{count} {reason}" for reason, count in (report["data"]["dropped"] or {}).items())
    line("dropped", dropped or "nothing")
    line("bias", bias_said(report["data"]["bias"]) if report["data"]["bias"] else "not measured")
    for evidence in report["evaluation"]:
        figures = ", ".join(f"{name} {value:.3f}" for name, value in evidence.items() if isinstance(value, float))
        line("evaluation", f"{figures} (digest {evidence['digest']})")
    for entry in report["approval"]:
        line("approval", f"{entry['event']} by {entry['by']}, {entry['at']}: {entry['reason']}")
    if not report["approval"]:
        line("approval", "nobody has approved this version")


def _cut(text: str | None, most: int = 160) -> str:
    return "text is gone" if text is None else text if len(text) <= most else f"{text[:most]}…"
