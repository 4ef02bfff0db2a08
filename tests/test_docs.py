"""README and the pages beside it: short, complete, true to the types and commands they name, and without a broken link."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from typer.core import TyperGroup

from components.core import UseCase
from components.core.code import ROOT
from flows import commands
from tests.pages import DOCS, README, blocks, page

LINKED = sorted(
    [README, ROOT / "CHANGELOG.md", *(path for name in ("docs", "infra") for path in (ROOT / name).rglob("*.md"))]
)
CARDS = sorted(path for path in (ROOT / "model_cards").rglob("*") if path.suffix in (".md", ".html"))
OF_NINEFOLD = {"--version", "--install-completion", "--help"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def inline(path: Path) -> Iterator[Token]:
    """The tokens within the lines of a Markdown page."""
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text()):
        yield from token.children or ()


def links(path: Path) -> set[str]:
    """Where a page points."""
    if path.suffix == ".html":
        return set(re.findall(r"""(?:href|src)=["']([^"']+)["']""", path.read_text()))
    return {str(link) for token in inline(path) if (link := token.attrGet("href") or token.attrGet("src"))}


def anchors(path: Path) -> set[str]:
    """What a link may name behind `#`: of Markdown the headings, as GitHub spells them."""
    if path.suffix != ".md":
        return set(re.findall(r"""\bid=["']([^"']+)["']""", path.read_text()))
    found: set[str] = set()
    tokens = MarkdownIt("commonmark").parse(path.read_text())
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            text = "".join(child.content for child in token.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            number = sum(1 for one in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", one))
            found.add(f"{slug}-{number}" if number else slug)
    return found


def broken(path: Path) -> list[str]:
    """The relative links of a page that lead nowhere. Cards also point into the workspace of their run: not in git."""
    found = []
    for link in sorted(links(path)):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or parts.path.startswith("../../.ninefold/"):
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        there = target.exists() and ROOT in [target, *target.parents]
        if not there or (parts.fragment and target.is_file() and unquote(parts.fragment) not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("path", [*LINKED, *CARDS], ids=named)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "one.md").write_text(
        "# A `b.c` d_e\n\n[1](#a-bc-d_e) [2](#b) [3](two.md) [4](gone.md) [5](https://x.y) ![6](no.png)\n"
    )
    (tmp_path / "two.md").write_text("# Two\n\n# Two\n\n[1](one.md#a-bc-d_e) [2](one.md#a) [3](#two-1) [4](../../etc)\n")
    assert broken(tmp_path / "one.md") == ["#b", "gone.md", "no.png"]
    assert broken(tmp_path / "two.md") == ["../../etc", "one.md#a"]


def test_the_readme_is_short_and_the_index_names_every_page() -> None:
    assert len(README.read_text().splitlines()) <= 170
    assert {link for link in links(page("README")) if "/" not in link} == {path.name for path in DOCS} - {"README.md"}


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs/images").glob("*.png")}
    assert set(sizes) == {"card.png", "review.png"}
    assert max(sizes.values()) < 200_000


def test_the_reference_of_the_contract_is_what_the_types_say(tmp_path: Path) -> None:
    """`python docs/contract.py` writes it anew."""
    code = "import runpy, sys; sys.stdout.write(runpy.run_path('docs/contract.py')['page']())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == page("contract").read_text(), "docs/contract.md is stale: run `python docs/contract.py`"
    for word in UseCase.model_fields:
        assert re.search(rf"^(\| `{word}` \||### `{word}`$)", done.stdout, flags=re.MULTILINE), word


def test_bash_blocks_are_those_that_the_test_of_schedules_runs() -> None:
    assert [path for path in (README, *DOCS) if blocks(path, "bash")] == [page("operations")]


@pytest.mark.parametrize("path", [*LINKED, ROOT / "model_cards/README.md"], ids=named)
def test_commands_named_in_a_sentence_exist(path: Path) -> None:
    for token in inline(path):
        if token.type == "code_inline" and token.content.startswith("ninefold "):
            words = shlex.split(token.content.replace("<", "").replace(">", ""))[1:]
            options = {word for word in words if word.startswith("--")}
            if words[0] in OF_NINEFOLD:
                continue
            assert words[0] in commands.names(), token.content
            command = commands.load(words[0])
            if isinstance(command, TyperGroup) and len(words) > 1:
                assert words[1] in command.commands, token.content
                command = command.commands[words[1]]
            assert options <= {option for known in command.params for option in known.opts}, token.content
