"""`ninefold init`: a commented contract and profile for a kind of task, to be filled in. It overwrites nothing."""

from pathlib import Path
from typing import TypedDict

import jinja2
import yaml
from rich.console import Console

from components.core import BadInput, UseCase, parse, publish_text
from components.tasks import kind_of, names

TEMPLATES = Path(__file__).parent / "templates"


class Written(TypedDict):
    """The files that were written."""

    contract: str
    profile: str


def init(kind: str, name: str, folder: Path) -> Written:
    """Write `<name>.yaml` and `<name>.profile.yaml` into `folder`.

    Raises BadInput for an unknown kind, a name that no use case may have, and where one of the files is there already.
    """
    of_kind = kind_of(kind)
    contract, profile = folder / f"{name}.yaml", folder / f"{name}.profile.yaml"
    asked, answered = of_kind.columns
    # the answer of a conversation is the last one of its turns
    fields = (
        {asked: asked} | ({} if of_kind.turns else {answered: answered}) | ({"passage": "passage"} if of_kind.asks else {})
    )
    fields |= {"tests": "tests"} if of_kind.tested else {}
    values: dict[str, object] = {
        "name": name, "file": contract.name, "profile": profile.name, "kind": kind, "kinds": names(),
        "own": "".join(f"  {key}: {_in_a_line(value)}\n" for key, value in of_kind.example.items()),
        "role": "examples_and_knowledge" if of_kind.asks else "examples",
        "role_note": "   # questions with answers; their passages are the knowledge base" if of_kind.asks else "",
        "rows": f"{name}.jsonl", "fields": ", ".join(f"{ours}: {theirs}" for ours, theirs in fields.items()),
        "by": ", by: passage" if of_kind.asks else "", "metrics": of_kind.metrics, "asks": of_kind.asks, "asked": asked,
        "turns": of_kind.turns,
    }  # fmt: skip
    texts = {contract: _filled("contract", values), profile: _filled("profile", values)}
    parse(UseCase, yaml.safe_load(texts[contract]), "ninefold init")
    if there := [path for path in texts if path.exists()]:
        raise BadInput(f"{', '.join(map(str, there))}: there already; give another --name or --folder, nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        publish_text(path, text)
    return Written(contract=str(contract), profile=str(profile))


def show(written: Written) -> None:
    """Say what was written, and what to do next."""
    console = Console()
    console.print(f"  contract  {written['contract']}\n  profile   {written['profile']}", highlight=False, soft_wrap=True)
    console.print(
        "Replace each <fill in …>, put your rows where `path` says, then: "
        f"ninefold plan {written['contract']} --profile {written['profile']}",
        highlight=False,
        soft_wrap=True,
    )


def _in_a_line(value: object) -> str:
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, default_flow_style=True, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")


def _filled(template: str, values: dict[str, object]) -> str:
    text = (TEMPLATES / f"{template}.yaml.j2").read_text(encoding="utf-8")
    return jinja2.Template(text, undefined=jinja2.StrictUndefined, keep_trailing_newline=True).render(values)
