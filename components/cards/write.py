"""Writes cards as files: `<folder>/<use case>/v<version>.md` and what lies beside it (`draft.*` before registration),
and brings the index of the folder up to date.

The page is the Markdown text rendered, with plots; `v<version>.record.json` is what both were made from.
"""

from pathlib import Path

from components.core import publish_text

from .front_matter import check, front_matter
from .index import index
from .page import page
from .record import Record, as_file, record_path, template_version
from .render import beside, card_name, markdown


def write_card(record: Record, folder: Path) -> Path:
    """Write the card of `record` below `folder` (`model_cards/`) with all that lies beside it, bring the index up to date,
    and return the path of the Markdown, which is written last. A final card replaces the draft."""
    content = as_file(record.model_copy(update={"template": template_version()}))
    record = Record.model_validate_json(content)  # the card is made from what a later reader finds
    body = markdown(record)
    text = f"---\n{front_matter(record)}\n---\n{body}"
    check(text)
    home = folder / record.use_case["name"]
    path = home / f"{card_name(record)}.md"
    for file, annex in beside(record).items():
        publish_text(home / file, annex)
    publish_text(record_path(path), content)
    publish_text(path.with_suffix(".html"), page(record, body))
    publish_text(path, text)
    if record.model:
        for draft in home.glob("draft.*"):
            draft.unlink()
    index(folder)
    return path
