"""A registered version as MLflow's pages show it beyond its tags: description, figures on test, splits, the card.

The description is the version's; figures, splits and card are those of its source run, which is nested in the run of the
whole lifecycle, and of the logged model. Everything here may be repeated: the same names are written again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import Split, digest_of, file_digest
from components.core.inputs import Input

if TYPE_CHECKING:
    from components.core.tracking import Tracking

    from .registry import Registered

NOTE = "mlflow.note.content"
"""Tag that MLflow's pages show as the description of a run or of a logged model."""


@dataclass(frozen=True)
class VersionPage:
    """What the page of one version is made of."""

    description: str
    """Markdown of at most 5,000 characters."""
    metrics: Mapping[str, float]
    """Figures on test."""
    test: Split
    """The split that they are of."""
    inputs: Sequence[Input]
    card: Path
    """The card's Markdown; `.html` lies beside it."""

    @property
    def files(self) -> list[Path]:
        """What becomes an artifact."""
        return [self.card, self.card.with_suffix(".html")]

    @property
    def digest(self) -> str:
        """Changes with anything that is shown."""
        shown = [[one.name, one.digest] for one in self.inputs]
        return digest_of([self.description, dict(self.metrics), shown, [file_digest(path) for path in self.files]])


def show(tracking: "Tracking", version: "Registered", page: VersionPage) -> None:
    """Write `page` to MLflow: all but the description, which `Registry` sets and guards."""
    client = tracking.client
    there = client.get_model_version(version.model, str(version.version))
    logged = str(there.source or "").removeprefix("models:/")
    client.set_logged_model_tags(logged, {NOTE: page.description})
    if run := there.run_id:  # none of a version that an earlier Ninefold made
        client.set_tag(run, NOTE, page.description)
        tracking.used(run, page.inputs)
        tested = next((one for one in page.inputs if one.split == page.test), None)
        tracking.model_figures(run, logged, page.metrics, tested)
        for path in page.files:
            client.log_artifact(run, str(path), "card")
