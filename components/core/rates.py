"""What this processor computes in each dtype, measured once a workspace, and the dtype that runs take from it.

    python -m components.core.rates        measures and prints JSON

`rates.json` in the workspace is sealed by its digest and changed by `ninefold doctor --measure` alone, so that what was
begun in one dtype is finished in it. Linear layers take nearly all the time of a language model, so their rate decides. A
rate is that of one thread in its own processor seconds, which other work hardly changes: beside eight busy processes, two
threads by the clock came to 11 GFLOP/s in float32 and 13 in bfloat16 where they are 327 and 170. Not covered: attention,
GPUs (always bfloat16).
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .code import ROOT
from .digest import Frozen, digest_of
from .errors import MachineFault
from .files import disk_faults, publish_json

if TYPE_CHECKING:
    import torch

FASTER = 1.2
"""bfloat16 is taken where it is so many times as fast as float32: a smaller gain is not worth its rounding."""
TOKENS = 2048
"""Rows of a product: a batch of eight texts of 256 tokens."""
ROUNDS = 4
"""Times that each rate is measured, the dtypes in turn; the best one counts, since other work only makes it slower."""
COPIED = 2**27
"""Bytes copied to measure the memory: more than any cache holds."""
SHAPES = {
    "smollm2-135m": ((576, 576), (576, 192), (576, 192), (576, 576), (576, 1536), (576, 1536), (1536, 576)),
    "two-layer": ((64, 64), (64, 32), (64, 32), (64, 64), (64, 128), (64, 128), (128, 64)),
}
"""Model → (in, out) of each linear layer in one of its blocks: query, key, value, output, gate, up, down."""
Shapes = tuple[tuple[int, int], ...]


class Rates(Frozen):
    """Rates of one thread of one machine."""

    processor: str
    torch: str
    threads: int = 1
    date: str
    gigabytes_per_second: float
    """Of the memory: bytes read and bytes written."""
    gigaflops: dict[str, dict[str, float]]
    """Model of SHAPES → dtype → 10⁹ operations a second in its linear layers."""

    def choice(self, model: str) -> tuple[str, str]:
        """(dtype, why) for the shapes of `model`: float32 unless bfloat16 is FASTER."""
        exact, rounded = (self.gigaflops[model][dtype] for dtype in ("float32", "bfloat16"))
        dtype = "bfloat16" if rounded >= FASTER * exact else "float32"
        return dtype, (
            f"a thread runs the linear layers of {model} at {exact:.3g} GFLOP/s in float32 and {rounded:.3g} in bfloat16 "
            f"({rounded / exact:.2f} times; bfloat16 from {FASTER:g} on)"
        )


def rates(path: Path) -> Rates | None:
    """What was measured in this workspace; None where nothing was. path: `Workspace.rates`

    Raises MachineFault where the file is not as it was written.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
    except ValueError:
        content = None
    if isinstance(content, dict) and content.pop("digest", "") == digest_of(content):
        return Rates.model_validate(content)
    raise MachineFault(f"{path}: not as it was measured; `ninefold doctor --measure` measures again")


def measured_once(path: Path) -> Rates:
    """The workspace's rates, measured now where nobody has (some seconds). Of two processes at once the first one counts."""
    measured = rates(path)
    if measured is None:
        with disk_faults(path), tempfile.TemporaryDirectory(dir=path.parent, prefix=".rates.") as folder:
            keep(measure(), Path(folder) / path.name)
            with suppress(FileExistsError):  # another process was first
                os.link(Path(folder) / path.name, path)
        measured = rates(path)
    assert measured is not None, "it was written above"
    return measured


def measured_again(path: Path) -> Rates:
    """Measure, whatever was measured before, and keep that."""
    measured = measure()
    keep(measured, path)
    return measured


def keep(measured: Rates, path: Path) -> None:
    """Write the rates, sealed by their digest."""
    content = measured.model_dump(mode="json")
    publish_json(path, {**content, "digest": digest_of(content)})


def measure() -> Rates:
    """Rates of this machine, measured in a process of its own: the caller need not import torch."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))}
    command = [sys.executable, "-m", "components.core.rates"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MachineFault(f"the process that measures what this processor computes failed: {reason}")
    return Rates.model_validate_json(done.stdout.strip().splitlines()[-1])


def processor() -> str:
    """The processor's name with what tells one kind from another: `Intel(R) Xeon(R) Processor, model 207, avx512_bf16`."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in reversed(lines))}
    kinds = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in facts.get("flags", "").split()]
    model = f"model {facts['model']}" if "model" in facts else ""
    name = facts.get("model name") or platform.processor() or platform.machine()
    return ", ".join(filter(None, (name, model, *kinds[-1:])))


def gigaflops(shapes: Shapes, rounds: int = ROUNDS) -> dict[str, float]:
    """dtype → 10⁹ operations a second (2 a token and weight) in one block's linear layers; int8 where torch has kernels.

    One thread is measured, in processor seconds: torch's threads must be set to 1 before.
    """
    import torch

    makers: dict[str, Callable[[int, int], Callable[[], object]]] = {
        "float32": lambda inputs, outputs: _product(inputs, outputs, torch.float32),
        "bfloat16": lambda inputs, outputs: _product(inputs, outputs, torch.bfloat16),
        "int8": _quantised,
    }
    blocks = {}
    for dtype, maker in makers.items():
        try:
            blocks[dtype] = [maker(inputs, outputs) for inputs, outputs in shapes]
        except RuntimeError:
            assert dtype == "int8", "only int8 may lack kernels"
    operations = sum(2 * TOKENS * inputs * outputs for inputs, outputs in shapes)
    best = dict.fromkeys(blocks, float("inf"))
    with torch.inference_mode():
        for _ in range(rounds + 1):  # the first one also makes the kernels
            for dtype, block in blocks.items():
                best[dtype] = min(best[dtype], _seconds(block))
    return {dtype: round(operations / seconds / 1e9, 1) for dtype, seconds in best.items()}


def _product(inputs: int, outputs: int, dtype: "torch.dtype") -> Callable[[], object]:
    import torch

    x, weight = torch.randn(TOKENS, inputs, dtype=dtype), torch.randn(outputs, inputs, dtype=dtype)
    return lambda: torch.nn.functional.linear(x, weight)


def _quantised(inputs: int, outputs: int) -> Callable[[], object]:
    import torch

    weight = torch.quantize_per_tensor(torch.randn(outputs, inputs), 0.02, 0, torch.qint8)
    packed, x = torch.ops.quantized.linear_prepack(weight, None), torch.randn(TOKENS, inputs)
    return lambda: torch.ops.quantized.linear_dynamic(x, packed)


def _seconds(block: list[Callable[[], object]]) -> float:
    start = time.thread_time()
    for product in block:
        product()
    return time.thread_time() - start


def _memory() -> float:
    import torch

    source = torch.ones(COPIED // 4)
    target = torch.empty_like(source)
    return round(2 * COPIED / min(_seconds([lambda: target.copy_(source)]) for _ in range(ROUNDS)) / 1e9, 1)


def main() -> None:
    """Measure and print."""
    import warnings

    import torch

    warnings.simplefilter("ignore")  # torch says that its quantised tensors will move to another package
    torch.set_num_threads(1)
    measured = Rates(
        processor=processor(),
        torch=torch.__version__,
        date=datetime.now(UTC).date().isoformat(),
        gigabytes_per_second=_memory(),
        gigaflops={model: gigaflops(shapes) for model, shapes in SHAPES.items()},
    )
    sys.stdout.write(measured.model_dump_json() + "\n")


if __name__ == "__main__":
    main()
