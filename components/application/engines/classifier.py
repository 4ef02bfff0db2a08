"""A model with a head of labels (transformers' sequence classification): labels of a text in one pass, without a prompt. An
encoder that was made for the job, or any model that tuning gave such a head.

`candidate.own["model_labels"]` says which of the contract's labels each of the model's own is (without it, they are called
the same); a label of the model that is not there is never an answer. A text longer than the model's window loses its end,
and is counted.
Not covered: adapters, several devices.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Machine, Store
from components.core.memory import give_back
from components.tasks import kind_of

from ..label_head import LabelModel, open_label_model
from ..weights import folders

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from ..answer import Hit

ARCHITECTURES = ("encoder",)
PACKAGES = ("torch", "transformers", "safetensors")
QUOTES = False
CONTEXT = False


class Engine:
    """See engines/__init__.py: `reply` instead of `generate`."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        folder, _ = folders(candidate, store)
        opened = open_label_model(folder, candidate.runtime.dtype, machine)
        if opened.missing:  # transformers would answer with random weights in their place
            raise BadInput(f"candidate: the checkpoint is no classifier: it has no weights {opened.missing[0]}")
        self._places, self._labels = _labels(opened.model.config, candidate)
        self._kind, self._own = kind_of(candidate.task), candidate.own
        self._opened: LabelModel | None = opened
        self.cut: set[int] = set()

    def reply(self, texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        """The most likely of the contract's labels for each text; where a text may have several, those that are more likely
        than not. hits: not read."""
        return [self._answer(shares) for shares in self.likelihoods(texts)]

    def likelihoods(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """The probability of each of the contract's labels for each text: they sum to 1, unless a text may have several."""
        assert self._opened is not None, "the engine was closed"
        if not texts:
            return []
        lengths = self._opened.lengths(texts)
        self.cut = {place for place, length in enumerate(lengths) if length > self._opened.window}
        logits = self._opened.outputs(texts, lengths)[:, self._places]
        shares = logits.sigmoid() if self._kind.several else logits.softmax(-1)
        return [dict(zip(self._labels, row, strict=True)) for row in shares.tolist()]

    def _answer(self, shares: dict[str, float]) -> str:
        best = max(shares, key=lambda label: shares[label])
        if not self._kind.several:
            return best
        likely = [label for label, share in shares.items() if share >= 0.5]
        answer = self._kind.read_answer(likely, self._own) or self._kind.read_answer([best], self._own)
        return str(answer)

    def close(self) -> None:
        """Free the model."""
        self._opened = None
        give_back()


def _labels(config: "PreTrainedConfig", candidate: Candidate) -> tuple[list[int], list[str]]:
    """(places of the model's labels that the contract has, what the contract calls each)."""
    own: dict[int, str] = {int(place): str(name) for place, name in (config.id2label or {}).items()}
    called = candidate.own.get("model_labels") or {name: name for name in own.values()}
    places = [place for place, name in sorted(own.items()) if name in called]
    labels = [called[own[place]] for place in places]
    if missing := [label for label in candidate.labels if label not in labels]:
        raise BadInput(
            f"candidate: the model's labels are {', '.join(own.values())}, and none of them is '{missing[0]}'; say under "
            "selection.more, key 'labels', which is which"
        )
    return places, labels
