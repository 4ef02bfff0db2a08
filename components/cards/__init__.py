"""Cards: a Record of what a run measured and decided goes in; a model card (Markdown and HTML) and an index come out."""

from .examples import pick_examples
from .record import Record
from .write import index, write_card

__all__ = ["Record", "index", "pick_examples", "write_card"]
