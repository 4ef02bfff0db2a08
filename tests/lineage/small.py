"""A workspace by hand: a data step, an adapter made from its rows, an index, a prompt, and the databases beside them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from components.core import (
    Adapter,
    Candidate,
    Checkpoint,
    Feedback,
    FeedbackStore,
    Prompt,
    PromptTurn,
    Runtime,
    Seal,
    Workspace,
    canonical,
    publish_text,
    write_jsonl,
)
from components.core.store import inputs_of

ADA = "ada@example.org"
ROWS = {
    "train": [
        {"id": "a" * 16, "text": f"What did {ADA} ask for?", "answer": "tea", "source": "calls", "origin": "synthetic"}
    ],
    "test": [{"id": "b" * 16, "text": "Who asked for tea?", "answer": "unknown", "source": "calls", "origin": "collected"}],
}


def put(workspace: Workspace, name: str, **files: Any) -> str:
    """An object of files: a list is written as JSONL."""
    folder = workspace.store.scratch("k") / name
    for file, content in files.items():
        path = folder / file.replace("_", ".")
        write_jsonl(path, content) if isinstance(content, list) else publish_text(path, content)
    return workspace.store.put(folder)


def seal(workspace: Workspace, key: str, name: str, result: dict[str, Any], **inputs: Any) -> None:
    """A sealed step."""
    made = json.loads(canonical(result))
    workspace.store.seal(Seal(key=key * 64, name=name, result=made, inputs=inputs_of(inputs)))


def tuned(base: str, adapter: str) -> Candidate:
    """The Candidate that tuning made."""
    shown = PromptTurn(user="{{input}}", examples=((ROWS["train"][0]["text"], "tea"),))
    return Candidate(
        task="question_answering",
        runtime=Runtime(engine="transformers"),
        model=Checkpoint(name="base", object=base, licence="mit", origin="hub:base@1"),
        adapter=Adapter(object=adapter, technique="lora", objective="sft"),
        prompt=Prompt(method="few_shot", turns=(shown,)),
    )


def filled(home: Path, rows: dict[str, Any] = ROWS) -> Workspace:
    """The workspace; with `ROWS` the subject stands in the training split, and in what was made from it."""
    workspace = Workspace(home)
    splits = {
        name: {"name": name, "object": put(workspace, name, rows_jsonl=lines), "count": len(lines)}
        for name, lines in rows.items()
    }
    dataset = {"splits": splits, "provenance": put(workspace, "provenance", provenance_json="{}")}
    seal(workspace, "d", "components.data.prepare", {"dataset": dataset})
    base = put(workspace, "base", model_safetensors="weights of the base")
    seal(workspace, "c", "checkpoint", {"name": "base", "object": base}, source="hub")
    seal(workspace, "s", "components.selection.select", {"model": {"object": base}}, dataset=dataset)
    adapter = put(workspace, "adapter", adapter_safetensors="weights that were taught")
    seal(workspace, "e", "components.tuning.tune", {"candidate": tuned(base, adapter)}, dataset=dataset, base=base)
    onnx = put(workspace, "onnx", model_onnx="both in one")
    seal(workspace, "o", "onnx", {"object": onnx}, inputs=[base, adapter])
    FeedbackStore(workspace.feedback).add(
        Feedback(kind="rating", answer_id="1", rating=1, question=f"{ADA} again"),
        Feedback(kind="rating", answer_id="2", rating=1, question="someone else"),
    )
    publish_text(workspace.logs / "run.log", f"asked by {ADA}\nasked by someone else\n")
    with closing(sqlite3.connect(workspace.root / "other.db")) as database, database:
        database.execute("pragma secure_delete = off")
        database.execute("create table notes (body text)")
        database.executemany("insert into notes values (?)", [(f'{{"said": "by {ADA.upper()}"}}',), (f"deleted {ADA}",)])
        database.execute("delete from notes where body like 'deleted%'")
    return workspace
