"""Whether what tuning asks for and the contract's texts without an answer fit together."""

from typing import TYPE_CHECKING

from components.core import BadInput, UseCase
from components.tasks import kind_of

if TYPE_CHECKING:
    from .stage import Config

READ_BY = {
    "pretraining": "the use case has no documents to learn from",
    "pseudo_labels": "no source has texts to label",
}
"""Key of the section that reads such texts → what is missing where there are none."""


def check_settings(config: "Config", contract: UseCase) -> None:
    """Raise BadInput where texts are to be read and there are none, or are of no use, or nothing reads those there are."""
    asked = [key for key in READ_BY if getattr(config, key) or any(one.get(key) for one in config.techniques.values())]
    waiting = [number for number, source in enumerate(contract.data.sources) if source.role == "unlabelled"]
    for key in asked:
        where = f"section 'tuning', key '{key}'"
        if key == "pseudo_labels" and (kind_of(contract.task.kind).several or not contract.task.labels):
            raise BadInput(
                f"{where}: a task of kind '{contract.task.kind}' has no single label of which a model could be sure; "
                "it works for kinds with task.labels, such as classification. Remove the key"
            )
        if contract.data.labelling:
            raise BadInput(
                f"{where}: data.labelling labels the texts of 'unlabelled' sources, which are then training rows and no "
                "documents; remove one of the two"
            )
        if not waiting:
            raise BadInput(f"{where}: {READ_BY[key]}; give a source the role 'unlabelled', or remove the key")
    if waiting and not asked and not contract.data.labelling:
        raise BadInput(
            f"data.sources.{waiting[0]}.role: 'unlabelled' needs what reads its texts: labelling functions "
            "(data.labelling.functions), `tuning: {pretraining: {}}` to go on with pre-training on them, or, for labels, "
            "`tuning: {pseudo_labels: {}}`, with which the tuned model labels them"
        )
