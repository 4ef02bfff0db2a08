"""What people read: the README and the pages of docs/, as tests read them."""

import re
from pathlib import Path

from components.core.code import ROOT

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))


def page(word: str) -> Path:
    """The page of docs/ with that name."""
    return ROOT / f"docs/{word}.md"


def blocks(path: Path, language: str) -> list[str]:
    """The contents of a page's fenced blocks in that language."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(), flags=re.DOTALL)


def commands(path: Path) -> list[str]:
    """The commands of a page's `sh` blocks, without their comments, in its order."""
    lines = [line for block in blocks(path, "sh") for line in block.splitlines()]
    return [command for line in lines if (command := re.sub(r"(^|\s)#.*", "", line).strip())]
