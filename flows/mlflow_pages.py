"""What MLflow's page of a registered version shows, from the card's record and the run's dataset."""

from components import cards
from components.core.inputs import inputs_in
from components.data import Prepared
from components.governance import VersionPage
from flows.steps import Steps


def version_page(do: Steps, record: cards.Record) -> VersionPage:
    """The page of the version whose card was just written (`do.card`)."""
    prepared = do.result("data")
    assert do.card, "a release has a card"
    assert isinstance(prepared, Prepared), "a release follows from data"
    dataset = prepared.dataset
    return VersionPage(
        description=cards.description(record),
        metrics={name: metric["value"] for name, metric in cards.test_metrics(record).items()},
        test=dataset.splits["test"],
        inputs=inputs_in(dataset, do.run.use_case.name, do.run.workspace.store),
        card=do.card,
    )
