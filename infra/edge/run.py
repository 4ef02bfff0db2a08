"""Answers questions with the application in this folder: no network, no server, nothing of Ninefold installed.

    python run.py "a question"
    python run.py < questions.jsonl > answers.jsonl

It first holds every file against SHA256SUMS, and starts over nothing else. README.md says more.
"""

import hashlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BESIDE = {"SHA256SUMS", "manifest.json"}
"""Files that no sum covers: the sums, and what Ninefold's store keeps of a folder in it."""


def fault() -> str:
    """What of this folder is not as it was deployed; empty where all is."""
    lines = (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    present = {path.relative_to(HERE).as_posix(): path for path in HERE.rglob("*") if path.is_symlink() or path.is_file()}
    for name in sorted(sums.keys() | present.keys()):
        if name in BESIDE or name.split("/")[0] == ".venv":
            continue
        if name not in sums or name not in present:
            return f"{name} was {'added' if name in present else 'removed'}"
        if present[name].is_symlink():
            return f"{name} is a link"
        with present[name].open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sums[name]:
                return f"{name} was changed"
    return ""


def main() -> int:
    """Check the folder, then answer; returns the exit code: 0 done, 1 refused, 2 bad input, 3 the machine failed."""
    if reason := fault():
        print(f"run.py: {HERE}: {reason}. Bring the folder back as it was deployed", file=sys.stderr)
        return 1
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(HERE))
    os.environ.setdefault("NINEFOLD_KEYS", str(HERE / "keys"))
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", DO_NOT_TRACK="1")
    try:
        from components.serving.edge import main as answer
    except ModuleNotFoundError as error:
        print(f"run.py: {error}: pip install -r {HERE / 'requirements.txt'}", file=sys.stderr)
        return 3
    return answer(HERE / "bundle", sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
